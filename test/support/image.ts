/** The server images that tests use: found in the same way as the daemon's. */
import { readConfig } from '../../daemon/config.ts';
import { Docker } from '../../daemon/drivers/docker.ts';
import { mariadb } from '../../daemon/engines/mariadb.ts';
import { engines } from '../../daemon/engines/engines.ts';
import { Registry } from '../../daemon/drivers/registry.ts';
import { Images } from '../../daemon/host/images.ts';

/**
 * Pulls or builds what is not there, side by side; the reference of the usual one. `registryFile` remembers nothing that
 * outlives the tests; Docker keeps the images.
 */
export async function prepareImages(
  registryFile: string,
  log: (line: string) => void,
  signal: AbortSignal,
): Promise<string> {
  const registry = Registry.open(registryFile);
  try {
    const config = readConfig();
    const docker = new Docker({ host: config.dockerHost, hostId: registry.hostId, prefix: config.prefix });
    const images = new Images({ config, docker, registry });
    const { reference } = await images.prepare(log, signal);
    const choices = engines.map((engine) => ({ engine, series: undefined as string | undefined }));
    const all = [...choices, { engine: mariadb, series: '10.11' }];
    await Promise.all(all.map((choice) => images.obtain(choice, log, signal)));
    return reference;
  } finally {
    registry.close();
  }
}
