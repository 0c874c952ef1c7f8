/** Instances: made, from the pool or directly, changed, deleted. `Resets` and `Sleep` do the rest of their lives. */
import { randomBytes } from 'node:crypto';
import type { Config } from '../config.ts';
import type { CreateInstance, PatchInstance } from '../contract/instances.ts';
import type { InstanceRow, Registry } from '../drivers/registry.ts';
import type { SpareRow } from '../drivers/registry-spares.ts';
import type { User } from '../rights.ts';
import { messageOf, MyaasError } from '../errors/error.ts';
import { errors } from '../errors/errors.ts';
import type { GateLink } from '../gate/link.ts';
import type { Log } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import { checkName } from '../names.ts';
import type { Catalogue, Manifest } from '../templates/catalogue.ts';
import type { Admission } from './admission.ts';
import { cloneOf, type Builder } from './builder.ts';
import type { Ledger } from './ledger.ts';
import { makePassword } from './passwords.ts';
import type { Pool } from './pool.ts';
import { seriesFor, type SeriesDeps } from './server-series.ts';
import type { Sweeper } from './sweeper.ts';
import type { Terms } from './terms.ts';
import type { Traffic } from './traffic.ts';
import { refOf } from './view.ts';

export interface InstancesDeps {
  readonly config: Config;
  readonly ledger: Ledger;
  readonly builder: Builder;
  readonly pool: Pool;
  readonly sweeper: Sweeper;
  readonly terms: Terms;
  readonly admission: Admission;
  readonly traffic: Traffic;
  readonly catalogue: Catalogue;
  readonly registry: Registry;
  readonly images: SeriesDeps['images'];
  readonly gate: GateLink;
  readonly metrics: Metrics;
  readonly log: Log;
  /** Whether a template without a version is on its way. */
  readonly isImporting: (template: string) => boolean;
}

const gatePatienceMs = 5000;

/** A new instance's row, but for what its clone decides. */
type Draft = Omit<InstanceRow, 'port' | 'clone' | 'state' | 'password' | 'createMs' | 'origin'>;

export class Instances {
  readonly #deps: InstancesDeps;
  readonly #creating = new Map<string, AbortController>();
  readonly #stopping = new AbortController();

  constructor(deps: InstancesDeps) {
    this.#deps = deps;
  }

  // Making

