/** What the operator dropped in `dumps/`. MyAAS only reads there. */
import { lstat, readdir, realpath, stat } from 'node:fs/promises';
import { sep } from 'node:path';
import { engines } from '../engines/engines.ts';
import { hasErrno, messageOf, MyaasError } from '../errors/error.ts';
import { errors } from '../errors/errors.ts';
import { isName } from '../names.ts';
import { findCompanions, isCompanion, type Companions } from './companions.ts';
import { resolveInside } from './inside.ts';
import {
  fingerprint,
  newestMs,
  readTree,
  recogniseTree,
  sizeOf,
  type DirectoryFormat,
  type TreeFile,
} from './formats/tree.ts';
import { compressions } from './formats/unpack.ts';

interface CommonDump {
  readonly template: string;
  /** Its name in the directory, for people. */
  readonly file: string;
  /** Where the data is: symlinks resolved. */
  readonly path: string;
  readonly sizeBytes: number;
  /** Of a directory: of the newest file in it. */
  readonly modifiedMs: number;
  readonly companions: Companions;
}

/** One file: SQL, or a stream of mariadb-backup, which is told when it is read. */
export interface FileDump extends CommonDump {
  readonly format: 'file';
}

export interface DirectoryDump<F extends DirectoryFormat = DirectoryFormat> extends CommonDump {
  readonly format: F;
  /** All there is in it. Sorted by name. */
  readonly files: readonly TreeFile[];
}

export type Dump =
  | FileDump
  | DirectoryDump<'mydumper'>
  | DirectoryDump<'tab'>
  | DirectoryDump<'backup'>
  | DirectoryDump<'archive'>;

export interface BadDump {
  readonly template: string;
  readonly file: string;
  readonly error: MyaasError;
}

/** Names of single files. */
const dumpPattern = new RegExp(
  `^(.*)\\.(?:${[...new Set(engines.flatMap(({ dumps }) => dumps.endings))].join('|')})(?:\\.(?:${Object.keys(compressions).join('|')}))?$`,
  'i',
);

interface Candidate {
  readonly file: string;
  readonly template: string;
  readonly path: string;
  readonly isDirectory: boolean;
}

/** Every dump of the directory, and everything that looks like one and can't be. Sorted by name. */
export async function listDumps(directory: string): Promise<{ dumps: Dump[]; bad: BadDump[] }> {
  const root = await realpath(directory).catch((error: unknown) => {
    if (!hasErrno(error, 'ENOENT')) throw error;
    throw errors.hostNotReady(
      `The dumps directory ${directory} is not there.`,
      'Run "myaas init" as root.',
      error,
    );
  });
  const files = (await readdir(root)).filter((file) => !file.startsWith('.')).sort();
  const dumps: Dump[] = [];
  const bad: BadDump[] = [];
  const candidates = await findCandidates(root, files, bad);
  for (const candidate of candidates) {
    const { file, template } = candidate;
    try {
      const rivals = candidates.filter((other) => other.template === template).map((other) => other.file);
      if (rivals.length > 1) {
        const all = rivals.join(', ');
        throw errors.dumpBad(
          file,
          `several dumps are for template "${template}": ${all}.`,
          'Keep one of them.',
        );
      }
      const companions = await findCompanions(root, files, template, file);
      dumps.push(await describe({ ...candidate, companions }));
    } catch (error) {
      // One dump, whatever is the matter with it, is no reason to import none of the others.
      bad.push({ template, file, error: asDumpError(file, error) });
    }
  }
  return { dumps, bad: bad.sort((a, b) => (a.file < b.file ? -1 : 1)) };
}

/** What may be a dump by its kind and name, and, in `bad`, what may not. */
async function findCandidates(root: string, files: readonly string[], bad: BadDump[]): Promise<Candidate[]> {
  const candidates: Candidate[] = [];
  /** Directories that links lead into: where operators keep dumps, and no dumps themselves. */
  const stores = new Set<string>();
  for (const file of files) {
    if (isCompanion(file)) continue;
    const stem = dumpPattern.exec(file)?.[1];
    // Whatever else lies there is none of our business.
    if (stem === undefined && !(await isDirectoryAt(`${root}/${file}`))) continue;
    try {
      const path = await resolveInside(root, file);
      const isDirectory = stem === undefined;
      const store = path.slice(root.length + 1).split(sep)[0] ?? '';
      if (store !== file) stores.add(store);
      const template = stem ?? file;
      if (!isName('template', template)) {
        throw errors.dumpBad(
          file,
          'its name cannot be a template name.',
          'A name has 1 to 63 letters, digits, "_" or "-" and starts with a letter or digit.',
        );
      }
      if (stem !== undefined && !(await lstat(path)).isFile())
        throw errors.dumpBad(file, 'is not a regular file.', `Name a directory of a dump just "${stem}".`);
      candidates.push({ file, template, path, isDirectory });
    } catch (error) {
      bad.push({ template: stem ?? file, file, error: asDumpError(file, error) });
    }
  }
  return candidates.filter(({ file, isDirectory }) => !(isDirectory && stores.has(file)));
}

async function isDirectoryAt(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

/** The dump as it is now: it may have waited long for its turn. Throws `MYAAS_DUMP_BAD` when it has vanished. */
export async function refreshDump(directory: string, { template, ...dump }: Dump): Promise<Dump> {
  try {
    const root = await realpath(directory);
    const companions = await findCompanions(root, await readdir(root), template, dump.file);
    return await describe({ ...dump, template, companions, isDirectory: dump.format !== 'file' });
  } catch (error) {
    throw asDumpError(dump.file, error);
  }
}

/** Throws `MYAAS_DUMP_BAD` when the dump is another than when it was listed. */
export async function assertUntouched(dump: Dump): Promise<void> {
  const now = await describe({ ...dump, isDirectory: dump.format !== 'file' }).catch((error: unknown) => {
    throw asDumpError(dump.file, error);
  });
  const isSame =
    dump.format === 'file' || now.format === 'file'
      ? now.sizeBytes === dump.sizeBytes && now.modifiedMs === dump.modifiedMs
      : fingerprint(now.files) === fingerprint(dump.files);
  if (isSame) return;
  throw errors.dumpBad(
    dump.file,
    'it was changed while it was read.',
    'Write dumps under another name and rename them when they are whole.',
  );
}

async function describe({
  template,
  file,
  path,
  isDirectory,
  companions,
}: Candidate & { companions: Companions }): Promise<Dump> {
  const common = { template, file, path, companions };
  if (!isDirectory) {
    const { size, mtimeMs } = await stat(path);
    return { ...common, format: 'file', sizeBytes: size, modifiedMs: mtimeMs };
  }
  const files = await readTree(path, file);
  const format = await recogniseTree(path, file, files);
  return { ...common, format, files, sizeBytes: sizeOf(files), modifiedMs: newestMs(files) };
}

function asDumpError(file: string, error: unknown): MyaasError {
  if (error instanceof MyaasError) return error;
  return errors.dumpBad(file, `cannot be read: ${messageOf(error)}.`, 'Mend the link or put the file back.');
}
