/** One end of the link between serve and gate: validated messages instead of bytes. */
import type { Socket } from 'node:net';
import type { Static, TSchema } from 'typebox';
import { messageOf } from '../errors/error.ts';
import { Lines } from './lines.ts';
import {
  formatMessage,
  maxLineBytes,
  parseMessage,
  type GateMessage,
  type ServeMessage,
} from './protocol.ts';

export interface Channel<Outgoing> {
  send(message: Outgoing): void;
  /** Sends what is still to be sent, then hangs up. */
  end(): void;
  /** Hangs up at once. */
  destroy(why: string): void;
}

export interface Listening<Incoming> {
  readonly onMessage: (message: Incoming) => void;
  /** Called once, whoever hung up. */
  readonly onClosed: (why: string) => void;
}

/**
 * Speaks over `socket`. Messages that do not fit `schema`, and lines beyond `maxLineBytes`, end the connection: the
 * other side is not ours, or broken, and nothing it says afterwards can be trusted.
 */
export function openChannel<T extends TSchema, Outgoing extends ServeMessage | GateMessage>(
  socket: Socket,
  schema: T,
  { onMessage, onClosed }: Listening<Static<T>>,
): Channel<Outgoing> {
  const lines = new Lines(maxLineBytes);
  let why = 'the other side hung up';

  const destroy = (reason: string) => {
    if (socket.destroyed) return;
    why = reason;
    socket.destroy();
  };
  socket.on('data', (chunk: Buffer) => {
    const complete = lines.push(chunk);
    for (const line of complete ?? []) {
      if (socket.destroyed) return;
      const message = parseMessage(schema, line);
      if (message === undefined) destroy(`malformed message ${JSON.stringify(line.slice(0, 80))}`);
      else onMessage(message);
    }
    if (!complete) destroy(`a message of more than ${maxLineBytes} bytes`);
  });
  socket.on('error', (error) => (why = messageOf(error)));
  socket.on('close', () => onClosed(why));

  return {
    send: (message) => {
      // After the end there is nobody to tell; `onClosed` has been, or is about to be, called.
      if (socket.writable) socket.write(formatMessage(message));
    },
    end: () => socket.end(),
    destroy,
  };
}
