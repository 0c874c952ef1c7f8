/**
 * Instances: made, reset, deleted. Invariants:
 * - The registry's row is written before anything else of an instance and removed after everything else, so whatever a
 *   crash leaves is found by it, and undone or finished by `Upkeep`.
 * - All work on one instance runs under its lock; nothing else touches its container, snapshot, port or directory.
 * - Everything is found by the instance's id alone.
 */
import { randomBytes, randomInt } from 'node:crypto';
import type { Config, Paths } from '../config.ts';
import type { CreateInstance, Instance, PatchInstance } from '../contract.ts';
import { diskSpace } from '../drivers/btrfs.ts';
import type { InstanceRow, Registry, User } from '../drivers/registry.ts';
import type { Engine } from '../engines/engine.ts';
import { errors, messageOf } from '../errors.ts';
import type { Events } from '../events.ts';
import type { GateLink } from '../gate/link.ts';
import type { Route } from '../gate/protocol.ts';
import { Locks } from '../locks.ts';
import type { Log } from '../log.ts';
import { checkName } from '../names.ts';
import type { Catalogue, Manifest } from '../templates/catalogue.ts';
import type { Builder } from './builder.ts';
import { leaseEnd, parseExpiresAt, parseTtlSeconds } from './leases.ts';
import type { Servers } from './server.ts';
import { refOf, viewOf } from './view.ts';

export interface InstancesDeps {
  readonly config: Config;
  readonly paths: Paths;
  readonly builder: Builder;
  readonly servers: Servers;
  readonly catalogue: Catalogue;
  readonly registry: Registry;
  readonly engine: Engine;
  readonly gate: GateLink;
  readonly events: Events;
  readonly log: Log;
  /** Called after every change of a lease. */
  readonly onLeases: () => void;
  /** Whether a template without a version is on its way. */
  readonly isImporting: (template: string) => boolean;
}

/** Below it no new instance is made, so that the others can go on writing, and deleting stays possible. */
const diskReserveBytes = 256 * 2 ** 20;
const gatePatienceMs = 5000;
const passwordAlphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const passwordLength = 32;

const makePassword = (): string =>
  Array.from({ length: passwordLength }, () => passwordAlphabet[randomInt(passwordAlphabet.length)]).join('');

export class Instances {
  readonly #deps: InstancesDeps;
  readonly #locks = new Locks();
  readonly #creating = new Map<string, AbortController>();
  /** Instances whose server is being started again; clients wait at the gate meanwhile. */
  readonly #reviving = new Set<string>();
  readonly #stopping = new AbortController();

  constructor(deps: InstancesDeps) {
    this.#deps = deps;
  }

  // Looking

  list(): InstanceRow[] {
    return this.#deps.registry.instances();
  }

  /** By id or `template/name`. Throws `MYAAS_INSTANCE_NOT_FOUND`. */
  find(ref: string): InstanceRow {
    const slash = ref.indexOf('/');
    const { registry } = this.#deps;
    const row =
      slash === -1
        ? registry.instance(ref)
        : registry.instanceByName(ref.slice(0, slash), ref.slice(slash + 1));
    if (!row) throw errors.instanceNotFound(ref.length > 140 ? `${ref.slice(0, 140)}…` : ref);
    return row;
  }

  /** As clients see it; credentials only for its owner and for admins. */
  view(row: InstanceRow, viewer: User | undefined): Instance {
    return viewOf(row, viewer, this.#deps.config.hostname, this.#deps.engine);
  }

  /** Every port that the gate is to keep open. */
  routes(): Route[] {
    return this.list()
      .filter(({ state }) => state !== 'deleting')
      .map((row) => this.#route(row));
  }

  #route(row: InstanceRow): Route {
    return this.#deps.builder.route(
      row,
      row.state === 'creating' || row.state === 'resetting' || this.#reviving.has(row.id),
    );
  }

  // Making

