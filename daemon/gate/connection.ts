import { connect, type Socket } from 'node:net';
import type { Refusal } from './refusal.ts';

/** What a client whose first words are these is told instead of being served; undefined: it is welcome. */
export type Objection = (begun: Buffer) => Buffer | undefined;

/**
 * How long a client may keep its side open after its server has ended the session. Long enough to read what was
 * sent, and short enough that clients which never look do not pile up.
 */
const lingerMs = 10_000;

/** Large results come in pieces of this size. Each connection has one such buffer; only touched pages take memory. */
const readBufferBytes = 64 * 2 ** 10;

type State =
  | { readonly kind: 'waiting'; readonly timer: NodeJS.Timeout }
  | { readonly kind: 'carrying'; readonly server: Socket }
  | { readonly kind: 'refused' }
  | { readonly kind: 'closed' };

export interface ConnectionOptions {
  readonly client: Socket;
  readonly refusal: Refusal;
  /** A refusal waits for its first words. */
  readonly clientBegins: boolean;
  readonly holdLimitMs: number;
  readonly objection?: Objection | undefined;
}

/**
 * One client of an instance. It waits (up to `holdLimitMs`) until `open` connects it with the server; then bytes go
 * both ways until both sides have ended. The client's socket must allow half-open connections: an end of one
 * direction is passed on and leaves the other be. An error of one side destroys the other.
 *
 * Until it is opened nothing is read beyond one stream buffer: the kernel slows the client down, not our memory.
 */
export class Connection {
  readonly #client: Socket;
  readonly #refusal: Refusal;
  readonly #clientBegins: boolean;
  readonly #objection: Objection | undefined;
  #state: State;
  /** Nothing is read from the client, whatever its server has room for. */
  #frozen = false;

  constructor({ client, refusal, clientBegins, holdLimitMs, objection }: ConnectionOptions) {
    this.#client = client;
    this.#refusal = refusal;
    this.#clientBegins = clientBegins;
    this.#objection = objection;
    const giveUp = () =>
      this.refuse(
        `The server of this instance was not up within ${holdLimitMs / 1000} s. Try again in a moment; "myaas ls" shows its state.`,
      );
    this.#state = { kind: 'waiting', timer: setTimeout(giveUp, holdLimitMs) };
    // Why a client broke off is nobody's concern; that it did is told to its server.
    client.on('error', () => this.cut());
    client.on('end', () => this.#clientEnded());
  }

  get waiting(): boolean {
    return this.#state.kind === 'waiting';
  }

  get bytesIn(): number {
    return this.#client.bytesRead;
  }

  get bytesOut(): number {
    return this.#client.bytesWritten;
  }

  /** Connects a waiting client with the server at `path`, and lets a frozen one go on. */
  open(path: string): void {
    if (this.#frozen) {
      this.#frozen = false;
      this.#client.resume();
    }
    if (this.#state.kind !== 'waiting') return;
    this.#leaveState();
    const client = this.#client;
    const server = connectReusingBuffer(path, client);
    this.#state = { kind: 'carrying', server };

    let connected = false;
    server.once('connect', () => {
      connected = true;
      const carry = (chunk: Buffer) => {
        if (!server.write(chunk)) client.pause();
      };
      if (!this.#objection) client.on('data', carry);
      else client.once('data', (begun) => this.#examine(begun, carry));
    });
    server.on('drain', () => {
      if (!this.#frozen) client.resume();
    });
    client.on('drain', () => server.resume());
    server.on('end', () => this.#endClient());
    server.on('error', () => {
      if (connected) this.cut();
      else {
        this.#turnAway(
          'The server of this instance is not running. "myaas logs" says why; "myaas reset" starts it with fresh data.',
        );
      }
    });
  }

  /** Reads nothing more from a client that is being served, until `open`. What its server sends still arrives. */
  freeze(): void {
    if (this.#state.kind !== 'carrying') return;
    this.#frozen = true;
    this.#client.pause();
  }

  /** Sends a waiting client away, with a reason for people, as its protocol words it; others stay as they are. */
  refuse(reason: string): void {
    if (this.#state.kind === 'waiting') this.#turnAway(reason);
  }

  /** Ends both sides at once. */
  cut(): void {
    this.#leaveState();
    this.#state = { kind: 'closed' };
    this.#client.destroy();
  }

  #examine(begun: Buffer, carry: (chunk: Buffer) => void): void {
    const objection = this.#objection?.(begun);
    if (!objection) {
      this.#client.on('data', carry);
      carry(begun);
      return;
    }
    this.#leaveState();
    this.#state = { kind: 'refused' };
    this.#client.end(objection);
    this.#client.resume();
    this.#endClient();
  }

  #clientEnded(): void {
    // One that ends before it was served has gone away. (While unread data is left, 'end' does not come.)
    if (this.#state.kind === 'waiting') this.cut();
    if (this.#state.kind === 'carrying') this.#state.server.end();
  }

  #turnAway(reason: string): void {
    this.#leaveState();
    this.#state = { kind: 'refused' };
    const answer = (begun: Buffer) => {
      this.#client.write(this.#refusal(`MyAAS: ${reason}`, begun));
      // What else it has to say goes nowhere, but must be read: closing with unread data would destroy our message.
      this.#client.resume();
      this.#endClient();
    };
    if (!this.#clientBegins) {
      answer(Buffer.alloc(0));
      return;
    }
    const silent = setTimeout(() => this.cut(), lingerMs);
    this.#client.once('close', () => clearTimeout(silent)).once('data', answer);
  }

  #endClient(): void {
    const client = this.#client;
    client.once('finish', () => {
      const linger = setTimeout(() => this.cut(), lingerMs);
      client.once('close', () => clearTimeout(linger));
    });
    client.end();
  }

  /** Lets go of what the present state holds. */
  #leaveState(): void {
    if (this.#state.kind === 'waiting') clearTimeout(this.#state.timer);
    if (this.#state.kind === 'carrying') this.#state.server.destroy();
  }
}

/**
 * A connection to the Unix socket at `path` whose data goes to `client` through one buffer that is used again and
 * again: a fresh 64 KiB for every read would cost more than the rest of our work.
 */
function connectReusingBuffer(path: string, client: Socket): Socket {
  let buffer = Buffer.allocUnsafeSlow(readBufferBytes);
  return connect({
    path,
    allowHalfOpen: true,
    onread: {
      buffer: () => buffer,
      callback: (sizeBytes) => {
        const more = client.write(buffer.subarray(0, sizeBytes));
        // What the kernel did not take at once still lies in the buffer: leave it to that write, take another.
        if (client.writableLength > 0) buffer = Buffer.allocUnsafeSlow(readBufferBytes);
        return more;
      },
    },
  });
}
