/** A relay in front of a real HTTP server: it notes the requests that pass, and holds one back on demand. */
import { appendFileSync } from 'node:fs';
import { once } from 'node:events';
import {
  connect,
  createServer,
  type AddressInfo,
  type NetConnectOpts,
  type Server,
  type Socket,
} from 'node:net';

export interface Held {
  /** A request is here that was to be held. */
  readonly reached: Promise<unknown>;
  /** Lets it go on, and all that follow. */
  release(): void;
}

interface Hold {
  readonly pattern: RegExp;
  readonly reach: () => void;
  readonly released: Promise<unknown>;
}

export interface RelayOptions {
  /** The server behind: `http://host:port`, or `unix:///path`. */
  readonly target: string;
  /** A Unix socket to listen on; without it, a TCP port of 127.0.0.1. */
  readonly socketPath?: string;
  /** A file that gets a line for each request, before it goes on. */
  readonly requestLog?: string;
}

export class Relay implements AsyncDisposable {
  /** Method and path of each request so far. */
  readonly requests: string[] = [];
  readonly #server: Server;
  readonly #target: NetConnectOpts;
  readonly #requestLog: string | undefined;
  readonly #sockets = new Set<Socket>();
  #holds: readonly Hold[] = [];

  private constructor(server: Server, { target, requestLog }: RelayOptions) {
    this.#server = server;
    this.#requestLog = requestLog;
    const { protocol, hostname, port, pathname } = new URL(target);
    this.#target = protocol === 'unix:' ? { path: pathname } : { host: hostname, port: Number(port) };
    server.on('connection', (client) => this.#serve(client));
  }

  static async start(options: RelayOptions): Promise<Relay> {
    const server = createServer({ allowHalfOpen: true });
    const relay = new Relay(server, options);
    if (options.socketPath === undefined) server.listen(0, '127.0.0.1');
    else server.listen(options.socketPath);
    await once(server, 'listening');
    return relay;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Holds back requests whose method and path match, from now until released. */
  hold(pattern: RegExp): Held {
    const reached = Promise.withResolvers<undefined>();
    const released = Promise.withResolvers<undefined>();
    const hold = { pattern, reach: () => reached.resolve(undefined), released: released.promise };
    this.#holds = [...this.#holds, hold];
    return {
      reached: reached.promise,
      release: () => {
        this.#holds = this.#holds.filter((each) => each !== hold);
        released.resolve(undefined);
      },
    };
  }

  /** Breaks every connection, as a network does. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #serve(client: Socket): void {
    const server = connect({ ...this.#target, allowHalfOpen: true });
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(one);
      one.on('error', () => other.destroy());
      one.on('close', () => {
        this.#sockets.delete(one);
        other.destroy();
      });
    }
    server.pipe(client);
    // In order: a chunk that is held holds what comes after it.
    let before = Promise.resolve();
    client.on('data', (chunk: Buffer) => {
      before = before.then(() => this.#forward(chunk, server));
    });
    client.on('end', () => {
      before = before.then(() => void server.end());
    });
  }

  async #forward(chunk: Buffer, server: Socket): Promise<void> {
    // Clients send a request's head in one piece, and the next request when they have the answer.
    const request = /^([A-Z]+ \S+) HTTP\/1\.1\r\n/.exec(chunk.toString('latin1', 0, 4096))?.[1];
    if (request !== undefined) {
      this.requests.push(request);
      if (this.#requestLog !== undefined) appendFileSync(this.#requestLog, `${request}\n`);
      for (const hold of this.#holds.filter(({ pattern }) => pattern.test(request))) {
        hold.reach();
        await hold.released;
      }
    }
    if (!server.destroyed) server.write(chunk);
  }
}
