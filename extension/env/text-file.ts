/** Text files that are changed in place: atomically, with their mode and owner, through links but not out of bounds. */
import { lstat, readFile, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, relative, sep } from 'node:path';
import { writeFileAtomically } from '../../daemon/cli/atomic.ts';
import { hasErrno, messageOf } from '../../daemon/errors/error.ts';
import { errors } from '../../daemon/errors/errors.ts';
import { decodeText, encodeText } from './encoding.ts';
import { envErrors } from './errors.ts';

export interface Bounds {
  /** The directory that the file must be in, wherever links lead. */
  readonly within?: string;
  /** Mode of a new file; default 0600, readable by its owner only. */
  readonly newMode?: number;
}

interface TextFile {
  /** Where the bytes are, or would be. */
  readonly path: string;
  readonly text: string;
  readonly found?: { readonly mode: number; readonly owner?: { uid: number; gid: number } };
}

/** The text of `file`, undefined if it does not exist. Throws as `editTextFile` does. */
export async function readTextFile(file: string, bounds: Bounds = {}): Promise<string | undefined> {
  const { text, found } = await reporting(file, () => open(file, bounds));
  return found && text;
}

/** Where the bytes of `file` are, or would be, behind all links. Throws as `editTextFile` does. */
export async function locate(file: string, { within }: Bounds = {}): Promise<string> {
  return reporting(file, () => resolve(file, within));
}

/**
 * Replaces the text of `file` by what `edit` makes of it, in one step. Throws what `edit` throws,
 * `MYAAS_ENV_FILE_REFUSED` for a file out of bounds, and `MYAAS_FILE_NOT_WRITTEN`; the file is then as it was.
 */
export async function editTextFile(
  file: string,
  edit: (text: string) => string,
  bounds: Bounds = {},
): Promise<{ readonly path: string; readonly changed: boolean }> {
  return reporting(file, async () => {
    const { path, text, found } = await open(file, bounds);
    const edited = edit(text);
    if (found && edited === text) return { path, changed: false };
    // A rename would replace it all the same.
    if (found && (found.mode & 0o222) === 0) {
      throw errors.fileNotWritten(file, 'it is read-only');
    }
    await writeFileAtomically(path, encodeText(edited), found ?? { mode: bounds.newMode ?? 0o600 });
    return { path, changed: true };
  });
}

async function open(file: string, { within }: Bounds): Promise<TextFile> {
  const path = await resolve(file, within);
  const stats = await unlessAbsent(stat(path));
  if (!stats) return { path, text: '' };
  if (!stats.isFile()) {
    throw errors.fileNotWritten(file, 'it is not a regular file');
  }
  const bytes = await readFile(path);
  if (bytes.includes(0)) {
    throw errors.fileNotWritten(file, 'it is not a text in UTF-8, but perhaps in UTF-16');
  }
  const { uid, gid } = stats;
  const isOurs = uid === process.getuid?.() && gid === process.getgid?.();
  return {
    path,
    text: decodeText(bytes),
    found: { mode: stats.mode & 0o7777, ...(!isOurs && { owner: { uid, gid } }) },
  };
}

async function resolve(file: string, within: string | undefined): Promise<string> {
  const path = (await unlessAbsent(realpath(file))) ?? (await placeOfNew(file));
  if (within !== undefined && !isInside(path, await realpath(within))) {
    throw envErrors.fileRefused(
      file,
      `a link leads out of ${within}`,
      'Name a file inside the workspace folder, or replace the link by a file.',
    );
  }
  return path;
}

async function placeOfNew(file: string): Promise<string> {
  if (await unlessAbsent(lstat(file))) {
    throw errors.fileNotWritten(file, 'it is a symbolic link that leads nowhere');
  }
  const directory = await unlessAbsent(realpath(dirname(file)));
  if (directory === undefined) {
    throw errors.fileNotWritten(file, 'its directory does not exist');
  }
  return join(directory, basename(file));
}

export function isInside(path: string, directory: string): boolean {
  const way = relative(directory, path);
  return way !== '' && way !== '..' && !way.startsWith(`..${sep}`);
}

async function unlessAbsent<T>(promise: Promise<T>): Promise<T | undefined> {
  return promise.catch((error: unknown) => {
    if (hasErrno(error, 'ENOENT')) return undefined;
    throw error;
  });
}

/** Errors of the system become `MYAAS_FILE_NOT_WRITTEN`. */
async function reporting<T>(file: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Error && 'syscall' in error)) throw error;
    throw errors.fileNotWritten(file, messageOf(error), error);
  }
}
