/** What is in an image: its programs are tried in containers of it. */
import type { Config } from '../config.ts';
import { Docker } from '../drivers/docker.ts';
import type { Engine } from '../engines/engine.ts';

type Means = Pick<Config, 'dockerHost' | 'prefix'>;

/** The series of an engine's server in an image; why there is none, if there is none. */
export async function seriesIn(
  means: Means,
  reference: string,
  { image }: Engine,
): Promise<{ series: string; why?: never } | { series?: never; why: unknown }> {
  const tried = await tryProgram(means, reference, image.versionCommand);
  if (tried.said === undefined) return { why: tried.why };
  const series = image.seriesOf(tried.said);
  return series === undefined ? { why: new Error(`it says: ${tried.said.trim()}`) } : { series };
}

/** Runs a program in a container of the image: what it says, or why it did not run. */
export async function tryProgram(
  means: Means,
  reference: string,
  command: readonly [string, ...string[]],
): Promise<{ said: string; why?: never } | { said?: never; why: unknown }> {
  // With labels of its own, so that the daemon never takes these containers for its own.
  const id = `image-check-${crypto.randomUUID().slice(0, 8)}`;
  const docker = new Docker({ host: means.dockerHost, hostId: id, prefix: means.prefix });
  try {
    const container = await docker.create({
      role: 'initialise',
      id,
      image: reference,
      command,
      user: { uid: 65534, gid: 65534 },
      mounts: [],
      memoryBytes: 256 * 2 ** 20,
    });
    await docker.start(container);
    const exitCode = await docker.wait(container);
    const said = await docker.logs(container, 5);
    return exitCode === 0 ? { said } : { why: new Error(said) };
  } catch (error) {
    return { why: error };
  } finally {
    for (const { containerId } of await docker.list()) await docker.remove(containerId);
  }
}