  /** Returns when the new user's login has answered a query. When it fails or is aborted, nothing is left. */
  async create(owner: User, request: CreateInstance, signal: AbortSignal): Promise<InstanceRow> {
    const startedMs = performance.now();
    const { registry, config, gate, engine } = this.#deps;
    const template = checkName('template', request.template);
    const name = checkName('instance', request.name);
    const expiresAt = this.#leaseOf(request.ttl);
    const manifest = this.#manifest(template, request.version);
    if (registry.instanceByName(template, name)) throw errors.instanceExists(template, name);
    await this.#checkDisk();
    await gate.waitConnected(gatePatienceMs, signal);
    signal.throwIfAborted();
    const row = registry.reserve(
      {
        id: randomBytes(6).toString('hex'),
        template,
        version: manifest.version,
        name,
        owner: owner.name,
        state: 'creating',
        failure: null,
        engine: engine.name,
        databaseName: manifest.database,
        username: manifest.username,
        password: config.dbPassword ?? makePassword(),
        createdAt: new Date().toISOString(),
        expiresAt,
        protected: false,
        sizeBytes: manifest.sizeBytes,
        createMs: null,
        origin: 'snapshot',
      },
      config.ports,
      new Set(),
    );
    const cancelling = new AbortController();
    const abandoned = AbortSignal.any([signal, cancelling.signal, this.#stopping.signal]);
    this.#creating.set(row.id, cancelling);
    this.#publish(row);
    try {
      return await this.#locks.run(row.id, async () => {
        try {
          await this.#deps.builder.build(row, abandoned);
          const made = await this.#settle(row.id, {
            state: 'ready',
            createMs: Math.round(performance.now() - startedMs),
          });
          // Who hung up at the last moment does not know of it, and would not delete it.
          abandoned.throwIfAborted();
          return made;
        } catch (error) {
          await this.#dismantle(row);
          throw error;
        }
      });
    } finally {
      this.#creating.delete(row.id);
    }
  }

  #leaseOf(ttl: number | string | undefined): string | null {
    if (ttl !== undefined) return leaseEnd(parseTtlSeconds(ttl));
    const { containerTtlSeconds } = this.#deps.config;
    return leaseEnd(containerTtlSeconds === 0 ? null : containerTtlSeconds);
  }

  #manifest(template: string, version: string | undefined): Manifest {
    const { catalogue, isImporting } = this.#deps;
    if (!catalogue.current(template) && isImporting(template)) throw errors.templateImporting(template);
    return catalogue.find(template, version);
  }

  async #checkDisk(): Promise<void> {
    const { instances } = this.#deps.paths;
    const { freeBytes } = await diskSpace(instances);
    if (freeBytes < diskReserveBytes) throw errors.diskFull(instances, freeBytes, diskReserveBytes);
  }

  /** Records how work on an instance ended, and lets clients in. */
  async #settle(id: string, changes: Partial<InstanceRow>): Promise<InstanceRow> {
    const { registry, gate } = this.#deps;
    const row = registry.update(id, changes);
    if (!row) throw errors.instanceNotFound(id);
    await gate.update(this.#route(row));
    this.#publish(row);
    return row;
  }

  // Changing

  /** Extends, ends never, protects. */
  async patch(row: InstanceRow, request: PatchInstance): Promise<InstanceRow> {
    const { ttl, expiresAt } = request;
    if (ttl !== undefined && expiresAt !== undefined)
      throw errors.badRequest('Give ttl or expiresAt, not both.');
    const changes = {
      ...(ttl !== undefined && { expiresAt: leaseEnd(parseTtlSeconds(ttl)) }),
      ...(expiresAt !== undefined && { expiresAt: expiresAt === null ? null : parseExpiresAt(expiresAt) }),
      ...(request.protected !== undefined && { protected: request.protected }),
    };
    if (Object.keys(changes).length === 0) return row;
    return this.#locks.run(row.id, async () => {
      const changed = this.#deps.registry.update(row.id, changes);
      if (!changed || changed.state === 'deleting') throw errors.instanceNotFound(refOf(row));
      this.#publish(changed);
      return Promise.resolve(changed);
    });
  }

  /** Fresh data behind the same port and credentials: of the same version, another, or "latest". */
  async reset(row: InstanceRow, version: string | undefined): Promise<InstanceRow> {
    return this.#locks.run(row.id, async () => {
      const current = this.find(row.id);
      if (current.state !== 'ready' && current.state !== 'failed' && current.state !== 'asleep') {
        throw errors.instanceBusy(refOf(row), current.state);
      }
      const manifest = this.#deps.catalogue.find(row.template, version ?? current.version);
      const { registry } = this.#deps;
      const resetting = registry.update(row.id, {
        state: 'resetting',
        version: manifest.version,
        databaseName: manifest.database,
        sizeBytes: manifest.sizeBytes,
        failure: null,
      });
      if (!resetting) throw errors.instanceNotFound(refOf(row));
      this.#publish(resetting);
      return this.finishReset(resetting);
    });
  }

  /**
   * The second half of a reset, for which a crash may have left only this. The old server's data is garbage: it is
   * killed, not stopped. Only within `exclusively`.
   */
  async finishReset(row: InstanceRow): Promise<InstanceRow> {
    const { builder, gate } = this.#deps;
    try {
      await gate.update(this.#route(row));
      await builder.removeData(row.id);
      await builder.build(row, this.#stopping.signal);
      return await this.#settle(row.id, { state: 'ready' });
    } catch (error) {
      // On the way out the row stays as it is: the next start finishes the reset.
      if (!this.#stopping.signal.aborted) await this.fail(row, `The reset failed: ${messageOf(error)}`);
      throw error;
    }
  }

  /** Deletes an instance, also one that is being made; one that is gone already is fine. */
  async delete(row: InstanceRow, force: boolean): Promise<void> {
    const { registry } = this.#deps;
    if (row.protected && !force) throw errors.instanceProtected(refOf(row));
    this.#creating.get(row.id)?.abort(errors.cancelled(`The creation of instance "${refOf(row)}"`));
    await this.#locks.run(row.id, async () => {
      const current = registry.update(row.id, { state: 'deleting' });
      if (!current) return;
      this.#publish(current);
      await this.#dismantle(current);
    });
  }

  /** Removes all there is of an instance, its row last. Every step is fine when there is nothing to do. */
  async #dismantle(row: InstanceRow): Promise<void> {
    const { builder, gate, registry, events, onLeases } = this.#deps;
    registry.update(row.id, { state: 'deleting' });
    await Promise.all([gate.remove(row.id), builder.removeData(row.id)]);
    registry.remove(row.id);
    events.publish({ type: 'instance-deleted', id: row.id, template: row.template, name: row.name });
    onLeases();
  }

  /** Runs `work` under the lock of an instance, with its row as it is then. */
  async exclusively<T>(id: string, work: (row: InstanceRow | undefined) => Promise<T>): Promise<T> {
    return this.#locks.run(id, () => work(this.#deps.registry.instance(id)));
  }

  /** Starts a server on the data it has, while the gate holds its clients. Only within `exclusively`. */
  async startAgain(row: InstanceRow): Promise<void> {
    const { builder, gate, servers } = this.#deps;
    this.#reviving.add(row.id);
    try {
      await gate.update(this.#route(row));
      await servers.dismantle(row.id);
      await builder.startServer(row, () => Promise.resolve(), this.#stopping.signal);
    } finally {
      this.#reviving.delete(row.id);
    }
    await this.#settle(row.id, {});
  }

  /** Gives an instance up, with the reason for its owner. Only within `exclusively`. */
  async fail(row: InstanceRow, failure: string): Promise<void> {
    const failed = this.#deps.registry.update(row.id, { state: 'failed', failure });
    this.#deps.log.error(`Instance ${refOf(row)} failed: ${failure}`);
    if (failed) this.#publish(failed);
    await this.#deps.servers.dismantle(row.id);
    // Whoever waits at the gate is turned away.
    if (failed) await this.#deps.gate.update(this.#route(failed));
  }

  #publish(row: InstanceRow): void {
    this.#deps.events.publish({ type: 'instance', instance: this.view(row, undefined) });
    this.#deps.onLeases();
  }

  /** Cancels what is being made, and waits until that is undone. Servers and ports stay. */
  async stop(): Promise<void> {
    this.#stopping.abort(errors.cancelled('The request, by the end of the daemon,'));
    await this.#locks.drained();
  }
}
