import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import type { Log } from '../log.ts';
import { Connection } from './connection.ts';
import type { Route, RouteActivity } from './protocol.ts';
import type { Refusal } from './refusal.ts';

export interface ListenerOptions {
  /** The address to listen on. */
  readonly bind: string;
  readonly refusal: Refusal;
  /** How long a client of a held route waits. */
  readonly holdLimitMs: number;
  readonly log: Log;
}

/** After this silence the kernel asks a client whether it is still there: a closed laptop must not count as a user. */
const keepAliveAfterMs = 60_000;

/** The port of one route and everybody connected to it. */
export class Listener {
  readonly #options: ListenerOptions;
  readonly #server: Server;
  readonly #connections = new Set<Connection>();
  #route: Route;
  /** Bytes of connections that are gone. */
  #past = { bytesIn: 0, bytesOut: 0 };
  #seenBytes = 0;
  #lastActivityAtMs = Date.now();

  constructor(route: Route, options: ListenerOptions) {
    this.#route = route;
    this.#options = options;
    this.#server = createServer(
      { noDelay: true, keepAlive: true, keepAliveInitialDelay: keepAliveAfterMs, allowHalfOpen: true },
      (client) => this.#accept(client),
    );
  }

  get port(): number {
    return this.#route.port;
  }

  /** Starts listening. Throws the system's error, such as `EADDRINUSE`. */
  async listen(): Promise<void> {
    this.#server.listen({ host: this.#options.bind, port: this.#route.port });
    await once(this.#server, 'listening');
    this.#server.on('error', (error) =>
      this.#options.log.warn(`port ${this.port} could not take a client: ${error.message}`),
    );
  }

  /** Takes over the state and socket of `route`. A server that was replaced takes its connections with it. */
  update(route: Route): void {
    const replaced = route.state === 'held' || route.socket !== this.#route.socket;
    this.#route = route;
    for (const connection of this.#connections) {
      if (replaced && !connection.waiting) connection.cut();
      if (route.state === 'open') connection.open(route.socket);
    }
  }

  /** Frees the port and cuts every connection; both are done when this returns. */
  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const connection of this.#connections) connection.cut();
    await closed;
  }

  activity(): RouteActivity {
    let { bytesIn, bytesOut } = this.#past;
    for (const connection of this.#connections) {
      bytesIn += connection.bytesIn;
      bytesOut += connection.bytesOut;
    }
    // Looked at only now, because noting the time of every chunk would cost each of them a little.
    if (bytesIn + bytesOut !== this.#seenBytes) this.#noteActivity();
    this.#seenBytes = bytesIn + bytesOut;
    const connections = this.#connections.size;
    return { id: this.#route.id, connections, bytesIn, bytesOut, lastActivityAtMs: this.#lastActivityAtMs };
  }

  #accept(client: Socket): void {
    const { refusal, holdLimitMs } = this.#options;
    const connection = new Connection({ client, refusal, holdLimitMs });
    this.#connections.add(connection);
    this.#noteActivity();
    client.once('close', () => {
      this.#connections.delete(connection);
      this.#past.bytesIn += connection.bytesIn;
      this.#past.bytesOut += connection.bytesOut;
      this.#noteActivity();
    });
    if (this.#route.state === 'open') connection.open(this.#route.socket);
  }

  #noteActivity(): void {
    this.#lastActivityAtMs = Date.now();
  }
}
