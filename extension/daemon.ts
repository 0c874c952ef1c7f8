/**
 * The one line to the daemon that a window has. Somebody must hold it: a view while it is visible, a command while it
 * runs. Then there is one event stream, the store is up to date, and a daemon that went away is looked for again.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { MyaasError, messageOf } from '../daemon/errors/error.ts';
import { Api } from './api.ts';
import { createBackoff } from './backoff.ts';
import { Client, type Connection } from './client.ts';
import { failures, hasCode } from './errors.ts';
import { followEvents } from './events.ts';
import type { Log } from './log.ts';
import type { Availability } from './manifest.ts';
import { Outcome } from './outcome.ts';
import type { Store } from './store.ts';
import { isCompatible } from './version.ts';

/** Attempts that may fail before the views are emptied: a daemon that restarts (an upgrade) is not a daemon lost. */
const patience = 3;

export interface DaemonDeps {
  readonly store: Store;
  readonly log: Pick<Log, 'info' | 'warn' | 'hide'>;
  /** Asked at each attempt, so that a login from the command line is noticed. */
  readonly findConnection: () => Promise<Connection>;
  /** This extension's version, which the daemon's must fit. */
  readonly version: string;
}

export interface Hold {
  /** Resolved when the store is up to date; rejected when the daemon cannot be reached. */
  readonly api: Promise<Api>;
  dispose(): void;
}

export class DaemonLink {
  readonly #deps: DaemonDeps;
  readonly #backoff = createBackoff({ firstMs: 250, longestMs: 30_000 });
  #holders = 0;
  #running: AbortController | undefined;
  #waiting: AbortController | undefined;
  #client: Client | undefined;
  #reached = new Outcome<Api>();
  /** Up to where the events of which daemon are known; kept while nobody holds the line. */
  #seen: { readonly url: string; readonly id: string } | undefined;

  constructor(deps: DaemonDeps) {
    this.#deps = deps;
  }

  /** Keeps the line up until disposed. */
  hold(): Hold {
    if (this.#holders++ === 0) this.#start();
    else this.retry();
    let isHeld = true;
    return {
      api: this.#reached.promise,
      dispose: () => {
        if (!isHeld) return;
        isHeld = false;
        if (--this.#holders > 0) return;
        this.#reached.reject(failures.cancelled('The connection'));
        this.#stop();
      },
    };
  }

  /** Does `work` while the line is held. */
  async during<T>(work: (api: Api) => Promise<T>): Promise<T> {
    const hold = this.hold();
    try {
      return await work(await hold.api);
    } finally {
      hold.dispose();
    }
  }

  /** A daemon that was not there is looked for now instead of later. */
  retry(): void {
    if (this.#reached.state === 'rejected') this.#reached = new Outcome();
    this.#waiting?.abort();
  }

  /** Address or token have changed: what was known is another daemon's, or another user's. */
  reconnect(): void {
    const wasRunning = this.#running !== undefined;
    this.#stop();
    this.#seen = undefined;
    this.#backoff.reset();
    this.#deps.store.lose({ kind: 'unknown' });
    if (wasRunning) this.#start();
  }

  dispose(): void {
    this.#stop();
  }

  #start(): void {
    this.#running = new AbortController();
    // Who waits already, waits on: for the daemon that is found now.
    if (this.#reached.state !== 'pending') this.#reached = new Outcome();
    void this.#keepUp(this.#running.signal);
  }

  #stop(): void {
    this.#running?.abort(failures.cancelled('The connection'));
    this.#running = undefined;
    this.#client?.dispose();
    this.#client = undefined;
  }

  async #keepUp(signal: AbortSignal): Promise<void> {
    do {
      await this.#follow(signal).catch((error: unknown) => {
        if (!signal.aborted) this.#miss(error);
      });
      await this.#wait(signal);
    } while (!signal.aborted);
  }

  /** One event stream, from its beginning to its end. */
  async #follow(signal: AbortSignal): Promise<void> {
    const { findConnection, store, log } = this.#deps;
    if (this.#reached.state === 'rejected') this.#reached = new Outcome();
    const connection = await findConnection();
    signal.throwIfAborted();
    log.hide(connection.token);
    const client = this.#clientOf(connection);
    const api = new Api(client);
    const lastId = this.#seen?.url === connection.url ? this.#seen.id : undefined;
    for await (const { id, event } of followEvents(client, lastId, signal)) {
      if (event.type === 'hello') {
        log.info(`${event.resumed ? 'Resumed' : 'Began'} the event stream of ${connection.url}.`);
        if (!event.resumed || store.daemon.kind !== 'ready') await this.#readAll(api, signal);
        this.#backoff.reset();
        this.#reached.resolve(api);
      } else {
        store.apply(event);
      }
      this.#seen = { url: connection.url, id };
    }
    log.info('The event stream ended.');
  }

  #clientOf(connection: Connection): Client {
    const { url, token } = this.#client?.connection ?? {};
    if (this.#client && url === connection.url && token === connection.token) return this.#client;
    this.#client?.dispose();
    return (this.#client = new Client(connection));
  }

  /** Events that come meanwhile are applied afterwards; what they say once more changes nothing. */
  async #readAll(api: Api, signal: AbortSignal): Promise<void> {
    const status = await api.status(signal);
    if (!isCompatible(status.version, this.#deps.version))
      throw failures.versionMismatch(status.version, this.#deps.version);
    const [instances, templates] = await Promise.all([api.instances(signal), api.templates(signal)]);
    this.#deps.store.replace({ status, instances, templates });
  }

  #miss(thrown: unknown): void {
    const { store, log } = this.#deps;
    const error = this.#explain(thrown);
    log.warn(error.message);
    const kind = availabilityOf(error);
    if (kind === 'unreachable' && store.daemon.kind === 'ready' && this.#backoff.failures < patience) return;
    store.lose({
      kind,
      address: kind === 'misconfigured' ? '' : (this.#client?.connection.url ?? ''),
      error,
    });
    this.#reached.reject(error);
  }

  #explain(thrown: unknown): MyaasError {
    const { url = '', token } = this.#client?.connection ?? {};
    // It does not find our token bad when it was given none.
    if (hasCode(thrown, 'MYAAS_UNAUTHORIZED') && token === undefined) return failures.noToken(url);
    return thrown instanceof MyaasError ? thrown : failures.unreachable(url, messageOf(thrown), thrown);
  }

  /** Until the next attempt is due, or somebody wants it now. */
  async #wait(signal: AbortSignal): Promise<void> {
    this.#waiting = new AbortController();
    const either = AbortSignal.any([signal, this.#waiting.signal]);
    // An abort ends the wait; there is nothing else that can fail in it.
    await delay(this.#backoff.next(), undefined, { signal: either }).catch(() => undefined);
    this.#waiting = undefined;
  }
}

/** Which welcome view a failure to reach the daemon is told in. */
export function availabilityOf({ code }: MyaasError): Exclude<Availability, 'unknown' | 'ready'> {
  switch (code) {
    case 'MYAAS_SOCKET_FORBIDDEN':
      return 'forbidden';
    case 'MYAAS_NOT_LOGGED_IN':
      return 'no-token';
    case 'MYAAS_UNAUTHORIZED':
      return 'bad-token';
    case 'MYAAS_VERSION_MISMATCH':
      return 'mismatch';
    case 'MYAAS_BAD_CLIENT_CONFIG':
      return 'misconfigured';
    default:
      return 'unreachable';
  }
}
