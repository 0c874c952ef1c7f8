/**
 * Instances made ahead of time. A spare is a clone with a running server, a user and a password of its own; whoever
 * claims it only gives it a name, a port and an owner. One spare is made at a time, and only when nobody waits for
 * something else. Invariant: a spare is here, or somebody's, or discarded; it changes hands in one transaction.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Config } from '../config.ts';
import type { Docker } from '../drivers/docker.ts';
import type { Registry } from '../drivers/registry.ts';
import type { SpareRow } from '../drivers/registry-spares.ts';
import { messageOf } from '../errors/error.ts';
import { errors } from '../errors/errors.ts';
import type { Log } from '../log.ts';
import type { Catalogue, Manifest } from '../templates/catalogue.ts';
import type { Admission } from './admission.ts';
import type { Builder } from './builder.ts';
import { makePassword } from './passwords.ts';
import { Demand } from './pool-size.ts';
import { draftSpare } from './spare.ts';
import type { Sweeper } from './sweeper.ts';
import type { Traffic } from './traffic.ts';

export interface PoolDeps {
  readonly config: Config;
  readonly builder: Builder;
  readonly docker: Docker;
  readonly registry: Registry;
  readonly catalogue: Catalogue;
  readonly admission: Admission;
  readonly traffic: Traffic;
  readonly sweeper: Sweeper;
  readonly log: Log;
  /** Whether an import is under way, which needs the machine more than anybody who has not asked yet. */
  readonly isImporting: () => boolean;
  /** Told of every change of a template's pool. */
  readonly onChange: (template: string) => void;
}

/** What a template's pool holds. */
export interface PoolState {
  readonly ready: number;
  readonly making: number;
  /** How many there should be, as demand is now. */
  readonly target: number;
}

/** After a failure, for the next attempt; doubled with each one in a row. */
const retry = { firstMs: 1000, longestMs: 300_000 } as const;
/** There is no event for memory that runs short, or is there again. */
const memoryCheckMs = 10_000;
/** A pool is a convenience: it leaves this share of the host's memory to servers that somebody asks for, and to caches. */
const freeShare = 0.2;

export class Pool {
  readonly #deps: PoolDeps;
  readonly #demand: Demand;
  /** Those that can be had. */
  readonly #ready = new Map<string, SpareRow>();
  /** Those that were handed out, and are nobody's yet: their deaths nobody else would notice. */
  readonly #taken = new Set<string>();
  #making: SpareRow | undefined;
  readonly #stopping = new AbortController();
  #work: Promise<void> = Promise.resolve();
  /** Aborted when there may be something to do. */
  #stirred = new AbortController();
  #failures = 0;

  constructor(deps: PoolDeps) {
    this.#deps = deps;
    this.#demand = new Demand(deps.config.pool);
  }

  state(template: string): PoolState {
    return {
      ready: this.#readyOf(template).length,
      making: this.#making?.template === template ? 1 : 0,
      target: this.#target(template),
    };
  }

