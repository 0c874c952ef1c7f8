import { Type } from 'typebox';
import type { App } from './app.ts';
import type { MyaasEvent } from '../contract/contract.ts';
import type { Events, LoggedEvent } from '../events.ts';
import { userOf } from '../plugins/auth.ts';
import { maySee, type User } from '../rights.ts';
import { jobFor } from './templates.ts';
import { failing } from './failing.ts';

/** Proxies close connections on which nothing is said for a minute. */
const keepAliveMs = 25_000;

const frame = ({ id, event }: LoggedEvent): string =>
  `id: ${id}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;

/** An event as somebody may see it; undefined when they may not. */
function eventFor(user: User, event: MyaasEvent): MyaasEvent | undefined {
  switch (event.type) {
    case 'hello':
      return event;
    case 'instance':
      return maySee(user, event.instance.template) ? event : undefined;
    case 'instance-deleted':
      return maySee(user, event.template) ? event : undefined;
    case 'template':
      return maySee(user, event.template.name) ? event : undefined;
    case 'template-deleted':
      return maySee(user, event.name) ? event : undefined;
    case 'job': {
      const job = jobFor(user, event.job);
      return job.imports.length > 0 ? { type: 'job', job } : undefined;
    }
  }
}

/**
 * `GET /v1/events`: server-sent events, as the HTML standard has them. Begins with `hello`, whose id is the one the
 * client resumes from should it lose the connection right then. Ends when the client or the daemon does.
 */
export function eventRoutes(app: App, events: Events, stopping: AbortSignal): void {
  const schema = {
    summary: 'Server-sent events of instances, templates and import jobs; resumes by Last-Event-ID',
    headers: Type.Object({
      'last-event-id': Type.Optional(Type.String({ description: 'The last id that was seen' })),
    }),
    response: {
      200: { description: 'The stream', content: { 'text/event-stream': { schema: Type.String() } } },
      ...failing(),
    },
  };
  app.get('/v1/events', { schema }, (request, reply) => {
    reply.hijack();
    const { raw } = reply;
    const user = userOf(request);
    raw.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    });
    // Who asks only for the head would wait for the end of a body that never ends.
    if (request.method === 'HEAD') {
      raw.end();
      return;
    }
    const lastId = request.headers['last-event-id'] ?? '';
    const resumed = events.since(lastId) !== undefined;
    let sentId = resumed ? lastId : events.lastId;
    raw.write(frame({ id: sentId, event: { type: 'hello', resumed } }));

    // A client gets as much as it reads: what it has not read yet waits in the log that all share. One that falls
    // behind what the log keeps is let go; it comes back, and is told by `hello` to read everything anew.
    const catchUp = () => {
      const missed = events.since(sentId);
      if (!missed) end();
      for (const logged of missed ?? []) {
        if (raw.writableNeedDrain) return;
        const event = user.templates === null ? logged.event : eventFor(user, logged.event);
        if (event) raw.write(frame({ id: logged.id, event }));
        sentId = logged.id;
      }
    };
    const subscription = events.subscribe(catchUp);
    const keepAlive = setInterval(() => raw.write(': still here\n\n'), keepAliveMs);
    // Nothing may be written after the end: Node takes that for an error nobody handles.
    const leave = () => {
      clearInterval(keepAlive);
      subscription[Symbol.dispose]();
      raw.removeListener('drain', catchUp);
      stopping.removeEventListener('abort', end);
    };
    const end = () => {
      leave();
      raw.end();
    };
    raw.on('drain', catchUp);
    raw.once('close', leave);
    stopping.addEventListener('abort', end, { once: true });
    catchUp();
  });
}
