/** The server images that tests use: found in the same way as the daemon's. */
import { readConfig } from '../../daemon/config.ts';
import { Docker } from '../../daemon/drivers/docker.ts';
import { mariadb } from '../../daemon/engines/mariadb.ts';
import { engines } from '../../daemon/engines/engines.ts';
import { Registry } from '../../daemon/drivers/registry.ts';
import { Images } from '../../daemon/host/images.ts';
import type { TestHost } from './daemon.ts';

/** What the servers of a template's instances run in; it must have none, and no other template either. */
export async function imageOfServers(host: TestHost, template: string): Promise<string> {
  const { id } = await host.create(template, 'image');
  const server = (await host.docker.list()).find(({ role }) => role === 'server');
  const image = server && (await host.docker.inspect(server.containerId))?.Config.Image;
  await host.api('DELETE', `/v1/instances/${id}`);
  if (image === undefined) throw new Error(`No server of ${template} runs.`);
  return image;
}

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
