/**
 * What is kept of the disk so that the registry can be written when that is full: without it nothing could be deleted,
 * which is what a full disk needs. (btrfs deletes subvolumes in any case, from a reserve of its own.)
 *
 * - The registry's files are overwritten in place: of a file that is copied on write a full btrfs lets no page be
 *   changed, and SQLite, which maps its shared memory, would end with SIGBUS. That pages which are overwritten in place
 *   can be changed when they are mapped was found on Linux 6.18; older kernels were not tried.
 * - Database and log are made as long as they will need to be.
 * - The ballast is room for what SQLite makes anew at a start.
 */
import { rm } from 'node:fs/promises';
import { messageOf, MyaasError } from '../errors/error.ts';
import { exists } from '../host/files.ts';
import type { Log } from '../log.ts';
import { diskSpace, overwriteInPlace, syncFilesystem } from './btrfs.ts';
import { runProgram } from './program.ts';
import { Registry } from './registry.ts';

/** Some thousand changes; SQLite begins its log anew each 1000 pages of 4 KiB. */
const roomBytes = 8 * 2 ** 20;
/** A start takes the above twice, and 32 KiB. */
const ballastBytes = 48 * 2 ** 20;
const timeoutMs = 60_000;
const remedy = 'See "dmesg" for errors of the disk, and "df" for what is free.';

export interface RegistryPlace {
  readonly baseDir: string;
  readonly file: string;
  /** What is to be free beside the ballast. */
  readonly diskReserveBytes: number;
}

/** Opens the daemon's registry, with room in it; also on a full disk. Throws as `Registry.open`. */
export async function openRoomyRegistry(place: RegistryPlace, log: Log): Promise<Registry> {
  const { baseDir, file } = place;
  const ballast = `${baseDir}/reserve`;
  const isFull = (await diskSpace(baseDir)).freeBytes < ballastBytes;
  if (isFull && (await exists(ballast))) {
    log.warn(`The disk is full: ${ballast} is given up, so that there is room to delete.`);
    await rm(ballast);
    // What was freed can be had when the file system has committed.
    await syncFilesystem(baseDir);
  }
  await overwriteInPlace(baseDir);
  const registry = Registry.open(file, { flushes: 'asked' });
  try {
    registry.setSetting('room', '0'.repeat(roomBytes));
    registry.setSetting('room', '');
    await settle(file);
    await takeBallast(ballast, place);
  } catch (error) {
    if (!(error instanceof MyaasError)) throw error;
    log.warn(`The registry has no room for a full disk: ${messageOf(error)}`);
  }
  return registry;
}

/**
 * Gives pages their places on the disk, at which they can be overwritten. By another program: a process that closes one of
 * SQLite's files takes all its own locks off it (https://sqlite.org/howtocorrupt.html, 2.2).
 */
async function settle(file: string): Promise<void> {
  const files = ['', '-wal', '-shm'].map((suffix) => `${file}${suffix}`);
  await runProgram('sync', ['--data', '--', ...files], { remedy, timeoutMs });
}

async function takeBallast(ballast: string, { baseDir, diskReserveBytes }: RegistryPlace): Promise<void> {
  const { freeBytes } = await diskSpace(baseDir);
  if (freeBytes < ballastBytes + diskReserveBytes || (await exists(ballast))) return;
  await runProgram('fallocate', ['--length', String(ballastBytes), '--', ballast], { remedy, timeoutMs });
}
