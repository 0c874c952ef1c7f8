/** A dump that is a directory: what is in it, which format that is, and whether it is still the same. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { lstat, readdir, readFile } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { errors } from '../../errors/errors.ts';

export type DirectoryFormat = 'mydumper' | 'tab' | 'backup' | 'archive';

export interface TreeFile {
  /** Its path below the directory. */
  readonly name: string;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
}

/** The files that mariadb-backup describes a backup by, of before and since 11.1. */
export const checkpointNames = ['mariadb_backup_checkpoints', 'xtrabackup_checkpoints'] as const;
export const infoNames = ['mariadb_backup_info', 'xtrabackup_info'] as const;

/** Every file below a directory, sorted by name. Throws `MYAAS_DUMP_BAD` when there is anything but files and directories. */
export async function readTree(directory: string, file: string): Promise<TreeFile[]> {
  const files: TreeFile[] = [];
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    if (entry.isDirectory()) continue;
    const path = `${entry.parentPath}/${entry.name}`;
    const name = path.slice(directory.length + 1);
    if (!entry.isFile()) {
      const what = entry.isSymbolicLink() ? 'a symbolic link' : 'no regular file';
      throw errors.dumpBad(
        file,
        `${name} in it is ${what}.`,
        'A directory of a dump holds the files themselves.',
      );
    }
    const { size, mtimeMs } = await lstat(path);
    files.push({ name, sizeBytes: size, modifiedMs: mtimeMs });
  }
  return files.sort((a, b) => (a.name < b.name ? -1 : 1));
}

export const sizeOf = (files: readonly TreeFile[]): number =>
  files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
export const newestMs = (files: readonly TreeFile[]): number =>
  files.reduce((newest, { modifiedMs }) => Math.max(newest, modifiedMs), 0);

/** What changes whenever a file does, as far as names, sizes and times tell. */
export function fingerprint(files: readonly TreeFile[]): string {
  const hash = createHash('sha256');
  for (const { name, sizeBytes, modifiedMs } of files)
    hash.update(`${name}\0${String(sizeBytes)}\0${String(modifiedMs)}\0`);
  return hash.digest('hex');
}

/**
 * The hash of all there is in a directory. Of a backup: of its names, sizes and own description, which has its time and
 * identity, since its data is too large to be read for nothing.
 */
export async function hashTree(
  directory: string,
  format: DirectoryFormat,
  files: readonly TreeFile[],
  signal: AbortSignal,
): Promise<string> {
  const descriptions: readonly string[] = [...checkpointNames, ...infoNames];
  const hash = createHash('sha256');
  for (const { name, sizeBytes } of files) {
    hash.update(`${name}\0${String(sizeBytes)}\0`);
    if (format !== 'backup' || descriptions.includes(name))
      await pipeline(createReadStream(`${directory}/${name}`), hash, { signal, end: false });
  }
  return hash.digest('hex');
}

/** Which format a directory has, by what is in it. Throws `MYAAS_DUMP_BAD` when it is none, or not whole. */
export async function recogniseTree(
  directory: string,
  file: string,
  files: readonly TreeFile[],
): Promise<DirectoryFormat> {
  const names = new Set(files.map(({ name }) => name));
  const bad = (why: string, hint?: string) => errors.dumpBad(file, why, hint);
  if (checkpointNames.some((name) => names.has(name))) return 'backup';
  if (names.has('toc.dat')) return 'archive';
  if (names.has('metadata.partial')) {
    throw bad(
      'mydumper has not finished it, or was interrupted: there is a metadata.partial in it.',
      'Wait until mydumper is done, or make the dump anew.',
    );
  }
  if (names.has('metadata')) {
    const text = await readFile(`${directory}/metadata`, 'utf8');
    if (!/^(# )?Started dump at:/m.test(text)) throw bad('its file "metadata" is not of mydumper.');
    if (!/^(# )?Finished dump at:/m.test(text))
      throw bad('mydumper has not finished it: its metadata says no end.', 'Make the dump anew.');
    return 'mydumper';
  }
  if (names.has('@.json')) {
    throw bad(
      'it is a dump of MySQL Shell, which this version cannot import.',
      'Make it with mysqldump or mydumper.',
    );
  }
  if (names.has('ibdata1')) {
    throw bad(
      'it is a copy of a data directory, not a backup of mariadb-backup, whose checkpoints are missing.',
      'Make it with "mariadb-backup --backup": files copied from a running server are not consistent.',
    );
  }
  if (isTabDump(names)) return 'tab';
  throw bad(
    names.size === 0
      ? 'there is nothing in it.'
      : 'it is no dump: there is no metadata of mydumper in it, no checkpoints of mariadb-backup, no toc.dat of pg_dump, and no .sql with a .txt.',
    'Put only dumps in the dumps directory; directories that links lead into are left alone.',
  );
}

/** `mysqldump --tab` writes a pair of files for each table. */
function isTabDump(names: ReadonlySet<string>): boolean {
  for (const name of names) {
    const stem = /^([^/]*)\.txt(?:\.\w+)?$/.exec(name)?.[1];
    if (stem !== undefined && [...names].some((other) => other.startsWith(`${stem}.sql`))) return true;
  }
  return false;
}
