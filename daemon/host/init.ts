/** `myaas init`: everything a host needs before `myaas serve` runs. Done twice, it changes nothing. */
import { chmod, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Config } from '../config.ts';
import { pathsOf } from '../paths.ts';
import * as btrfs from '../drivers/btrfs.ts';
import { Docker } from '../drivers/docker.ts';
import { Registry } from '../drivers/registry.ts';
import { enableSimpleQuotas, SimpleQuotas } from '../drivers/quotas.ts';
import { hasErrno, messageOf } from '../errors/error.ts';
import { errors } from '../errors/errors.ts';
import { ensureAccounts } from './accounts.ts';
import { exists } from './files.ts';
import { Images } from './images.ts';

/** A btrfs in a file is not begun with less than this free around it. */
const leastFreeBytes = 2 * 2 ** 30;

/** The file that holds the btrfs where the machine has none of its own. */
export const diskFileOf = (config: Pick<Config, 'baseDir'>): string => `${config.baseDir}.btrfs`;

/**
 * Prepares the host, one line of `log` for each part. Throws what is wrong with the first part that can't be had:
 * `MYAAS_NEEDS_ROOT`, `MYAAS_HOST_NOT_READY`, `MYAAS_DISK_FULL`, `MYAAS_DOCKER_UNAVAILABLE`, `MYAAS_IMAGE_MISSING`.
 */
export async function init(
  config: Config,
  { log, signal }: { log: (line: string) => void; signal?: AbortSignal },
): Promise<void> {
  if (process.getuid?.() !== 0) throw errors.needsRoot('init');
  // The modes that files are made with are meant as they are.
  process.umask(0o022);
  const made = await ensureAccounts();
  log(made.length === 0 ? 'accounts: there' : `accounts: made ${made.join(', ')}`);

  await makeDisk(config, log);
  signal?.throwIfAborted();
  await makeDirectories(config, log);
  await limitInstances(config, log);

  const registry = Registry.open(pathsOf(config).registry);
  try {
    log(`registry: ${pathsOf(config).registry}`);
    const docker = new Docker({ host: config.dockerHost, hostId: registry.hostId, prefix: config.prefix });
    const { version } = await docker.ping();
    log(`Docker Engine: ${version}`);
    const image = await new Images({ config, docker, registry }).prepare(log, signal);
    log(`server image: ${image.reference} (${image.reason})`);
  } finally {
    registry.close();
  }
}

/**
 * Mounts the btrfs file that an earlier `init` made, when it isn't: after a reboot nobody else does. Returns whether
 * there was something to do.
 */
export async function ensureMounted(config: Pick<Config, 'baseDir'>): Promise<boolean> {
  const file = diskFileOf(config);
  if ((await btrfs.isBtrfs(config.baseDir)) || !(await exists(file))) return false;
  await mountDisk(file, config.baseDir);
  return true;
}

async function makeDisk(config: Config, log: (line: string) => void): Promise<void> {
  const { baseDir, diskSizeBytes } = config;
  const file = diskFileOf(config);
  if (await btrfs.isBtrfs(baseDir)) {
    log(`disk: ${baseDir} is on btrfs`);
  } else if (await ensureMounted(config)) {
    log(`disk: mounted ${file} at ${baseDir}`);
  } else if (await btrfs.isBtrfs(await nearestDirectory(baseDir))) {
    await mkdir(baseDir, { recursive: true });
    log(`disk: made ${baseDir}, on btrfs`);
  } else {
    await assertEmpty(baseDir);
    const around = await nearestDirectory(dirname(file));
    const { freeBytes } = await btrfs.diskSpace(around);
    if (freeBytes < leastFreeBytes) throw errors.diskFull(around, freeBytes, leastFreeBytes);
    await mkdir(dirname(file), { recursive: true });
    await makeDiskFile(file, diskSizeBytes);
    await mountDisk(file, baseDir);
    log(
      `disk: made a btrfs of ${Math.round(diskSizeBytes / 2 ** 30)} GiB in the file ${file}, mounted at ${baseDir}`,
    );
  }
}

/** The file has its name only when a file system is in it, and is root's alone: all databases will be in it. */
async function makeDiskFile(file: string, sizeBytes: number): Promise<void> {
  const unfinished = `${file}.unfinished`;
  await rm(unfinished, { force: true });
  await btrfs.makeFilesystem(unfinished, sizeBytes);
  await chmod(unfinished, 0o600);
  await rename(unfinished, file);
}

async function mountDisk(file: string, baseDir: string): Promise<void> {
  await assertEmpty(baseDir);
  await mkdir(baseDir, { recursive: true, mode: 0o755 });
  await btrfs.mountFile(file, baseDir);
}

/** Mounting over files would hide them. */
async function assertEmpty(directory: string): Promise<void> {
  try {
    if ((await readdir(directory)).length === 0) return;
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return;
    throw error;
  }
  throw errors.hostNotReady(
    `${directory} is not on btrfs and not empty.`,
    'Empty it, mount a btrfs there, or set MYAAS_BASE_DIR to a directory on btrfs or to one that does not exist.',
  );
}

/**
 * Has the kernel hold the disk limit of instances. Not on a file system of the operator's who has not asked for a limit:
 * older kernels than Linux 6.7 will not mount it again.
 */
async function limitInstances(config: Config, log: (line: string) => void): Promise<void> {
  const { baseDir, diskLimit } = config;
  if (diskLimit?.kind === 'off') {
    log('disk limit: none');
    return;
  }
  const mayChange = diskLimit !== undefined || (await exists(diskFileOf(config)));
  if (mayChange && !(await SimpleQuotas.find(baseDir))) {
    try {
      await enableSimpleQuotas(baseDir);
    } catch (error) {
      log(`disk limit: watched, since the kernel can't hold it: ${messageOf(error)}`);
      return;
    }
  }
  log(
    (await SimpleQuotas.find(baseDir))
      ? 'disk limit: held by the kernel, with simple quotas'
      : 'disk limit: watched; set MYAAS_DISK_LIMIT and run "myaas init" to have the kernel hold it',
  );
}

async function makeDirectories(config: Config, log: (line: string) => void): Promise<void> {
  const { dumps, data, templates, instances } = pathsOf(config);
  const made: string[] = [];
  await btrfs.overwriteInPlace(config.baseDir);
  // The servers reach their data through mounts of their containers alone; nobody else on the host shall.
  for (const [path, mode] of [
    [dumps, 0o755],
    [data, 0o700],
  ] as const) {
    if (await btrfs.isSubvolume(path)) continue;
    if (await exists(path)) {
      throw errors.hostNotReady(
        `${path} is a directory, not a btrfs subvolume.`,
        'Move it away; "myaas init" makes it anew.',
      );
    }
    await btrfs.createSubvolume(path);
    await chmod(path, mode);
    made.push(path);
  }
  for (const path of [templates, instances]) {
    if (await mkdir(path, { recursive: true, mode: 0o700 })) made.push(path);
  }
  log(made.length === 0 ? 'directories: there' : `directories: made ${made.join(', ')}`);
}

/** `path`, or the nearest of the directories above it that exists. */
async function nearestDirectory(path: string): Promise<string> {
  return (await exists(path)) || path === '/' ? path : nearestDirectory(dirname(path));
}
