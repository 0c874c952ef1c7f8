/** Looks at what instances write, so that whoever owns one sees it, and stops those over their limit where the kernel does not. */
import { setTimeout as delay } from 'node:timers/promises';
import type { InstanceRow, Registry } from '../drivers/registry.ts';
import { errors, messageOf } from '../errors.ts';
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
    limit.forgetAllBut(new Set(rows.map(({ clone }) => clone)));
    for (const row of rows) if (row.state === 'ready') await this.#look(row);
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
    else if (hasChanged(before, use)) ledger.publish(current);
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

function hasChanged(before: DiskUse | undefined, now: DiskUse): boolean {
  if (!before) return now.full;
  const changed = Math.abs(now.usedBytes - before.usedBytes) / now.limitBytes;
  return before.full !== now.full || changed >= worthTelling;
}