  /** Returns when the new user's login has answered a query. When it fails or is aborted, nothing is left. */
  async create(owner: User, request: CreateInstance, signal: AbortSignal): Promise<InstanceRow> {
    const startedMs = performance.now();
    const { registry, admission, gate, terms, traffic, metrics } = this.#deps;
    using _ = traffic.enter();
    const template = checkName('template', request.template);
    const name = checkName('instance', request.name);
    const expiresAt = terms.leaseFor(owner.name, request.ttl);
    const manifest = this.#manifest(template, request.version);
    if (registry.instanceByName(template, name)) throw errors.instanceExists(template, name);
    terms.checkRoom(owner.name);
    await Promise.all([admission.checkDisk(), gate.waitConnected(gatePatienceMs, signal)]);
    const draft: Draft = {
      id: randomBytes(6).toString('hex'),
      template,
      version: manifest.version,
      name,
      owner: owner.name,
      failure: null,
      engine: manifest.engine,
      ...(await seriesFor(this.#deps, manifest, request.engineVersion, signal)),
      databaseName: manifest.database,
      username: manifest.username,
      createdAt: new Date().toISOString(),
      expiresAt,
      protected: false,
      sizeBytes: manifest.sizeBytes,
    };
    const cancelling = new AbortController();
    const abandoned = AbortSignal.any([signal, cancelling.signal, this.#stopping.signal]);
    abandoned.throwIfAborted();
    this.#creating.set(draft.id, cancelling);
    try {
      const claimed = await this.#claimAny(draft, manifest, startedMs, abandoned);
      const row = claimed ?? (await this.#build(draft, startedMs, abandoned));
      metrics.created(row.origin, performance.now() - startedMs);
      return row;
    } finally {
      this.#creating.delete(draft.id);
    }
  }

  #manifest(template: string, version: string | undefined): Manifest {
    const { catalogue, isImporting } = this.#deps;
    if (!catalogue.current(template) && isImporting(template)) throw errors.templateImporting(template);
    return catalogue.find(template, version);
  }

  async #claimAny(
    draft: Draft,
    manifest: Manifest,
    startedMs: number,
    abandoned: AbortSignal,
  ): Promise<InstanceRow | undefined> {
    const { pool } = this.#deps;
    if (draft.upgradedFrom !== null) return undefined; // Spares have their template's server.
    pool.want(draft.template);
    for (let spare = pool.take(manifest); spare; spare = pool.take(manifest)) {
      const row = await this.#claim(draft, spare, startedMs, abandoned);
      if (row) return row;
    }
    return undefined;
  }

  /**
   * Gives a spare a name, a port and an owner: one transaction. Meanwhile its user logs in. Undefined when its server
   * does not answer; then nothing is left of it.
   */
  async #claim(
    draft: Draft,
    spare: SpareRow,
    startedMs: number,
    abandoned: AbortSignal,
  ): Promise<InstanceRow | undefined> {
    const { ledger, registry, config, pool, terms, builder, log } = this.#deps;
    return ledger.exclusively(draft.id, async () => {
      const answering = Promise.allSettled([builder.login({ ...spare }, abandoned)]);
      let row: InstanceRow;
      try {
        abandoned.throwIfAborted();
        if (!pool.release(spare)) {
          pool.discard(spare);
          return undefined;
        }
        const { id: clone, password } = spare;
        row = registry.claim(
          { ...draft, clone, password, state: 'ready', createMs: null, origin: 'pool' },
          config.ports,
          terms.quotaOf(draft.owner).maxInstances,
        );
      } catch (error) {
        pool.giveBack(spare);
        throw error;
      }
      // Beside the rest: whoever answers the request waits for it.
      registry.flush().catch(() => undefined);
      return this.#orNothing(row, abandoned, async () => {
        const [open, [answer]] = await Promise.all([this.#openPort(row), answering, this.#mark(row)]);
        if (answer.status === 'fulfilled') {
          const createMs = Math.round(performance.now() - startedMs);
          const made = registry.update(row.id, { createMs }) ?? open;
          ledger.publish(made);
          return made;
        }
        abandoned.throwIfAborted();
        log.warn(`A spare of ${row.template} does not answer: ${messageOf(answer.reason)}`);
        await this.#dismantle(row);
        return undefined;
      });
    });
  }

  /** Makes data and server now. */
  async #build(draft: Draft, startedMs: number, abandoned: AbortSignal): Promise<InstanceRow> {
    const { ledger, registry, config, terms, builder, admission } = this.#deps;
    using _ = await admission.enter();
    const password = config.dbPassword ?? makePassword();
    const row = registry.reserve(
      { ...draft, clone: draft.id, password, state: 'creating', createMs: null, origin: 'snapshot' },
      config.ports,
      terms.quotaOf(draft.owner).maxInstances,
    );
    ledger.publish(row);
    const tellPhase = (phase: string) => ledger.tellPhase(row, phase);
    return await ledger.exclusively(row.id, () =>
      this.#orNothing(row, abandoned, async () => {
        await registry.flush();
        const [port, clone] = await Promise.allSettled([
          this.#openPort(row),
          builder.build(cloneOf(row), abandoned, tellPhase).then(() => this.#mark(row)),
        ]);
        if (clone.status === 'rejected') throw clone.reason;
        if (port.status === 'rejected') throw port.reason;
        const createMs = Math.round(performance.now() - startedMs);
        return ledger.settle(row.id, { state: 'ready', createMs });
      }),
    );
  }

