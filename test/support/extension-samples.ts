/** What the daemon says, for tests that look at what is made of it. */
import type { Instance } from '../../daemon/contract/instances.ts';
import type { Status } from '../../daemon/contract/status.ts';
import type { Import, Template, Version } from '../../daemon/contract/templates.ts';
import type { Wording } from '../../extension/views/wording.ts';

/** English, at noon of 5 March 2026. */
export const english: Wording = {
  t: (text, ...values) => text.replaceAll(/\{(\d)\}/g, (_, index) => String(values[Number(index)])),
  now: new Date('2026-03-05T12:00:00Z'),
  locale: 'en',
  timeZone: 'UTC',
};

export function anInstance(more: Partial<Instance> = {}): Instance {
  return {
    id: 'b1',
    template: 'shop',
    version: 'v1',
    name: 'checkout-fix',
    owner: 'alice',
    state: 'ready',
    engine: 'mariadb',
    host: '127.0.0.1',
    port: 23001,
    database: 'shop',
    user: 'myaas',
    createdAt: '2026-03-05T09:00:00Z',
    expiresAt: '2026-03-07T12:00:00Z',
    protected: false,
    sizeBytes: 42_000_000_000,
    createMs: 130,
    from: 'snapshot',
    ...more,
  };
}

export function aVersion(more: Partial<Version> = {}): Version {
  return {
    version: 'v1',
    importedAt: '2026-03-05T06:12:00Z',
    sizeBytes: 42_000_000_000,
    dump: 'shop.sql.zst',
    dumpModifiedAt: '2026-03-04T23:40:00Z',
    engineVersion: '11.8.3-MariaDB-0+deb13u1 from Debian',
    databases: ['shop'],
    instances: 1,
    ...more,
  };
}

export function aTemplate(more: Partial<Template> = {}): Template {
  return {
    name: 'shop',
    engine: 'mariadb',
    current: 'v1',
    sizeBytes: 42_000_000_000,
    importedAt: '2026-03-05T06:12:00Z',
    versions: [aVersion()],
    import: null,
    pool: { ready: 1, making: 0, target: 1 },
    ...more,
  };
}

export function anImport(more: Partial<Import> = {}): Import {
  return {
    template: 'shop',
    dump: 'shop.sql.zst',
    state: 'running',
    progress: null,
    error: null,
    version: null,
    seconds: null,
    ...more,
  };
}

export function aStatus(more: Partial<Status> = {}): Status {
  return {
    version: '0.1.0',
    host: 'db.example',
    user: { name: 'alice', admin: false, role: 'member', templates: null, tokenExpiresAt: null },
    engines: [],
    gate: 'connected',
    capacity: {
      portsTotal: 1000,
      portsFree: 990,
      diskTotalBytes: 1e12,
      diskFreeBytes: 5e11,
      diskReserveBytes: 2.5e8,
      diskLimit: { bytes: 25e9, heldBy: 'kernel' },
      memoryTotalBytes: 6.4e10,
      memoryAvailableBytes: 4e10,
      memoryReserveBytes: 3e9,
    },
    pool: { ready: 1, making: 0 },
    sleepAfterSeconds: 1800,
    reconciled: { checkedAt: null, durationMs: null, findings: [] },
    counts: { templates: 1, instances: {} },
    defaultTtlSeconds: 86_400,
    ...more,
  };
}
