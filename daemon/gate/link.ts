/** Serve's end of the link to the gate. */
import { EventEmitter, once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { messageOf } from '../errors/error.ts';
import { errors } from '../errors/errors.ts';
import type { Log } from '../log.ts';
import { openChannel, type Channel } from './channel.ts';
import { listenPrivately, type SocketOwner } from './private-socket.ts';
import {
  GateMessage,
  protocolVersion,
  type Reply,
  type Route,
  type RouteActivity,
  type ServeMessage,
  type Sight,
  type TlsTerms,
} from './protocol.ts';
import { Requests, type Question } from './requests.ts';

export interface GateLinkOptions {
  readonly socketPath: string;
  /** The gate's user; default: the one that serve runs as. */
  readonly owner?: SocketOwner;
  /** Every port that is to be open. Asked whenever a gate connects, so it must be up to date before `set` and `remove`. */
  readonly routes: () => readonly Route[];
  readonly onSight: (sight: Sight) => void;
  /** On which terms clients speak TLS. Asked whenever a gate connects; undefined: as their servers do. */
  readonly tls?: () => TlsTerms | undefined;
  readonly log: Log;
}

/** A gate that has said hello. It counts as connected when it has taken over all routes. */
interface Link {
  readonly requests: Requests;
  synced: boolean;
}

/**
 * Serve listens and the gate connects, so that either can be restarted. There is one gate: while it is linked, others
 * are refused, because it has the ports. A refused gate tries again and takes over when the first is gone.
 */
export class GateLink {
  readonly #options: GateLinkOptions;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #events = new EventEmitter<{ connected: [] }>();
  #link: Link | undefined;

  constructor(options: GateLinkOptions) {
    this.#options = options;
    this.#server = createServer((socket) => this.#accept(socket));
  }

  /** Whether a gate is there and has all routes. */
  get connected(): boolean {
    return this.#link?.synced === true;
  }

  /** Replaces the socket of a killed serve. Throws `MYAAS_HOST_NOT_READY`, also when another serve is alive. */
  async listen(): Promise<void> {
    await listenPrivately(this.#server, this.#options.socketPath, this.#options.owner);
  }

  /** Hangs up. The gate goes on with its routes. */
  async close(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  /** Throws `MYAAS_GATE_UNAVAILABLE` when no gate has come within `timeoutMs`, and the signal's reason on abort. */
  async waitConnected(timeoutMs: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    if (this.connected) return;
    const timeout = AbortSignal.timeout(timeoutMs);
    try {
      await once(this.#events, 'connected', {
        signal: AbortSignal.any(signal ? [signal, timeout] : [timeout]),
      });
    } catch (error) {
      signal?.throwIfAborted();
      if (timeout.aborted) throw errors.gateUnavailable(`it did not connect within ${timeoutMs} ms`);
      throw error;
    }
  }

  /**
   * Opens a port or changes its state; `held` cuts its connections and lets new ones wait. Throws `MYAAS_PORT_TAKEN`
   * when the port is somebody else's, `MYAAS_PORT_FAILED` when it cannot be had for another reason and
   * `MYAAS_GATE_UNAVAILABLE` without a gate.
   */
  async set(route: Route): Promise<void> {
    const reply = await this.#ask({ type: 'set', route });
    if (reply.type === 'done') return;
    if (reply.type !== 'failed') throw unexpected(reply);
    if (reply.code === 'EADDRINUSE')
      throw errors.portTaken(route.port, 'another program has it (EADDRINUSE)');
    if (reply.code === 'EACCES') throw errors.portTaken(route.port, 'the gate may not use it (EACCES)');
    throw errors.portFailed(route.port, reply.code);
  }

  /**
   * Tells a change of a route that `routes` has as it is now. Without a gate it does nothing: the next gate gets all
   * routes. One that is just being given them may have got this one as it was before, so it is told, too.
   */
  async update(route: Route): Promise<void> {
    const link = this.#link;
    try {
      if (link) await this.set(route);
    } catch (error) {
      if (this.#link === link) throw error;
    }
  }

  /**
   * Lets nothing through to a server until the next `update`; what its clients sent before has reached it. False when
   * its clients are not idle, unless forced. Throws `MYAAS_GATE_UNAVAILABLE`.
   */
  async pause(id: string, force: boolean): Promise<boolean> {
    const reply = await this.#ask({ type: 'pause', id, force });
    if (reply.type === 'done') return true;
    if (reply.type === 'failed' && reply.code === 'EBUSY') return false;
    throw unexpected(reply);
  }

  /** Tells changed terms. Without a gate it does nothing: the next gate is told by `tls`. */
  async secure(tls: TlsTerms): Promise<void> {
    const reply = await this.#link?.requests.ask({ type: 'tls', tls });
    if (reply && reply.type !== 'done') throw unexpected(reply);
  }

  /** Sends away who waits for an instance. Without a gate nobody does. */
  async refuse(id: string, reason: string): Promise<void> {
    const link = this.#link;
    try {
      const reply = await link?.requests.ask({ type: 'refuse', id, reason: reason.slice(0, 1000) });
      if (reply && reply.type !== 'done') throw unexpected(reply);
    } catch (error) {
      if (this.#link === link) throw error;
    }
  }

  /**
   * Frees a port and cuts its connections. Without a gate it does nothing: the next gate gets the routes without it,
   * and one that went on alone closes what it is not told to keep.
   */
  async remove(id: string): Promise<void> {
    const link = this.#link;
    if (!link) return;
    try {
      const reply = await link.requests.ask({ type: 'remove', id });
      if (reply.type !== 'done') throw unexpected(reply);
    } catch (error) {
      if (this.#link === link) throw error;
    }
  }

  /** What happens at every port. Throws `MYAAS_GATE_UNAVAILABLE`. */
  async stats(): Promise<readonly RouteActivity[]> {
    const reply = await this.#ask({ type: 'stats' });
    if (reply.type !== 'activity') throw unexpected(reply);
    return reply.routes;
  }

  async #ask(question: Question): Promise<Reply> {
    if (!this.#link) throw errors.gateUnavailable('it is not connected');
    return this.#link.requests.ask(question);
  }

  #accept(socket: Socket): void {
    const { log } = this.#options;
    this.#sockets.add(socket);
    let link: Link | undefined;
    const channel = openChannel<typeof GateMessage, ServeMessage>(socket, GateMessage, {
      onMessage: (message) => {
        if (message.type === 'hello') {
          if (link) channel.destroy('a second hello');
          else link = this.#welcome(channel, message.protocol);
        } else if (!link) channel.destroy(`"${message.type}" before hello`);
        else if (message.type === 'idle' || message.type === 'wake') this.#options.onSight(message);
        else link.requests.answered(message);
      },
      onClosed: (why) => {
        this.#sockets.delete(socket);
        if (!link) return;
        log.warn(`the gate is gone: ${why}`);
        // First, so that whoever is told of it below finds no gate.
        this.#link = undefined;
        link.requests.closed(why);
      },
    });
  }

  /** Makes the one who said hello the gate, or sends it away. */
  #welcome(channel: Channel<ServeMessage>, protocol: number): Link | undefined {
    const reason = this.#link
      ? 'another gate is connected'
      : protocol !== protocolVersion
        ? `it speaks protocol ${protocol}, serve speaks ${protocolVersion}: restart the gate`
        : undefined;
    if (reason !== undefined) {
      this.#options.log.warn(`a gate was refused: ${reason}`);
      channel.send({ type: 'refused', reason });
      channel.end();
      return undefined;
    }
    const link = { requests: new Requests(channel), synced: false };
    this.#link = link;
    void this.#sync(link);
    return link;
  }

  async #sync(link: Link): Promise<void> {
    const { log, routes } = this.#options;
    try {
      const wanted = routes();
      const tls = this.#options.tls?.();
      const reply = await link.requests.ask({ type: 'sync', routes: [...wanted], ...(tls && { tls }) });
      if (reply.type !== 'synced') throw unexpected(reply);
      for (const { id, port, code } of reply.failures) {
        log.error(`port ${port} of instance ${id} could not be opened: ${code}`);
      }
      link.synced = true;
      log.info(`the gate is connected and has ${wanted.length - reply.failures.length} ports open`);
      this.#events.emit('connected');
    } catch (error) {
      log.error(`the gate did not take over the routes: ${messageOf(error)}`);
    }
  }
}

function unexpected(reply: Reply): Error {
  return errors.gateUnavailable(`it gave an answer of the wrong kind, "${reply.type}"`);
}
