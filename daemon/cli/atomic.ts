import { randomBytes } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/**
 * Replaces `file` in one step, so that nobody ever reads half of it and a crash leaves the old or the new one.
 * `owner` is whom it shall belong to, where that is not ourselves.
 */
export async function writeFileAtomically(
  file: string,
  data: Buffer,
  { mode, owner }: { mode: number; owner?: { uid: number; gid: number } },
): Promise<void> {
  const temporary = join(dirname(file), `.${basename(file)}.${randomBytes(6).toString('hex')}.tmp`);
  // Only ours while it is being written, whatever it becomes.
  const opened = await open(temporary, 'wx', 0o600);
  try {
    await opened.writeFile(data);
    if (owner) await opened.chown(owner.uid, owner.gid);
    await opened.chmod(mode);
    await opened.sync();
    await opened.close();
    await rename(temporary, file);
  } catch (error) {
    await opened.close();
    await rm(temporary, { force: true });
    throw error;
  }
}
