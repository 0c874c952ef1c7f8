/** The server image that tests use: found in the same way as the daemon's. */
import { readConfig } from '../../daemon/config.ts';
import { Docker } from '../../daemon/drivers/docker.ts';
import { Registry } from '../../daemon/drivers/registry.ts';
import { Images } from '../../daemon/host/images.ts';

/** Pulls or builds the image when it is not there. `registryFile` remembers nothing that outlives the tests. */
export async function prepareImage(
  registryFile: string,
  log: (line: string) => void,
  signal: AbortSignal,
): Promise<string> {
  const registry = Registry.open(registryFile);
  try {
    const config = readConfig();
    const docker = new Docker({ host: config.dockerHost, hostId: registry.hostId, prefix: config.prefix });
    return (await new Images({ config, docker, registry }).prepare(log, signal)).reference;
  } finally {
    registry.close();
  }
}
