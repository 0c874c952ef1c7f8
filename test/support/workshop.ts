/** The place that integration tests work in: a private btrfs, Docker Engine, the server image. Nothing of it stays. */
import { chmod, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import Dockerode from 'dockerode';
import { readConfig } from '../../daemon/config.ts';
import * as btrfs from '../../daemon/drivers/btrfs.ts';
import { Docker } from '../../daemon/drivers/docker.ts';
import { hasErrno } from '../../daemon/errors/error.ts';
import { ensureAccounts } from '../../daemon/host/accounts.ts';
import { type BackgroundProcess, identify, stopInBackground } from '../../daemon/host/background.ts';
import { prepareMachine } from '../../daemon/host/machine.ts';
import { installPackages } from '../../daemon/host/packages.ts';
import { findProgram } from '../../daemon/drivers/program.ts';
import { ensureChromium } from './chromium.ts';
import { prepareImages } from './image.ts';

const diskSizeBytes = 40 * 2 ** 30;

export interface Workshop extends AsyncDisposable {
  /** For the tests' processes; `machine.ts` reads it. */
  readonly environment: Readonly<Record<string, string>>;
  /** What tests have left behind so far, in words; empty when all is well. */
  leftovers(): Promise<string[]>;
}

export async function openWorkshop(log: (line: string) => void, signal: AbortSignal): Promise<Workshop> {
  await using undo = new AsyncDisposableStack();
  const config = readConfig();
  const docker = new Docker({ host: config.dockerHost, hostId: '', prefix: config.prefix });
  const place = await mkdtemp('/var/tmp/myaas-test-');
  undo.defer(() => rm(place, { recursive: true, force: true }));
  // The gate of a test, which is not root, must get to its sockets.
  await chmod(place, 0o755);

  const { dockerdStarted } = await prepareMachine({
    config,
    docker,
    log,
    dockerdLog: `${place}/dockerd.log`,
    signal,
  });
  if (dockerdStarted) undo.defer(() => stopInBackground(dockerdStarted, 30_000));
  // For the test of the unit files.
  if (!(await findProgram('systemd-analyze'))) await installPackages(['systemd'], signal);
  // For dumps of it.
  if (!(await findProgram('mydumper'))) await installPackages(['mydumper'], signal);
  // For the test of compose files.
  if (!(await findProgram('docker-compose'))) await installPackages(['docker-compose'], signal);
  // For the test of pages in a browser.
  await ensureChromium(log, signal);
  await ensureAccounts();
  const image = await prepareImages(`${place}/registry.db`, log, signal);

  const directory = `${place}/b`;
  const scratch = `${place}/tmp`;
  await mkdir(directory);
  await mkdir(scratch, { mode: 0o1777 });
  await btrfs.makeFilesystem(`${place}/disk`, diskSizeBytes);
  await btrfs.mountFile(`${place}/disk`, directory);
  undo.defer(() => btrfs.unmount(directory));
  const prefix = place.split('/').pop() ?? '';
  undo.defer(() => takeAway(config.dockerHost, place, prefix));

  const undoLater = undo.move();
  return {
    environment: {
      MYAAS_TEST_DIR: directory,
      MYAAS_TEST_IMAGE: image,
      MYAAS_TEST_PREFIX: prefix,
      TMPDIR: scratch,
    },
    leftovers: async () => [
      ...(await containersOf(config.dockerHost, place, prefix)).map(({ name }) => `container ${name}`),
      ...(await processesOf(directory)).map(({ started, command }) => `process ${started.pid}: ${command}`),
      ...(await mountsBelow(place, directory)).map((mount) => `mount ${mount}`),
      ...(await filesOf(prefix, directory, scratch)).map((path) => `file ${path}`),
    ],
    [Symbol.asyncDispose]: () => undoLater.disposeAsync(),
  };
}

/** Ends what tests have left, whatever it is, so that the file system can be unmounted. */
async function takeAway(dockerHost: string, place: string, prefix: string): Promise<void> {
  // First those that could make more of the rest.
  for (const { started } of await processesOf(`${place}/b`)) await stopInBackground(started, 0);
  for (const { remove } of await containersOf(dockerHost, place, prefix)) await remove();
  for (const mount of await mountsBelow(place, `${place}/b`)) await btrfs.unmount(mount);
  for (const path of await filesOf(prefix)) await rm(path, { recursive: true });
}

/** What is in these directories, and run directories of the tests' daemons. */
async function filesOf(prefix: string, ...directories: readonly string[]): Promise<string[]> {
  const inRun = (await readdir('/run'))
    .filter((name) => name.startsWith(prefix))
    .map((name) => `/run/${name}`);
  const below = directories.map(async (directory) =>
    (await readdir(directory)).map((name) => `${directory}/${name}`),
  );
  return [...inRun, ...(await Promise.all(below)).flat()];
}

/** `unix:///path` or `tcp://host:port`, as MYAAS_DOCKER_HOST. */
export function engineAt(dockerHost: string): Dockerode {
  const url = dockerHost.startsWith('unix:') ? undefined : new URL(dockerHost);
  return new Dockerode(
    url
      ? { protocol: 'http', host: url.hostname, port: Number(url.port) }
      : { socketPath: dockerHost.replace(/^unix:\/+/, '/') },
  );
}

/** Containers of these tests alone: another MyAAS may be at work on the same engine. */
async function containersOf(dockerHost: string, place: string, prefix: string) {
  const engine = engineAt(dockerHost);
  const all = await engine.listContainers({ all: true, filters: { label: ['com.myaas.host'] } });
  return all
    .map((container) => ({
      name: container.Names[0]?.slice(1) ?? container.Id,
      mounted: container.Mounts.some(({ Source: source }) => source.startsWith(place)),
      remove: () => removeContainer(engine.getContainer(container.Id)),
    }))
    .filter(({ name, mounted }) => mounted || name.startsWith(prefix));
}

/** Returns when the container is gone, also when somebody else is removing it. */
async function removeContainer(container: Dockerode.Container): Promise<void> {
  const unlessGone = (error: unknown) => {
    if (statusOf(error) !== 404) throw error;
  };
  try {
    await container.remove({ force: true, v: true });
  } catch (error) {
    if (statusOf(error) !== 409) unlessGone(error);
    else await container.wait({ condition: 'removed' }).catch(unlessGone);
  }
}

function statusOf(error: unknown): unknown {
  return error instanceof Error && 'statusCode' in error ? error.statusCode : undefined;
}

/** Processes that the tests started are known by the environment they have inherited. */
async function processesOf(directory: string): Promise<{ started: BackgroundProcess; command: string }[]> {
  const found: { started: BackgroundProcess; command: string }[] = [];
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) continue;
    try {
      const environment = await readFile(`/proc/${name}/environ`, 'utf8');
      if (!environment.split('\0').includes(`MYAAS_TEST_DIR=${directory}`)) continue;
      const command = (await readFile(`/proc/${name}/cmdline`, 'utf8')).replaceAll('\0', ' ').trim();
      const started = await identify(Number(name));
      if (started) found.push({ started, command });
    } catch (error) {
      // It has ended meanwhile, or is a kernel thread.
      if (!hasErrno(error, 'ENOENT') && !hasErrno(error, 'ESRCH') && !hasErrno(error, 'EACCES')) throw error;
    }
  }
  return found;
}

/** The innermost first; `own` is left out. */
export async function mountsBelow(place: string, own?: string): Promise<string[]> {
  const mounts = await readFile('/proc/self/mounts', 'utf8');
  return mounts
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '')
    .filter((mount) => mount.startsWith(`${place}/`) && mount !== own)
    .reverse();
}
