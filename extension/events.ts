/** Follows `GET /v1/events`. The format is that of server-sent events, https://html.spec.whatwg.org/#server-sent-events. */
import type { MyaasEvent } from '../daemon/contract/contract.ts';
import type { Client } from './client.ts';
import { failures } from './errors.ts';

export interface IdentifiedEvent {
  /** Where to resume after this event. */
  readonly id: string;
  readonly event: MyaasEvent;
}

/** The daemon says something every 25 s; one that is silent for longer is not there any more. */
const silenceMs = 60_000;
const maxUnreadLength = 16 * 2 ** 20;

/** The daemon's events after the one named `lastId`. Ends when the stream does; throws the signal's reason when that aborts. */
export async function* followEvents(
  client: Client,
  lastId: string | undefined,
  signal: AbortSignal,
): AsyncGenerator<IdentifiedEvent> {
  const stream = await client.open('GET', '/v1/events', {
    signal,
    headers: { accept: 'text/event-stream', ...(lastId !== undefined && { 'last-event-id': lastId }) },
  });
  stream.setEncoding('utf8');
  stream.socket.setTimeout(silenceMs, () => stream.destroy());
  try {
    for await (const { id, data } of parseEvents(stream, client.connection.url)) {
      yield { id, event: JSON.parse(data) as MyaasEvent };
    }
  } catch (error) {
    signal.throwIfAborted();
    // A daemon that went away in the middle of an event has ended the stream like one that said so.
    if (!stream.destroyed) throw error;
  } finally {
    stream.destroy();
  }
}

/** Id and data of each event in a text that may be cut anywhere. Comments and other fields are skipped. */
export async function* parseEvents(
  chunks: AsyncIterable<unknown>,
  address: string,
): AsyncGenerator<{ readonly id: string; readonly data: string }> {
  let rest = '';
  let id = '';
  let data: string[] = [];
  for await (const chunk of chunks) {
    rest += String(chunk);
    // A CR at the end may be half of a CRLF; the next chunk tells.
    const lines = rest.split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop() ?? '';
    if (rest.length > maxUnreadLength) throw failures.badAnswer(address, 'an event without end');
    for (const line of lines) {
      if (line === '') {
        if (data.length > 0) yield { id, data: data.join('\n') };
        data = [];
      } else {
        const [, field, value = ''] = /^([^:]*):? ?(.*)$/.exec(line) ?? [];
        if (field === 'data') data.push(value);
        else if (field === 'id') id = value;
      }
    }
  }
}
