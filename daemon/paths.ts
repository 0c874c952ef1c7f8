import type { Config } from './config.ts';

/** The fixed places below the base and run directories. Ids and names in them have been validated before. */
export function pathsOf(config: Pick<Config, 'baseDir' | 'runDir'>) {
  const { baseDir, runDir } = config;
  return {
    dumps: `${baseDir}/dumps`,
    data: `${baseDir}/data`,
    templates: `${baseDir}/data/templates`,
    instances: `${baseDir}/data/instances`,
    volumes: `${baseDir}/data/volumes`,
    seeds: `${baseDir}/data/seeds`,
    registry: `${baseDir}/registry.db`,
    version: (template: string, version: string) => `${baseDir}/data/templates/${template}/${version}`,
    instance: (id: string) => `${baseDir}/data/instances/${id}`,
    volume: (id: string) => `${baseDir}/data/volumes/${id}`,
    runs: runDir,
    run: (id: string) => `${runDir}/${id}`,
    apiSocket: `${runDir}/api.sock`,
    gateSocket: `${runDir}/gate.sock`,
    /** A token of full rights for root on this machine; made anew whenever `serve` starts. */
    rootToken: `${runDir}/root-token`,
  } as const;
}

export type Paths = ReturnType<typeof pathsOf>;
