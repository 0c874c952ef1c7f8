import { engineOf } from './engines/engines.ts';
import type { Config } from './config.ts';
import type { Paths } from './paths.ts';
import { diskSpace } from './drivers/btrfs.ts';
import type { GateLink } from './gate/link.ts';
import type { Images } from './host/images.ts';
import type { Admission } from './instances/admission.ts';
import type { DiskLimit } from './instances/disk-limit.ts';
import type { Reconciler } from './instances/healing.ts';
import type { LeaseTimer } from './instances/lease-timer.ts';
import type { Ledger } from './instances/ledger.ts';
import type { Pool } from './instances/pool.ts';
import type { StatusOf } from './routes/status.ts';
import type { Catalogue } from './templates/catalogue.ts';
import { version } from './version.ts';

export interface StatusDeps {
  readonly config: Config;
  readonly paths: Paths;
  readonly ledger: Ledger;
  readonly pool: Pool;
  readonly admission: Admission;
  readonly diskLimit: DiskLimit;
  readonly catalogue: Catalogue;
  readonly gate: GateLink;
  readonly images: Images;
  readonly reconciler: Pick<Reconciler, 'report'>;
  readonly leases: Pick<LeaseTimer, 'finding'>;
}

/** What `GET /v1/status` and `/metrics` tell, read anew at each call. */
export function statusReader({
  config,
  paths,
  ledger,
  pool,
  admission,
  diskLimit,
  catalogue,
  gate,
  images,
  reconciler,
  leases,
}: StatusDeps): StatusOf {
  const { from, to } = config.ports;
  return async () => {
    const rows = ledger.list();
    const { report: reconciled } = reconciler;
    const { finding: leap } = leases;
    const [disk, memory] = await Promise.all([diskSpace(paths.data), admission.memory()]);
    // An instance keeps its port when the range is changed.
    const taken = rows.filter(({ port }) => port >= from && port <= to).length;
    const counts: Record<string, number> = {};
    for (const row of rows) {
      const state = ledger.stateOf(row);
      counts[state] = (counts[state] ?? 0) + 1;
    }
    return {
      version,
      host: config.hostname,
      engines: images.list().map(({ engine, series, reference, reason }) => ({
        name: engine,
        series,
        image: reference,
        imageReason: reason,
        upgrades: engineOf(engine).upgradesInPlace,
      })),
      gate: gate.connected ? 'connected' : 'absent',
      capacity: {
        portsTotal: to - from + 1,
        portsFree: to - from + 1 - taken,
        diskTotalBytes: disk.totalBytes,
        diskFreeBytes: disk.freeBytes,
        diskReserveBytes: config.diskReserveBytes,
        diskLimit:
          diskLimit.bytes === undefined
            ? null
            : { bytes: diskLimit.bytes, heldBy: diskLimit.isHeldByKernel ? 'kernel' : 'watch' },
        memoryTotalBytes: memory.totalBytes,
        memoryAvailableBytes: memory.availableBytes,
        memoryReserveBytes: memory.reserveBytes,
      },
      pool: pool.totals(),
      sleepAfterSeconds: config.sleepAfterMs === undefined ? null : config.sleepAfterMs / 1000,
      counts: { templates: catalogue.names().length, instances: counts },
      defaultTtlSeconds: config.containerTtlSeconds === 0 ? null : config.containerTtlSeconds,
      reconciled: { ...reconciled, findings: leap ? [...reconciled.findings, leap] : reconciled.findings },
    };
  };
}
