/**
 * Everything MyAAS does with btrfs and mounts, by the programs of btrfs-progs and util-linux. They take 3 to 20 ms,
 * a small part of a clone; the ioctls behind them cannot be reached from Node without native code.
 */
import { readFile, stat, statfs } from 'node:fs/promises';
import { hasErrno } from '../errors/error.ts';
import { runProgram } from './program.ts';

/** BTRFS_SUPER_MAGIC of linux/magic.h. */
const btrfsMagic = 0x9123683e;
/** BTRFS_FIRST_FREE_OBJECTID of linux/btrfs_tree.h: the inode number of every subvolume's root. */
const subvolumeRootInode = 256;

/** A disk on which what usually takes milliseconds takes longer than this is not to be waited for. */
const timeoutMs = 60_000;
/** For what writes back all that the kernel has in memory. */
const syncTimeoutMs = 10 * 60_000;

const diskRemedy = 'See "myaas doctor"; "dmesg" shows whether the disk has errors, "df" whether it is full.';

const run = async (
  program: string,
  args: readonly string[],
  remedy: string,
  limitMs?: number,
): Promise<void> => {
  await runProgram(program, args, { remedy, ...(limitMs !== undefined && { timeoutMs: limitMs }) });
};

const btrfs = (args: readonly string[]): Promise<void> => run('btrfs', args, diskRemedy, timeoutMs);

/** Whether `path` exists and lies on btrfs. */
export async function isBtrfs(path: string): Promise<boolean> {
  try {
    return (await statfs(path)).type === btrfsMagic;
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return false;
    throw error;
  }
}

/** Whether `path` is the root of a btrfs subvolume. */
export async function isSubvolume(path: string): Promise<boolean> {
  try {
    return (await stat(path)).ino === subvolumeRootInode && (await isBtrfs(path));
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return false;
    throw error;
  }
}

export const createSubvolume = (path: string): Promise<void> => btrfs(['subvolume', 'create', '--', path]);

/** Makes a writable snapshot of `source` at `target`, which must not exist. Takes the same time whatever the size. */
export const snapshot = (source: string, target: string): Promise<void> =>
  btrfs(['subvolume', 'snapshot', '--', source, target]);

export const setReadOnly = (path: string): Promise<void> =>
  btrfs(['property', 'set', '-t', 'subvol', path, 'ro', 'true']);

/** Has files that are made in a directory from now on be overwritten in place, not copied on write. */
export const overwriteInPlace = (directory: string): Promise<void> =>
  run('chattr', ['+C', '--', directory], 'Is it on btrfs, and the disk not read-only?');

/** Deletes a subvolume, read-only ones too; fine when there is none. Its space comes back later. */
export async function deleteSubvolume(path: string): Promise<void> {
  if (!(await isSubvolume(path))) return;
  await btrfs(['subvolume', 'delete', '--', path]);
}

/** Returns when everything written so far is on the disk. Throws when anything could not be written (syncfs(2)). */
export const syncFilesystem = (path: string): Promise<void> =>
  run('sync', ['--file-system', '--', path], diskRemedy, syncTimeoutMs);

export async function diskSpace(path: string): Promise<{ totalBytes: number; freeBytes: number }> {
  const { blocks, bavail, bsize } = await statfs(path);
  return { totalBytes: blocks * bsize, freeBytes: bavail * bsize };
}

/** Makes a sparse file of `sizeBytes` with a btrfs in it; `file` must not exist. */
export async function makeFilesystem(file: string, sizeBytes: number): Promise<void> {
  await run('truncate', ['--size', String(sizeBytes), '--', file], 'See "df" for free space.');
  await run('mkfs.btrfs', ['--quiet', '--', file], 'Is btrfs-progs installed, and the disk not full?');
}

export const mountFile = (file: string, directory: string): Promise<void> =>
  run(
    'mount',
    ['-o', 'loop,noatime', '--', file, directory],
    'Does the kernel know btrfs and loop devices ("modprobe btrfs loop")?',
  );

export const unmount = (directory: string): Promise<void> =>
  run('umount', ['--', directory], 'Something still uses it: "fuser -vm" on the directory tells what.');

export async function isMountPoint(directory: string): Promise<boolean> {
  const mounts = await readFile('/proc/self/mounts', 'utf8');
  // The kernel writes space, tab, newline and backslash as octal.
  const escaped = directory.replace(
    /[ \t\n\\]/g,
    (character) => `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`,
  );
  return mounts.split('\n').some((line) => line.split(' ')[1] === escaped);
}
