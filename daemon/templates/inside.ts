import { realpath } from 'node:fs/promises';
import { sep } from 'node:path';
import { hasErrno } from '../errors/error.ts';
import { errors } from '../errors/errors.ts';

/** Where a file of the directory is. Throws when a link leads out of the directory, or to nothing. */
export async function resolveInside(root: string, file: string): Promise<string> {
  const path = await realpath(`${root}/${file}`).catch((error: unknown) => {
    // A file that was listed and is not there is a link to nothing, or has vanished: both are told as one.
    if (!hasErrno(error, 'ENOENT')) throw error;
    throw errors.dumpBad(file, 'points to nothing, or vanished.', 'Mend the link or put the file back.');
  });
  if (path.startsWith(root + sep)) return path;
  throw errors.dumpBad(
    file,
    'is a symbolic link that leaves the dumps directory.',
    'Copy or hard-link it, or bind-mount its directory below dumps/.',
  );
}
