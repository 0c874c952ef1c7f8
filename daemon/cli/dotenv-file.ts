import { lstat, readFile, realpath, stat } from 'node:fs/promises';
import { errors, hasErrno, messageOf } from '../errors.ts';
import { writeFileAtomically } from './atomic.ts';
import { editDotenv } from './dotenv.ts';

/**
 * Sets `values` in the `.env` file `file`: in one step, keeping its mode and owner, through a symbolic link when that
 * leads to a regular file. A new file is readable by its owner only. Throws `MYAAS_FILE_NOT_WRITTEN`.
 */
export async function updateDotenvFile(
  file: string,
  values: Readonly<Record<string, string>>,
): Promise<{ path: string; changed: boolean }> {
  try {
    const existing = await readExisting(file);
    const edited = editDotenv(existing?.content ?? Buffer.alloc(0), values);
    if (!edited) {
      throw errors.fileNotWritten(file, 'it could not be changed so that it reads back as it should');
    }
    const path = existing?.path ?? file;
    if (existing?.content.equals(edited)) return { path, changed: false };
    await writeFileAtomically(path, edited, existing ?? { mode: 0o600 });
    return { path, changed: true };
  } catch (error) {
    if (error instanceof Error && 'syscall' in error)
      throw errors.fileNotWritten(file, messageOf(error), error);
    throw error;
  }
}

async function readExisting(file: string) {
  const path = await realpath(file).catch(async (error: unknown) => {
    if (!hasErrno(error, 'ENOENT')) throw error;
    if (await isThere(file)) throw errors.fileNotWritten(file, 'it is a symbolic link that leads nowhere');
    return undefined;
  });
  if (path === undefined) return undefined;
  const found = await stat(path);
  if (!found.isFile()) throw errors.fileNotWritten(file, 'it is not a regular file');
  const { uid, gid } = found;
  const ours = uid === process.getuid?.() && gid === process.getgid?.();
  return {
    path,
    content: await readFile(path),
    mode: found.mode & 0o7777,
    ...(!ours && { owner: { uid, gid } }),
  };
}

async function isThere(file: string): Promise<boolean> {
  return lstat(file).then(
    () => true,
    (error: unknown) => {
      if (hasErrno(error, 'ENOENT')) return false;
      throw error;
    },
  );
}
