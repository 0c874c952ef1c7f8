/**
 * `myaas uninstall`: stops the services and removes the program. Databases, templates and registry stay, unless they
 * are to be purged; dumps, which MyAAS has only ever read, stay even then.
 */
import { readdir, rm, rmdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Config } from '../../config.ts';
import { pathsOf } from '../../paths.ts';
import * as btrfs from '../../drivers/btrfs.ts';
import { hasErrno, MyaasError } from '../../errors/error.ts';
import { errors } from '../../errors/errors.ts';
import { removeAccounts } from '../accounts.ts';
import { askDaemon } from '../checks.ts';
import { removeContainers } from '../containers.ts';
import { exists } from '../files.ts';
import { diskFileOf, ensureMounted } from '../init.ts';
import { layoutBelow, packaged, unitNames } from './layout.ts';
import { removeParts } from './parts.ts';
import { dropUnits, forgetUnits } from './systemd.ts';

type Log = (line: string) => void;

export interface UninstallOptions {
  /** Data, settings and accounts go, too. */
  readonly purge: boolean;
  /** Asked before data is removed; false ends it all. */
  readonly confirm: (what: string) => Promise<boolean>;
  readonly log: Log;
}

/** Throws `MYAAS_NEEDS_ROOT`, `MYAAS_CANCELLED`, and `MYAAS_HOST_NOT_READY` while the daemon runs outside systemd. */
export async function uninstall(config: Config, { purge, confirm, log }: UninstallOptions): Promise<void> {
  if (process.getuid?.() !== 0) throw errors.needsRoot('uninstall');
  const isPackage = await exists(packaged.program);
  if (isPackage && !purge) {
    throw errors.hostNotReady('MyAAS is installed as a Debian package.', 'Run "apt-get remove myaas".');
  }
  const what = `all templates, all databases and the registry in ${config.baseDir}`;
  if (purge && !(await confirm(what))) throw errors.cancelled('The removal');
  await stopEverything(config, log);
  if (purge) await removeData(config, log);
  else if (await unmountDisk(config)) log(`disk: unmounted; all data stays in ${diskFileOf(config)}`);
  else log(`data: stays in ${config.baseDir}`);
  const layout = layoutBelow('/');
  await rm(layout.cache, { recursive: true, force: true });
  await rm(config.runDir, { recursive: true, force: true });
  if (purge) {
    await rm(dirname(layout.settings), { recursive: true, force: true });
    const removed = await removeAccounts();
    if (removed.length > 0) log(`accounts: removed ${removed.join(', ')}`);
  }
  if (isPackage) {
    log('next: "apt-get purge myaas" removes the program');
    return;
  }
  await removeParts(layout, unitNames);
  await rm(layout.timerStamp, { force: true });
  await forgetUnits();
  await rm(layout.link, { force: true });
  await rm(layout.releases, { recursive: true, force: true });
  log('program: removed');
}

/** Services and servers stop; their data is as it was. What the Debian package does before dpkg removes its files. */
export async function stopEverything(config: Config, log: Log): Promise<void> {
  await dropUnits();
  if (await askDaemon(config)) {
    throw errors.hostNotReady(
      'A daemon that systemd did not start still runs.',
      'Stop it where it was started, then start again.',
    );
  }
  log('services: stopped');
  await ensureMounted(config);
  if (!(await exists(pathsOf(config).registry))) return;
  try {
    const removed = await removeContainers(config);
    log(removed === 0 ? 'containers: none' : `containers: removed ${removed}`);
  } catch (error) {
    if (!(error instanceof MyaasError)) throw error;
    // Without Docker Engine none of them runs.
    log(`containers: not removed (${error.message})`);
  }
}

/** Takes the btrfs in a file off; whether there was one. */
export async function unmountDisk(config: Pick<Config, 'baseDir'>): Promise<boolean> {
  if (!(await exists(diskFileOf(config))) || !(await btrfs.isMountPoint(config.baseDir))) return false;
  await btrfs.unmount(config.baseDir);
  return true;
}

async function removeData(config: Config, log: Log): Promise<void> {
  const { baseDir } = config;
  const paths = pathsOf(config);
  for (const template of await namesIn(paths.templates)) {
    for (const version of await namesIn(`${paths.templates}/${template}`)) {
      await removeTree(paths.version(template, version));
    }
  }
  for (const homes of [paths.instances, paths.volumes, paths.seeds])
    for (const name of await namesIn(homes)) await removeTree(`${homes}/${name}`);
  await btrfs.deleteSubvolume(paths.data);
  for (const suffix of ['', '-wal', '-shm']) await rm(`${paths.registry}${suffix}`, { force: true });
  log('data: removed');

  if ((await namesIn(paths.dumps)).length > 0) {
    log(`dumps: stay in ${paths.dumps}`);
    return;
  }
  await btrfs.deleteSubvolume(paths.dumps);
  const file = diskFileOf(config);
  if (await unmountDisk(config)) {
    await rm(file);
    log(`disk: removed ${file}`);
  }
  try {
    await rmdir(baseDir);
  } catch (error) {
    // A mount point, what the operator has there, or nothing.
    const fine = ['ENOTEMPTY', 'EBUSY', 'ENOENT'].some((code) => hasErrno(error, code));
    if (!fine) throw error;
  }
}

/** A directory whose own directories may be subvolumes, also read-only ones. */
async function removeTree(directory: string): Promise<void> {
  for (const name of await namesIn(directory)) await btrfs.deleteSubvolume(`${directory}/${name}`);
  await rm(directory, { recursive: true });
}

async function namesIn(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (hasErrno(error, 'ENOENT') || hasErrno(error, 'ENOTDIR')) return [];
    throw error;
  }
}
