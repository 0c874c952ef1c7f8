/** Disk space for imports, which must not take it from the instances that run meanwhile. */
import { diskSpace } from '../drivers/btrfs.ts';
import { errors } from '../errors/errors.ts';

/** Often enough that no disk takes the reserve in between. */
const lookEveryMs = 100;

/** Throws `MYAAS_DISK_FULL` when so much is not free. */
export async function assertDiskSpace(path: string, neededBytes: number): Promise<void> {
  const { freeBytes } = await diskSpace(path);
  if (freeBytes < neededBytes) throw errors.diskFull(path, freeBytes, neededBytes);
}

/**
 * Aborts `full` when less than the reserve is left: MyISAM and Aria wait for ever on a full disk. There is no event for
 * that, so the kernel is asked, which costs nothing.
 */
export function watchDisk(path: string, reserveBytes: number): Disposable & { readonly full: AbortSignal } {
  const full = new AbortController();
  const look = () => assertDiskSpace(path, reserveBytes).catch((error: unknown) => full.abort(error));
  const timer = setInterval(() => void look(), lookEveryMs);
  return { full: full.signal, [Symbol.dispose]: () => clearInterval(timer) };
}
