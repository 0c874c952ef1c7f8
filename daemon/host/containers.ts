/** The containers of this host's instances, from outside the daemon. */
import type { Config } from '../config.ts';
import { pathsOf } from '../paths.ts';
import { Docker } from '../drivers/docker.ts';
import { Registry } from '../drivers/registry.ts';

/** Removes them all and returns how many. The instances stay in the registry; the next start makes containers for them. */
export async function removeContainers(config: Config): Promise<number> {
  const registry = Registry.open(pathsOf(config).registry);
  const { hostId } = registry;
  registry.close();
  const docker = new Docker({ host: config.dockerHost, hostId, prefix: config.prefix });
  const containers = await docker.list();
  for (const { containerId } of containers) await docker.remove(containerId);
  return containers.length;
}
