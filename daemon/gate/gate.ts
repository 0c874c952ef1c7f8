import { EventEmitter } from 'node:events';
import { messageOf } from '../errors/error.ts';
import type { Log } from '../log.ts';
import { Listener, type ListenerOptions } from './listener.ts';
import type { Route, RouteActivity, RouteFailure, Sight, TlsTerms } from './protocol.ts';

/** How long a client waits for an instance that is being reset, started or woken. */
export const holdLimitMs = 30_000;
/** More than a server takes (`max_connections`), and a small part of the files that the gate may have open. */
const maxConnections = 1500;

export interface GateOptions {
  /** The address instance ports are bound to. */
  readonly bind: string;
  readonly log: Log;
  readonly holdLimitMs?: number;
  /** For each route. */
  readonly maxConnections?: number;
}

/**
 * Every instance's TCP port. Knows routes and sockets, and nothing of processes or of who commands it.
 *
 * INVARIANT: changes are made one at a time, in the order they were asked for, also when the one who asked is gone.
 */
export class Gate {
  /** What whoever commands the gate is to know; nobody need listen. */
  readonly sights = new EventEmitter<{ sight: [Sight] }>();
  readonly #options: ListenerOptions;
  #tls: TlsTerms | undefined;
  readonly #listeners = new Map<string, Listener>();
  #lastChange: Promise<unknown> = Promise.resolve();

  constructor(options: GateOptions) {
    const { bind, log } = options;
    const onSight = (sight: Sight) => void this.sights.emit('sight', sight);
    this.#options = {
      bind,
      log,
      onSight,
      holdLimitMs: options.holdLimitMs ?? holdLimitMs,
      maxConnections: options.maxConnections ?? maxConnections,
    };
  }

  /**
   * Makes `routes` all there is. Connections of unchanged routes notice nothing. A port that cannot be opened does not
   * stop the others: it is in the answer.
   */
  sync(routes: readonly Route[], tls?: TlsTerms): Promise<RouteFailure[]> {
    return this.#inTurn(async () => {
      this.#setTls(tls);
      const wanted = new Set(routes.map(({ id }) => id));
      // First, so that a port can pass from one instance to another.
      for (const id of [...this.#listeners.keys()]) if (!wanted.has(id)) await this.#remove(id);
      const failures: RouteFailure[] = [];
      for (const route of routes) {
        try {
          await this.#set(route);
        } catch (error) {
          failures.push({ id: route.id, port: route.port, code: errnoOf(error) });
        }
      }
      return failures;
    });
  }

  /**
   * Opens a route's port, or changes its state. Holding it, or putting it to sleep, cuts its connections and lets new
   * ones wait; opening it lets them in. Throws the system's error when the port cannot be opened; then there is no such route.
   */
  set(route: Route): Promise<void> {
    return this.#inTurn(() => this.#set(route));
  }

  /** See `Listener.pause`. False also when there is no such route. */
  pause(id: string, force: boolean): Promise<boolean> {
    return this.#inTurn(() => Promise.resolve(this.#listeners.get(id)?.pause(force) ?? false));
  }

  /** Sends away who waits at a route. Fine when there is none. */
  refuse(id: string, reason: string): Promise<void> {
    return this.#inTurn(() => Promise.resolve(this.#listeners.get(id)?.refuse(reason)));
  }

  /** Frees a route's port and cuts its connections. Fine when there is none. */
  remove(id: string): Promise<void> {
    return this.#inTurn(() => this.#remove(id));
  }

  /** Has clients that come from now on speak TLS on other terms. Throws OpenSSL's error. */
  secure(tls: TlsTerms): Promise<void> {
    return this.#inTurn(() => {
      this.#setTls(tls);
      return Promise.resolve();
    });
  }

  activity(): RouteActivity[] {
    return [...this.#listeners.values()].map((listener) => listener.activity());
  }

  /** Frees every port and cuts every connection. */
  async close(): Promise<void> {
    await this.sync([]);
  }

  #setTls(tls: TlsTerms | undefined): void {
    this.#tls = tls;
    for (const listener of this.#listeners.values()) listener.secure(tls);
  }

  async #set(route: Route): Promise<void> {
    const present = this.#listeners.get(route.id);
    if (present?.port === route.port) {
      present.update(route);
      return;
    }
    await this.#remove(route.id);
    const listener = new Listener(route, this.#options);
    listener.secure(this.#tls);
    await listener.listen();
    this.#listeners.set(route.id, listener);
  }

  async #remove(id: string): Promise<void> {
    const listener = this.#listeners.get(id);
    this.#listeners.delete(id);
    await listener?.close();
  }

  #inTurn<T>(change: () => Promise<T>): Promise<T> {
    const result = this.#lastChange.then(change);
    // Whoever asked gets the error; the next change does not care.
    this.#lastChange = result.catch(() => undefined);
    return result;
  }
}

/** The code of a system error; what is none comes as its message. */
export function errnoOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? error.code
    : messageOf(error).slice(0, 64);
}