  totals(): Omit<PoolState, 'target'> {
    return { ready: this.#ready.size, making: this.#making ? 1 : 0 };
  }

  // Taking

  /** Notes that somebody wants an instance of a template, wherever they get it from. */
  want(template: string): void {
    this.#demand.note(template, performance.now());
    this.stir();
  }

  /**
   * A spare of exactly this version, which is the caller's from now on; undefined when there is none. Its server answered
   * when it was made: that it still does is for the caller to see.
   */
  take({ template, version }: Manifest): SpareRow | undefined {
    const spare = this.#readyOf(template).find((each) => this.#isGood(each) && each.version === version);
    if (!spare) return undefined;
    this.#ready.delete(spare.id);
    this.#taken.add(spare.id);
    this.#deps.onChange(template);
    return spare;
  }

  /**
   * To be called just before a spare that was taken is given to somebody in the registry, where its death would be
   * noticed from then on. False when it has died already.
   */
  release({ id }: SpareRow): boolean {
    return this.#taken.delete(id);
  }

  /** Takes back a spare as it was handed out. */
  giveBack(spare: SpareRow): void {
    this.#taken.delete(spare.id);
    this.#ready.set(spare.id, spare);
    this.#deps.onChange(spare.template);
    this.stir();
  }

  /** Removes a spare that was taken, or is no good, in the background. */
  discard({ id, template }: Pick<SpareRow, 'id' | 'template'>): void {
    this.#ready.delete(id);
    this.#taken.delete(id);
    this.#deps.registry.spares.discard(id);
    this.#deps.onChange(template);
    void this.#deps.sweeper.sweep(id);
  }

  /** Gives back the memory of one spare, the oldest; false when there is none. */
  async evict(): Promise<boolean> {
    const [oldest] = this.#ready.values();
    if (!oldest) return false;
    this.discard(oldest);
    await this.#deps.sweeper.swept();
    return true;
  }

  /** Somebody else found its server dead. */
  died(cloneId: string): void {
    this.#taken.delete(cloneId);
    const spare = this.#ready.get(cloneId);
    if (spare) this.discard(spare);
    this.stir();
  }

  /** Removes all spares of a template, or of one of its versions, because that is about to go. */
  async clear(template: string, version?: string): Promise<void> {
    for (const spare of this.#readyOf(template)) {
      if (version === undefined || spare.version === version) this.discard(spare);
    }
    await this.#deps.sweeper.swept();
  }

  // Making

  /**
   * Takes over what the registry has of an earlier run, and begins to fill. Returns at once; whatever was half-made is
   * removed in the background.
   */
  async start(): Promise<void> {
    const { registry, docker } = this.#deps;
    this.#deps.sweeper.sweepAll();
    const running = new Set((await docker.list()).filter((each) => each.running).map(({ id }) => id));
    for (const spare of registry.spares.list()) {
      if (spare.state === 'ready' && running.has(spare.id) && this.#isGood(spare))
        this.#ready.set(spare.id, spare);
      else this.discard(spare);
    }
    this.#work = this.#fill();
  }

  /** Discards spares whose servers do not run any more, and removes what could not be while Docker was away. */
  async compare(): Promise<void> {
    this.#deps.sweeper.sweepAll();
    // Only of those that Docker was asked about: others have been made meanwhile.
    const known = [...this.#ready.values()];
    const running = new Set(
      (await this.#deps.docker.list()).filter((each) => each.running).map(({ id }) => id),
    );
    for (const { id } of known) if (!running.has(id)) this.died(id);
  }

  /** Something has changed that may be a reason to make or to discard spares. */
  stir(): void {
    this.#stirred.abort();
  }

  /** Stops filling, undoes what is half-made, and waits for what is being removed. Spares stay. */
  async stop(): Promise<void> {
    this.#stopping.abort(errors.cancelled('The making of a spare, by the end of the daemon,'));
    await this.#work;
    this.#deps.sweeper.sweepAll();
    await this.#deps.sweeper.swept();
  }

  async #fill(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      this.#stirred = new AbortController();
      try {
        await this.#deps.traffic.quiet(signal);
        await this.#discardNeedless();
        const manifest = await this.#mostWanted();
        if (manifest) await this.#make(manifest);
        else await this.#rest();
      } catch (error) {
        if (this.#stopping.signal.aborted) return;
        this.#failures++;
        const waitMs = Math.min(retry.firstMs * 2 ** (this.#failures - 1), retry.longestMs);
        this.#deps.log.warn(
          `A spare could not be made, next attempt in ${String(waitMs / 1000)} s: ${messageOf(error)}`,
        );
        await delay(waitMs, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  /** Waits until there may be something to do. */
  async #rest(): Promise<void> {
    const next = this.#demand.nextChangeMs(performance.now());
    const waitMs = Math.min(
      memoryCheckMs,
      next === undefined ? Infinity : Math.max(next - performance.now(), 1),
    );
    const until = AbortSignal.any([this.#stirred.signal, this.#stopping.signal]);
    await delay(waitMs, undefined, { signal: until }).catch(() => undefined);
  }

  /** Those of former versions and settings, those too many, and, when memory is short, whatever there is. */
  async #discardNeedless(): Promise<void> {
    this.#deps.sweeper.sweepAll();
    for (const spare of [...this.#ready.values()]) {
      const { template } = spare;
      if (!this.#isGood(spare) || this.#readyOf(template).length > this.#target(template))
        this.discard(spare);
    }
    const { admission } = this.#deps;
    if (this.#ready.size > 0 && !(await admission.hasRoomFor(1))) await this.evict();
  }

  /** The version of which a spare is missing most, if any. */
  async #mostWanted(): Promise<Manifest | undefined> {
    const { catalogue, isImporting, admission } = this.#deps;
    const importing = isImporting();
    const lacks = catalogue.names().map((template) => {
      const wanted = importing ? this.#demand.limits(template).min : this.#target(template);
      return { template, lack: wanted - this.#readyOf(template).length };
    });
    const [most] = lacks.filter(({ lack }) => lack > 0).sort((a, b) => b.lack - a.lack);
    if (!most) return undefined;
    const { totalBytes, availableBytes, reserveBytes } = await admission.memory();
    if (availableBytes - reserveBytes < totalBytes * freeShare) return undefined;
    return catalogue.current(most.template);
  }

  async #make(manifest: Manifest): Promise<void> {
    const { template } = manifest;
    const { builder, registry, config, onChange } = this.#deps;
    const { signal } = this.#stopping;
    const spare = draftSpare(manifest, builder.recipeOf(manifest), config.dbPassword ?? makePassword());
    registry.spares.add(spare);
    this.#making = spare;
    onChange(template);
    try {
      await registry.flush();
      await builder.build({ ...spare }, signal);
      registry.spares.setReady(spare.id);
      this.#ready.set(spare.id, { ...spare, state: 'ready' });
      this.#failures = 0;
    } catch (error) {
      this.discard(spare);
      throw error;
    } finally {
      this.#making = undefined;
      onChange(template);
    }
  }

  #target(template: string): number {
    return this.#deps.catalogue.current(template) ? this.#demand.target(template, performance.now()) : 0;
  }

  #readyOf(template: string): SpareRow[] {
    return [...this.#ready.values()].filter((spare) => spare.template === template);
  }

  /** Of the current version, and made as one would be made now. */
  #isGood({ template, version, recipe }: SpareRow): boolean {
    const { catalogue, builder } = this.#deps;
    const current = catalogue.current(template);
    return current?.version === version && recipe === builder.recipeOf(current);
  }
}
