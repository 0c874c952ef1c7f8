/** A btrfs of a test's own, small enough to be filled. */
import { randomBytes } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { makeFilesystem, mountFile, unmount } from '../../daemon/drivers/btrfs.ts';
import { testDirectory } from './machine.ts';

export async function smallDisk(sizeBytes: number): Promise<AsyncDisposable & { readonly path: string }> {
  const place = `${testDirectory()}/small-${randomBytes(3).toString('hex')}`;
  await mkdir(`${place}/mount`, { recursive: true });
  await makeFilesystem(`${place}/disk`, sizeBytes);
  await mountFile(`${place}/disk`, `${place}/mount`);
  return {
    path: `${place}/mount`,
    async [Symbol.asyncDispose]() {
      await unmount(`${place}/mount`);
      await rm(place, { recursive: true });
    },
  };
}
