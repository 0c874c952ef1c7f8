/** Looks at what instances write, so that whoever owns one sees it, and stops those over their limit where the kernel does not. */
import { setTimeout as delay } from 'node:timers/promises';
import type { InstanceRow, Registry } from '../drivers/registry.ts';
import { messageOf } from '../errors/error.ts';
import { errors } from '../errors/errors.ts';
import type { Log } from '../log.ts';
import type { Builder } from './builder.ts';
import type { DiskLimit, DiskUse } from './disk-limit.ts';
import type { Instances } from './instances.ts';
import type { Ledger } from './ledger.ts';
import { refOf } from './view.ts';

export interface DiskWatchDeps {
  readonly ledger: Ledger;
  readonly registry: Registry;
  readonly instances: Instances;
  readonly builder: Builder;
  readonly limit: DiskLimit;
  readonly log: Log;
  readonly stopping: AbortSignal;
}

/** There is no event for a disk that fills. A look costs two small reads for each server that runs. */
const lookEveryMs = 2000;
/** Watchers are told when so much of the limit has come or gone. */
const worthTelling = 0.05;

export class DiskWatch {
  readonly #deps: DiskWatchDeps;
  /** By clone. Not what was last seen: who writes slowly is told of, too. */
  readonly #told = new Map<string, DiskUse>();
  #sleepers: ReadonlySet<string> = new Set();

  constructor(deps: DiskWatchDeps) {
    this.#deps = deps;
  }

  /** Until the daemon stops. Never throws. */
  async run(): Promise<void> {
    const { stopping, limit, log } = this.#deps;
    if (limit.bytes === undefined) return;
    while (!stopping.aborted) {
      await this.#lookAtAll().catch((error: unknown) => log.warn(`Looking at the disk: ${messageOf(error)}`));
      await delay(lookEveryMs, undefined, { signal: stopping }).catch(() => undefined);
    }
  }

  async #lookAtAll(): Promise<void> {
    const { ledger, limit } = this.#deps;
    const rows = ledger.list();
    const clones = new Set(rows.map(({ clone }) => clone));
    limit.forgetAllBut(clones);
    for (const clone of this.#told.keys()) if (!clones.has(clone)) this.#told.delete(clone);
    for (const row of rows) if (row.state === 'ready' || this.#hasFallenAsleep(row)) await this.#look(row);
    this.#sleepers = new Set(rows.filter(({ state }) => state === 'asleep').map(({ clone }) => clone));
  }

  /** Since the last look, or before this daemon: its owner's quota counts what it has written, too. */
  #hasFallenAsleep({ state, clone }: InstanceRow): boolean {
    return state === 'asleep' && this.#deps.limit.isHeldByKernel && !this.#sleepers.has(clone);
  }

  async #look(row: InstanceRow): Promise<void> {
    const { ledger, registry, limit, log } = this.#deps;
    const before = limit.useOf(row.clone);
    const use = await limit.look(row);
    // It may have been reset or deleted meanwhile.
    const current = registry.instanceByClone(row.clone);
    if (!use || !current) return;
    if (use.full && !before?.full) log.warn(`Instance ${refOf(row)} has reached its disk limit.`);
    if (use.full && !limit.isHeldByKernel) await this.#stop(row, use);
    else if (hasChanged(this.#told.get(row.clone), use)) {
      this.#told.set(row.clone, use);
      ledger.publish(current);
    }
  }

  async #stop(row: InstanceRow, { limitBytes }: DiskUse): Promise<void> {
    const { ledger, instances, builder } = this.#deps;
    await ledger.exclusively(row.id, async (current) => {
      if (current?.state !== 'ready' || current.clone !== row.clone) return;
      await instances.fail(current, errors.instanceDiskFull(refOf(row), limitBytes).message);
      await builder.kill(current.clone);
    });
  }
}

function hasChanged(told: DiskUse | undefined, now: DiskUse): boolean {
  const changed = Math.abs(now.usedBytes - (told?.usedBytes ?? 0)) / now.limitBytes;
  return now.full !== (told?.full ?? false) || changed >= worthTelling;
}
