/** The two ends that the gate joins, for its tests: servers on Unix sockets, and clients on TCP ports. */
import { EventEmitter, once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Log } from '../../daemon/log.ts';

/** Short, for a socket's address has little room; removed at the end of its scope. */
export async function temporaryDirectory(): Promise<AsyncDisposable & { path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'gate-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

export { freePort } from '../support/ports.ts';

/** Occupies a port, as a stranger's program would. */
export async function stranger(): Promise<AsyncDisposable & { port: number }> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { port, [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())) };
}

/** Listens at `path` and does `serve` with whoever comes; by default greets with its name and echoes. */
export async function databaseServer(
  path: string,
  serve = (socket: Socket) => {
    socket.write(`greeting of ${path};`);
    socket.pipe(socket);
  },
): Promise<AsyncDisposable & { path: string }> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    // The gate cuts connections; a server lives on.
    socket.on('error', () => undefined);
    serve(socket);
  }).listen(path);
  await once(server, 'listening');
  return {
    path,
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** A client of a port that remembers what it was sent. */
export class Client implements Disposable {
  readonly socket: Socket;
  readonly #changed = new EventEmitter<{ change: [] }>();
  #received: Buffer[] = [];
  #ended = false;
  #closed = false;

  constructor(port: number) {
    this.socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    this.#changed.setMaxListeners(0);
    const change = () => this.#changed.emit('change');
    this.socket.on('data', (chunk) => {
      this.#received.push(chunk);
      change();
    });
    this.socket.on('end', () => {
      this.#ended = true;
      change();
    });
    // A cut connection may end in a reset; 'close' follows.
    this.socket.on('error', () => undefined);
    this.socket.on('close', () => {
      this.#closed = true;
      change();
    });
  }

  get received(): Buffer {
    return Buffer.concat(this.#received);
  }

  get ended(): boolean {
    return this.#ended;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Waits until it has been sent `text`. */
  async heard(text: string): Promise<void> {
    await this.#until(() => this.received.includes(text), `hear ${text}`);
  }

  /** Waits until the other side has ended, or cut, the connection. */
  async over(): Promise<void> {
    await this.#until(() => this.#ended || this.#closed, 'see the end');
  }

  async connected(): Promise<void> {
    if (this.socket.connecting) await once(this.socket, 'connect');
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }

  async #until(reached: () => boolean, what: string): Promise<void> {
    while (!reached()) {
      if (this.#closed) throw new Error(`closed before it could ${what}`);
      await once(this.#changed, 'change');
    }
  }
}

/** Remembers what was logged. */
export class Logged implements Log {
  readonly messages: string[] = [];
  readonly #events = new EventEmitter<{ message: [] }>();
  debug = (message: string) => this.#keep(message);
  info = (message: string) => this.#keep(message);
  warn = (message: string) => this.#keep(message);
  error = (message: string) => this.#keep(message);

  /** Waits until something that contains `text` has been logged. */
  async heard(text: string): Promise<void> {
    while (!this.messages.some((message) => message.includes(text))) await once(this.#events, 'message');
  }

  #keep(message: string): void {
    this.messages.push(message);
    this.#events.emit('message');
  }
}
