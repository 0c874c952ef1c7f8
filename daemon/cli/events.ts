/** Follows `GET /v1/events`. The format is that of server-sent events, https://html.spec.whatwg.org/#server-sent-events. */
import type { MyaasEvent } from '../contract/contract.ts';
import { errors } from '../errors/errors.ts';
import type { Client } from './client.ts';

/**
 * Subscribes to the daemon's events: resolves once it sends them, so that nothing which is begun after that is missed.
 * Ends when the daemon ends the stream; throws the signal's reason when that aborts.
 */
export async function subscribe(client: Client, signal: AbortSignal): Promise<AsyncGenerator<MyaasEvent>> {
  const stream = await client.open('GET', '/v1/events', { signal, headers: { accept: 'text/event-stream' } });
  stream.setEncoding('utf8');
  return (async function* () {
    try {
      for await (const data of parseEvents(stream)) yield JSON.parse(data) as MyaasEvent;
    } catch (error) {
      signal.throwIfAborted();
      // A daemon that went away in the middle of an event has ended the stream like one that said so.
      if (!stream.destroyed) throw error;
    } finally {
      stream.destroy();
    }
  })();
}

/** The `data` of each event in a stream of text that may be cut anywhere. Comments and other fields are skipped. */
export async function* parseEvents(chunks: AsyncIterable<unknown>): AsyncGenerator<string> {
  let rest = '';
  let data: string[] = [];
  for await (const chunk of chunks) {
    rest += String(chunk);
    // A CR at the end may be half of a CRLF; the next chunk tells.
    const lines = rest.split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop() ?? '';
    if (rest.length > maxLineLength)
      throw errors.daemonUnreachable('/v1/events', 'it sends a line without end');
    for (const line of lines) {
      if (line === '') {
        if (data.length > 0) yield data.join('\n');
        data = [];
      } else if (line.startsWith('data:')) {
        data.push(line.slice(line.startsWith('data: ') ? 6 : 5));
      }
    }
  }
}

const maxLineLength = 16 * 2 ** 20;
