/**
 * What is known of every instance: its row in the registry, and what is being done to it at the moment. Whoever
 * changes an instance does it here, so that registry, gate and watchers are told the same. Invariants:
 * - The registry's row is written before anything else of an instance and removed after everything else, so whatever a
 *   crash leaves is found by it.
 * - All work on one instance runs in `exclusively`; nothing else touches its clone or port.
 */
import type { Config } from '../config.ts';
import type { Instance, InstanceState } from '../contract/instances.ts';
import type { InstanceRow, Registry } from '../drivers/registry.ts';
import { maySee, type User } from '../rights.ts';
import { engineOf } from '../engines/engines.ts';
import { errors } from '../errors/errors.ts';
import type { Events } from '../events.ts';
import type { GateLink } from '../gate/link.ts';
import type { Route } from '../gate/protocol.ts';
import { Locks } from '../locks.ts';
import type { Builder } from './builder.ts';
import type { DiskLimit } from './disk-limit.ts';
import { viewOf } from './view.ts';

/** What is not on record, because after a crash there is nothing of it to finish or undo. */
export type Doing = Extract<InstanceState, 'resetting' | 'waking'> | 'reviving';

export interface LedgerDeps {
  readonly config: Config;
  readonly registry: Registry;
  readonly builder: Builder;
  readonly diskLimit: DiskLimit;
  readonly gate: GateLink;
  readonly events: Events;
  /** Called after every change of a lease. */
  readonly onLeases: () => void;
}

export class Ledger {
  readonly #deps: LedgerDeps;
  readonly #locks = new Locks();
  readonly #doing = new Map<string, Doing>();
  /** What is being done in words, where that takes its time. */
  readonly #phases = new Map<string, string>();

  constructor(deps: LedgerDeps) {
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

  /** The same, for somebody for whom there is nothing but some templates. */
  findFor(user: User, ref: string): InstanceRow {
    const row = this.find(ref);
    if (!maySee(user, row.template)) throw errors.instanceNotFound(ref);
    return row;
  }

  stateOf({ id, state }: Pick<InstanceRow, 'id' | 'state'>): InstanceState {
    const doing = this.#doing.get(id);
    // A server that died and comes back is nothing that anybody must mind: clients wait at the gate.
    return doing === undefined || doing === 'reviving' || state === 'deleting' ? state : doing;
  }

  /** As clients see it; credentials only for its owner and for admins. */
  view(row: InstanceRow, viewer: User | undefined): Instance {
    const { config, diskLimit } = this.#deps;
    const disk = diskLimit.useOf(row.clone);
    return viewOf(row, this.stateOf(row), viewer, config.hostname, disk, this.#phases.get(row.id));
  }

  /** Every port that the gate is to keep open. */
  routes(): Route[] {
    return this.list()
      .filter(({ state }) => state !== 'deleting')
      .map((row) => this.route(row));
  }

  route(row: InstanceRow): Route {
    const { builder, config } = this.#deps;
    const { sleepAfterMs, sleepConnectedAfterMs } = config;
    return {
      id: row.id,
      port: row.port,
      socket: builder.socketOf({ id: row.clone, engine: row.engine }),
      protocol: engineOf(row.engine).protocol,
      state: this.#routeState(row),
      ...(sleepAfterMs !== undefined && { idleAfterMs: sleepAfterMs }),
      ...(sleepAfterMs !== undefined &&
        sleepConnectedAfterMs !== undefined && { idleConnectedAfterMs: sleepConnectedAfterMs }),
    };
  }

  #routeState(row: InstanceRow): Route['state'] {
    if (row.state === 'asleep') return this.#doing.get(row.id) === 'resetting' ? 'held' : 'asleep';
    return row.state === 'creating' || this.#doing.has(row.id) ? 'held' : 'open';
  }

  // Changing

  /** Runs `work` when nobody else works on the instance, with its row as it is then. */
  async exclusively<T>(id: string, work: (row: InstanceRow | undefined) => Promise<T>): Promise<T> {
    return this.#locks.run(id, () => work(this.#deps.registry.instance(id)));
  }

  /** Waits until nobody works on any instance. */
  async drained(): Promise<void> {
    await this.#locks.drained();
  }

  /** Shows everybody that something is being done, until disposed of. Tells neither gate nor watchers. */
  doing(id: string, what: Doing): Disposable {
    this.#doing.set(id, what);
    return { [Symbol.dispose]: () => void this.#doing.delete(id) };
  }

  /** Tells everybody how far it is, until the work on it ends. */
  tellPhase(row: InstanceRow, phase: string): void {
    this.#phases.set(row.id, phase);
    this.publish(row);
  }

  /** Records what is about to be done, for whoever comes after a crash; `settle` tells everybody. */
  record(id: string, changes: Partial<InstanceRow>): InstanceRow {
    const row = this.#deps.registry.update(id, changes);
    if (!row) throw errors.instanceNotFound(id);
    return row;
  }

  /** Records how work on an instance ended, and has the gate do what follows from it. */
  async settle(id: string, changes: Partial<InstanceRow>): Promise<InstanceRow> {
    const row = this.record(id, changes);
    this.#phases.delete(id);
    await this.#deps.gate.update(this.route(row));
    this.publish(row);
    return row;
  }

  publish(row: InstanceRow): void {
    this.#deps.events.publish({ type: 'instance', instance: this.view(row, undefined) });
    this.#deps.onLeases();
  }

  /** The last step of a deletion. */
  remove(row: InstanceRow): void {
    const { registry, events, onLeases } = this.#deps;
    registry.remove(row.id);
    this.#phases.delete(row.id);
    events.publish({ type: 'instance-deleted', id: row.id, template: row.template, name: row.name });
    onLeases();
  }
}
