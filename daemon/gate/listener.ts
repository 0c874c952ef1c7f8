import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import type { Log } from '../log.ts';
import { Connection, type Objection } from './connection.ts';
import { Encryption, encrypts } from './encryption.ts';
import type { Route, RouteActivity, Sight, TlsTerms } from './protocol.ts';
import { asksMysqlForTls, clientsBegin, mysqlNeedsTls, refusals } from './refusal.ts';

export interface ListenerOptions {
  /** The address to listen on. */
  readonly bind: string;
  /** How long a client of a route that is not open waits. */
  readonly holdLimitMs: number;
  /** How many clients one route may have: their file descriptors are everybody's. */
  readonly maxConnections: number;
  readonly log: Log;
  /** Told what serve is to know. */
  readonly onSight: (sight: Sight) => void;
}

/** After this silence the kernel asks a client whether it is still there: a closed laptop must not count as a user. */
const keepAliveAfterMs = 60_000;

/** Who comes when a route is full is told so in its own time, as long as there are no more than these at that. */
const turnedAwayAtATime = 64;

const needsTls = 'Connections to this database must use TLS, and this one does not.';

const mysqlObjection: Objection = (begun) =>
  asksMysqlForTls(begun) ? undefined : mysqlNeedsTls(`MyAAS: ${needsTls}`);

