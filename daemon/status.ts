import type { Config, Paths } from './config.ts';
import { diskSpace } from './drivers/btrfs.ts';
import type { Engine } from './engines/engine.ts';
import type { GateLink } from './gate/link.ts';
import type { ServerImage } from './host/image.ts';
import type { Instances } from './instances/instances.ts';
import type { StatusOf } from './routes/status.ts';
import type { Catalogue } from './templates/catalogue.ts';
import { version } from './version.ts';

export interface StatusDeps {
  readonly config: Config;
  readonly paths: Paths;
  readonly instances: Instances;
  readonly catalogue: Catalogue;
  readonly gate: GateLink;
  readonly engine: Engine;
  readonly image: ServerImage;
}

/** What `GET /v1/status` and `/metrics` tell, read anew at each call. */
export function statusReader({
  config,
  paths,
  instances,
  catalogue,
  gate,
  engine,
  image,
}: StatusDeps): StatusOf {
  const { from, to } = config.ports;
  return async () => {
    const rows = instances.list();
    const { totalBytes, freeBytes } = await diskSpace(paths.data);
    // An instance keeps its port when the range is changed.
    const taken = rows.filter(({ port }) => port >= from && port <= to).length;
    const counts: Record<string, number> = {};
    for (const { state } of rows) counts[state] = (counts[state] ?? 0) + 1;
    return {
      version,
      host: config.hostname,
      engines: [{ name: engine.name, image: image.reference, imageReason: image.reason }],
      gate: gate.connected ? 'connected' : 'absent',
      capacity: {
        portsTotal: to - from + 1,
        portsFree: to - from + 1 - taken,
        diskTotalBytes: totalBytes,
        diskFreeBytes: freeBytes,
      },
      counts: { templates: catalogue.names().length, instances: counts },
      defaultTtlSeconds: config.containerTtlSeconds === 0 ? null : config.containerTtlSeconds,
    };
  };
}
