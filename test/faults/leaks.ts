/** What is there and belongs to nobody. */
import { access, readdir, readFile } from 'node:fs/promises';
import type { TestHost } from '../support/daemon.ts';
import { listeningPorts } from '../support/ports.ts';

/** What the registry knows at one moment. */
function known({ registry }: TestHost) {
  const rows = registry.instances();
  const clones = [
    ...rows.map(({ clone }) => clone),
    ...registry.spares.list().map(({ id }) => id),
    ...registry.spares.discarded(),
  ];
  return {
    clones: new Set(clones),
    ports: new Set(rows.map(({ port }) => port)),
    openPorts: new Set(
      rows.filter(({ state }) => state !== 'creating' && state !== 'deleting').map(({ port }) => port),
    ),
    asleep: new Set(rows.filter(({ state }) => state === 'asleep').map(({ clone }) => clone)),
  };
}

/**
 * Compares the machine with the registry while the pool goes on with its work: what belongs to somebody does so
 * before or after the look.
 */
export async function leaks(host: TestHost): Promise<string[]> {
  const { docker, paths, config } = host;
  const before = known(host);
  const containers = (await docker.list()).filter(({ role }) => role !== 'namespace');
  const homes = await readdir(paths.instances);
  const runs = (await readdir(config.runDir)).filter((name) => /^(import-)?[0-9a-f]{12}$/.test(name));
  const ports = [...(await listeningPorts())].filter(
    (port) => port >= config.ports.from && port <= config.ports.to,
  );
  const after = known(host);
  const clones = before.clones.union(after.clones);
  const nobodys = (what: string, ids: readonly string[]) =>
    ids.filter((id) => !clones.has(id)).map((id) => `leaked: ${what} ${id}`);
  return [
    ...nobodys('directory', homes),
    ...nobodys('run directory', runs),
    ...containers
      .filter(({ id, role }) => role !== 'server' || !clones.has(id))
      .map(({ id, role, status }) => `leaked: ${role} container ${id} (${status})`),
    ...containers
      .filter(({ id, running }) => running && before.asleep.has(id) && after.asleep.has(id))
      .map(({ id }) => `leaked: server ${id} runs although its instance sleeps`),
    ...ports
      .filter((port) => !before.ports.has(port) && !after.ports.has(port))
      .map((port) => `leaked: port ${String(port)}`),
    ...[...before.openPorts.intersection(after.openPorts)]
      .filter((port) => !ports.includes(port))
      .map((port) => `lost: nobody listens on port ${String(port)}`),
    ...(await halfVersions(host)),
    ...(await strayMounts(host)),
  ];
}

/** Versions consist of a manifest and data, and of nothing else. */
async function halfVersions({ paths }: TestHost): Promise<string[]> {
  const defects: string[] = [];
  for (const template of await readdir(paths.templates)) {
    const versions = await readdir(`${paths.templates}/${template}`);
    if (versions.length === 0) defects.push(`leaked: directory of template ${template}`);
    for (const version of versions) {
      const files = (await readdir(paths.version(template, version))).sort().join();
      if (files !== 'datadir,manifest.json')
        defects.push(`leaked: version ${template}/${version} with ${files}`);
    }
  }
  return defects;
}

async function strayMounts({ config }: TestHost): Promise<string[]> {
  const mounts = (await readFile('/proc/self/mounts', 'utf8'))
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '');
  return mounts
    .filter((mount) => mount.startsWith(`${config.baseDir}/`) || mount.startsWith(`${config.runDir}/`))
    .map((mount) => `leaked: mount ${mount}`);
}

/** What is left when everything was deleted and serve was stopped, which waits for all its work. */
export async function remains(host: TestHost): Promise<string[]> {
  const { rows, containers, directories, runDirectories } = await host.census();
  const spares = host.registry.spares
    .list()
    .map(({ id }) => id)
    .sort();
  const differs = (what: string, found: readonly string[], expected: readonly string[]) =>
    found.join() === expected.join() ? [] : [`leaked: ${what} ${found.join()}, expected ${expected.join()}`];
  return [
    ...differs('instances', rows, []),
    ...differs('discarded clones', host.registry.spares.discarded(), []),
    ...differs(
      'containers',
      containers,
      spares.map((id) => `server ${id} running`),
    ),
    ...differs('directories', directories, spares),
    ...differs('run directories', runDirectories, spares),
    ...(await processes(host)),
    ...(await halfVersions(host)),
    ...(await strayMounts(host)),
  ];
}

/** Programs that were started for this host's files, and still run. */
async function processes({ config }: TestHost): Promise<string[]> {
  const found: string[] = [];
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const file = `/proc/${pid}/cmdline`;
    const commandLine = await access(file)
      .then(() => readFile(file, 'utf8'))
      .catch(() => '');
    if (commandLine.includes(config.baseDir))
      found.push(`leaked: process ${commandLine.replaceAll('\0', ' ')}`);
  }
  return found;
}