  async #mark(row: InstanceRow): Promise<void> {
    await this.#deps.builder.mark(cloneOf(row), { ref: refOf(row), owner: row.owner });
  }

  /** Finishes an instance; when that fails, or nobody wants it any more, nothing is left of it. */
  async #orNothing<T>(row: InstanceRow, abandoned: AbortSignal, finish: () => Promise<T>): Promise<T> {
    try {
      const made = await finish();
      // Who hung up at the last moment does not know of it, and would not delete it.
      abandoned.throwIfAborted();
      return made;
    } catch (error) {
      // What can't be undone now stays on record as being deleted, and is tried again; why it failed counts more.
      await this.#dismantle(row).catch((failure: unknown) =>
        this.#deps.log.error(`Undoing ${refOf(row)}: ${messageOf(failure)}`),
      );
      throw error;
    }
  }

  /**
   * Has the gate listen for a new instance; on the next free port where a stranger has taken the one of the row. Ports
   * of older instances never move: they stand in somebody's settings.
   */
  async #openPort(row: InstanceRow): Promise<InstanceRow> {
    const { gate, registry, config, ledger } = this.#deps;
    const taken = new Set<number>();
    for (let current = row; ;) {
      try {
        await gate.set(ledger.route(current));
        return current;
      } catch (error) {
        if (!(error instanceof MyaasError && error.code === 'MYAAS_PORT_TAKEN')) throw error;
        taken.add(current.port);
        current = registry.moveToFreePort(row.id, config.ports, taken);
      }
    }
  }

  // Changing

  /** Extends, ends never, protects. */
  async patch(user: User, row: InstanceRow, request: PatchInstance): Promise<InstanceRow> {
    const changes = this.#deps.terms.changesOf(user, request);
    if (Object.keys(changes).length === 0) return row;
    const { ledger, registry } = this.#deps;
    return ledger.exclusively(row.id, async () => {
      const changed = registry.update(row.id, changes);
      if (!changed || changed.state === 'deleting') throw errors.instanceNotFound(refOf(row));
      ledger.publish(changed);
      return Promise.resolve(changed);
    });
  }

  /** Deletes an instance, also one that is being made; one that is gone already is fine. */
  async delete(row: InstanceRow, force: boolean): Promise<void> {
    const { registry, ledger } = this.#deps;
    if (row.protected && !force) throw errors.instanceProtected(refOf(row));
    this.#creating.get(row.id)?.abort(errors.cancelled(`The creation of instance "${refOf(row)}"`));
    await ledger.exclusively(row.id, async () => {
      const current = registry.update(row.id, { state: 'deleting' });
      if (!current) return;
      ledger.publish(current);
      await this.#dismantle(current);
    });
  }

  /** Removes all there is of an instance, its row last. Every step is fine when there is nothing to do. */
  async #dismantle(row: InstanceRow): Promise<void> {
    const { builder, gate, registry, ledger, sweeper } = this.#deps;
    registry.update(row.id, { state: 'deleting' });
    await registry.flush();
    // Also what a reset of it has replaced just now.
    await Promise.all([gate.remove(row.id), builder.remove(row.clone), sweeper.swept()]);
    ledger.remove(row);
  }

  /** Starts a server that died on the data it has, while the gate holds its clients. Only within `exclusively`. */
  async revive(row: InstanceRow): Promise<void> {
    const { builder, gate, ledger } = this.#deps;
    {
      using _ = ledger.doing(row.id, 'reviving');
      await gate.update(ledger.route(row));
      await builder.start(cloneOf(row), this.#stopping.signal);
    }
    await ledger.settle(row.id, {});
  }

  /** Gives an instance up, with the reason for its owner. Only within `exclusively`. */
  async fail(row: InstanceRow, failure: string): Promise<void> {
    this.#deps.log.error(`Instance ${refOf(row)} failed: ${failure}`);
    // Whoever waits at the gate is turned away.
    await this.#deps.ledger.settle(row.id, { state: 'failed', failure });
  }

  /** Cancels what is being made, and waits until that is undone. Servers and ports stay. */
  async stop(): Promise<void> {
    this.#stopping.abort(errors.cancelled('The request, by the end of the daemon,'));
    await this.#deps.ledger.drained();
  }
}
