import type { App } from '../app.ts';
import type { Events, LoggedEvent } from '../events.ts';

/** Proxies close connections on which nothing is said for a minute. */
const keepAliveMs = 25_000;
/** A client that does not read is let go; it resumes by its last id. */
const maxUnreadBytes = 2 ** 20;

const frame = ({ id, event }: LoggedEvent): string =>
  `id: ${id}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;

/** `GET /v1/events`: server-sent events, as the HTML standard has them. Ends when the client or the daemon does. */
export function eventRoutes(app: App, events: Events, stopping: AbortSignal): void {
  app.get(
    '/v1/events',
    {
      schema: {
        summary: 'Server-sent events of instances, templates and import jobs; resumes by Last-Event-ID',
      },
    },
    (request, reply) => {
      reply.hijack();
      const { raw } = reply;
      raw.writeHead(200, {
        'content-type': 'text/event-stream',
        'cache-control': 'no-store',
        'x-accel-buffering': 'no',
      });
      const send = (text: string) => {
        if (raw.writableLength > maxUnreadBytes) raw.destroy();
        else raw.write(text);
      };
      const lastId = request.headers['last-event-id'];
      const missed = typeof lastId === 'string' ? events.since(lastId) : undefined;
      send(frame({ id: events.lastId, event: { type: 'hello', resumed: missed !== undefined } }));
      for (const logged of missed ?? []) send(frame(logged));
      const subscription = events.subscribe((logged) => send(frame(logged)));
      const keepAlive = setInterval(() => send(': still here\n\n'), keepAliveMs);
      const end = () => raw.end();
      stopping.addEventListener('abort', end, { once: true });
      raw.once('close', () => {
        clearInterval(keepAlive);
        subscription[Symbol.dispose]();
        stopping.removeEventListener('abort', end);
      });
    },
  );
}
