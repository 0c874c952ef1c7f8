import { Type } from 'typebox';
import type { App } from './app.ts';
import type { Events, LoggedEvent } from '../events.ts';
import { failing } from './failing.ts';

/** Proxies close connections on which nothing is said for a minute. */
const keepAliveMs = 25_000;

const frame = ({ id, event }: LoggedEvent): string =>
  `id: ${id}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;

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
    raw.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    });
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
        raw.write(frame(logged));
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
