/** Talking to a server of Redis or Valkey: one command, one answer. RESP2, https://valkey.io/topics/protocol/. */
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { connectSocket } from './socket.ts';

export type Reply = string | number | null | readonly Reply[];

/** What the server says against a command. Its code is the first word: "WRONGPASS". */
export class ReplyError extends Error {
  get code(): string {
    return this.message.split(' ')[0] ?? '';
  }
}

export class RespConnection {
  readonly #socket: Socket;
  readonly #chunks: AsyncIterator<Buffer, unknown>;
  #unread: Buffer = Buffer.alloc(0);

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#chunks = (socket as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
  }

  /** When the signal aborts, the connection breaks, and so does whatever is being asked then. */
  static async open(
    address: { readonly path: string } | { readonly host: string; readonly port: number },
    signal?: AbortSignal,
  ): Promise<RespConnection> {
    const socket = connectSocket(address, signal);
    await once(socket, 'connect');
    return new RespConnection(socket);
  }

  /** Asks one thing at a time. Throws `ReplyError` for what the server refuses. */
  async ask(...command: readonly string[]): Promise<Reply> {
    const parts = command.map((part) => `$${String(Buffer.byteLength(part))}\r\n${part}\r\n`);
    this.#socket.write(`*${String(parts.length)}\r\n${parts.join('')}`);
    const reply = await this.#read();
    if (reply instanceof ReplyError) throw reply;
    return reply;
  }

  async #read(): Promise<Reply | ReplyError> {
    const line = await this.#line();
    const rest = line.slice(1);
    switch (line.charAt(0)) {
      case '+':
        return rest;
      case '-':
        return new ReplyError(rest);
      case ':':
        return Number(rest);
      case '$':
        return rest === '-1' ? null : (await this.#bytes(Number(rest) + 2)).toString('utf8', 0, Number(rest));
      case '*': {
        const replies: Reply[] = [];
        for (let left = Number(rest); left > 0; left--) {
          const reply = await this.#read();
          if (reply instanceof ReplyError) throw reply;
          replies.push(reply);
        }
        return replies;
      }
      default:
        throw new Error('The server does not speak RESP.');
    }
  }

  async #line(): Promise<string> {
    let end = this.#unread.indexOf('\r\n');
    for (; end === -1; end = this.#unread.indexOf('\r\n')) await this.#more();
    return (await this.#bytes(end + 2)).toString('utf8', 0, end);
  }

  async #bytes(count: number): Promise<Buffer> {
    while (this.#unread.length < count) await this.#more();
    const bytes = this.#unread.subarray(0, count);
    this.#unread = this.#unread.subarray(count);
    return bytes;
  }

  async #more(): Promise<void> {
    const next = await this.#chunks.next();
    if (next.done) throw new Error('The server has closed the connection.');
    this.#unread = Buffer.concat([this.#unread, next.value]);
  }

  close(): void {
    this.#socket.destroy();
  }
}
