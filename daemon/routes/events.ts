import { Type } from 'typebox';
import type { App } from '../app.ts';
import type { Events, LoggedEvent } from '../events.ts';
import { failing } from './failing.ts';

/** Proxies close connections on which nothing is said for a minute. */
const keepAliveMs = 25_000;
/** A client that does not read is let go; it resumes by its last id. */
const maxUnreadBytes = 2 ** 20;

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
    const lastId = request.headers['last-event-id'] ?? '';
    const missed = events.since(lastId)?.map(frame).join('');
    // A past that is too long to be told in one go counts as forgotten.
    const resumed = missed !== undefined && Buffer.byteLength(missed) <= maxUnreadBytes;
    raw.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    });
    raw.write(frame({ id: resumed ? lastId : events.lastId, event: { type: 'hello', resumed } }));
    if (resumed) raw.write(missed);

    const send = (text: string) => {
      if (raw.writableLength <= maxUnreadBytes) raw.write(text);
      else leave(() => raw.destroy());
    };
    const subscription = events.subscribe((logged) => send(frame(logged)));
    const keepAlive = setInterval(() => send(': still here\n\n'), keepAliveMs);
    // Nothing is written after the end: Node takes that for an error nobody handles.
    const leave = (end: () => void) => {
      clearInterval(keepAlive);
      subscription[Symbol.dispose]();
      stopping.removeEventListener('abort', stop);
      end();
    };
    const stop = () => leave(() => raw.end());
    stopping.addEventListener('abort', stop, { once: true });
    raw.once('close', () => leave(() => undefined));
  });
}