/** The port of one route and everybody connected to it. */
export class Listener {
  readonly #options: ListenerOptions;
  readonly #server: Server;
  readonly #connections = new Set<Connection>();
  /** They get to no server. */
  readonly #excess = new Set<Connection>();
  #route: Route;
  #tls: TlsTerms | undefined;
  #encryption: Encryption | undefined;
  /** Neither newcomers nor those who are connected get through, whatever the route's state. */
  #paused = false;
  /** Serve has been told that somebody wants in, and has not answered yet. */
  #wakeTold = false;
  #idleTimer: NodeJS.Timeout | undefined;
  /** Bytes of connections that are gone. */
  #past = { bytesIn: 0, bytesOut: 0 };
  #seenBytes = 0;
  /** Of the clock that nobody sets: who sets the other one neither puts instances to sleep nor keeps them awake. */
  #lastActivityMs = performance.now();

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
    this.#watchIdleness();
  }

  /** Takes over the state and socket of `route`. A server that was replaced takes its connections with it. */
  update(route: Route): void {
    const replaced = route.state !== 'open' || route.socket !== this.#route.socket;
    this.#route = route;
    this.#paused = false;
    this.#wakeTold = false;
    for (const connection of this.#connections) {
      if (replaced && !connection.waiting) connection.cut();
      if (route.state === 'open') connection.open(route.socket);
    }
    this.#askToWake();
    this.#watchIdleness();
  }

  /** On which terms clients that come from now on speak TLS; undefined: as their servers do. Throws OpenSSL's error. */
  secure(terms: TlsTerms | undefined): void {
    this.#tls = terms;
    const { protocol = 'mysql' } = this.#route;
    if (!terms || !encrypts(protocol)) this.#encryption = undefined;
    else if (this.#encryption) this.#encryption.renew(terms);
    else {
      const onClient = (client: Socket, encrypted: boolean) => this.#admit(client, encrypted);
      this.#encryption = new Encryption({ protocol, terms, onClient });
    }
  }

  /**
   * Lets nothing through to the server until the next `update`. False, and nothing done, when there is somebody who
   * is not idle, unless `force` is given.
   */
  pause(force: boolean): boolean {
    if (!force && !this.#isIdle()) return false;
    this.#paused = true;
    clearTimeout(this.#idleTimer);
    for (const connection of this.#connections) connection.freeze();
    return true;
  }

  /** Sends away who waits; whoever comes next is told to serve again. */
  refuse(reason: string): void {
    this.#wakeTold = false;
    for (const connection of this.#connections) connection.refuse(reason);
  }

  /** Frees the port and cuts every connection; both are done when this returns. */
  async close(): Promise<void> {
    // Who is cut off below must not be counted as going: that would set the timer anew, and keep the process alive.
    this.#paused = true;
    clearTimeout(this.#idleTimer);
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#encryption?.close();
    for (const connection of [...this.#connections, ...this.#excess]) connection.cut();
    await closed;
  }

  activity(): RouteActivity {
    const { bytesIn, bytesOut } = this.#count();
    const connections = this.#connections.size;
    const lastActivityAtMs = performance.timeOrigin + this.#lastActivityMs;
    return { id: this.#route.id, connections, bytesIn, bytesOut, lastActivityAtMs };
  }

  /** Looked at only now and then, because noting the time of every chunk would cost each of them a little. */
  #count(): { bytesIn: number; bytesOut: number } {
    let { bytesIn, bytesOut } = this.#past;
    for (const connection of this.#connections) {
      bytesIn += connection.bytesIn;
      bytesOut += connection.bytesOut;
    }
    if (bytesIn + bytesOut !== this.#seenBytes) this.#lastActivityMs = performance.now();
    this.#seenBytes = bytesIn + bytesOut;
    return { bytesIn, bytesOut };
  }

  #accept(client: Socket): void {
    const encryption = this.#encryption;
    if (!encryption) this.#admit(client, false);
    else if (encryption.underWay < this.#options.maxConnections + turnedAwayAtATime) encryption.take(client);
    else client.destroy();
  }

  #admit(client: Socket, encrypted: boolean): void {
    const { holdLimitMs, maxConnections } = this.#options;
    const { protocol = 'mysql' } = this.#route;
    const needed = this.#tls?.required === true && !encrypted;
    const connection = new Connection({
      client,
      refusal: refusals[protocol],
      clientBegins: clientsBegin[protocol],
      holdLimitMs,
      objection: needed && protocol === 'mysql' ? mysqlObjection : undefined,
    });
    if (this.#connections.size >= maxConnections) {
      this.#turnAway(client, connection, `This instance has ${String(maxConnections)} connections already.`);
      return;
    }
    if (needed && protocol !== 'mysql') {
      this.#turnAway(client, connection, needsTls);
      return;
    }
    this.#connections.add(connection);
    this.#noteActivity();
    client.once('close', () => {
      this.#connections.delete(connection);
      this.#past.bytesIn += connection.bytesIn;
      this.#past.bytesOut += connection.bytesOut;
      this.#noteActivity();
    });
    if (this.#route.state === 'open' && !this.#paused) connection.open(this.#route.socket);
    else this.#askToWake();
  }

  /** Those who come too often would take the descriptors that the limit saves: they are cut. */
  #turnAway(client: Socket, connection: Connection, why: string): void {
    if (this.#excess.size >= turnedAwayAtATime) {
      connection.cut();
      return;
    }
    this.#excess.add(connection);
    client.once('close', () => this.#excess.delete(connection));
    connection.refuse(why);
  }

  #askToWake(): void {
    const somebodyWaits = [...this.#connections].some(({ waiting }) => waiting);
    if (this.#route.state !== 'asleep' || this.#wakeTold || !somebodyWaits) return;
    this.#wakeTold = true;
    this.#options.onSight({ type: 'wake', id: this.#route.id });
  }

  // Idleness

  #noteActivity(): void {
    this.#lastActivityMs = performance.now();
    this.#watchIdleness();
  }

  /** How long until this route is idle, 0 when it is, undefined when it never will be as things are. */
  #untilIdleMs(): number | undefined {
    const { state, idleAfterMs, idleConnectedAfterMs } = this.#route;
    const limitMs = this.#connections.size === 0 ? idleAfterMs : idleConnectedAfterMs;
    if (state !== 'open' || this.#paused || limitMs === undefined) return undefined;
    return Math.max(0, this.#lastActivityMs + limitMs - performance.now());
  }

  #isIdle(): boolean {
    this.#count();
    return this.#untilIdleMs() === 0;
  }

  /** One timer a route, however many clients and queries there are. */
  #watchIdleness(): void {
    clearTimeout(this.#idleTimer);
    // Those who were cut when the port was closed are told afterwards; a timer would keep the gate from ending.
    if (!this.#server.listening) return;
    const waitMs = this.#untilIdleMs();
    if (waitMs !== undefined) this.#idleTimer = setTimeout(() => this.#tellIdleness(), Math.max(waitMs, 1));
  }

  #tellIdleness(): void {
    const { id, idleAfterMs } = this.#route;
    if (!this.#isIdle()) {
      this.#watchIdleness();
      return;
    }
    this.#options.onSight({ type: 'idle', id });
    // Serve may be away, or have a reason to leave it awake.
    this.#idleTimer = setTimeout(() => this.#tellIdleness(), idleAfterMs ?? keepAliveAfterMs);
  }
}
