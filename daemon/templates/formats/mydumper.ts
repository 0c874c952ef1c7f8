/** Directories that mydumper writes: a file for each schema, and one or more for each table's rows. */
import { availableParallelism } from 'node:os';
import { text } from 'node:stream/consumers';
import { errors } from '../../errors/errors.ts';
import type { AdminSession } from '../../engines/engine.ts';
import type { DirectoryDump } from '../dumps.ts';
import { filesMeter } from '../meter.ts';
import { readDump } from './reader.ts';
import type { ImportRun } from '../run.ts';
import { runScript, type ScriptPart } from './script.ts';

/** In the order in which they are run. Routines come before views, which may call them. */
const kinds = ['create', 'sequence', 'table', 'data', 'post', 'triggers', 'view'] as const;
type Kind = (typeof kinds)[number];

interface MydumperFile {
  readonly name: string;
  readonly kind: Kind;
  /** Its name without the endings: "shop", "shop.orders". */
  readonly stem: string;
  readonly sizeBytes: number;
}

const namePattern = /^(.*?)(?:-schema(?:-(create|post|triggers|view|sequence))?)?\.sql(?:\.\w+)?$/s;
const foreignPattern = /\.(?:dat|csv|json)(?:\.\w+)?$/;
/** Chunks of a table are numbered; `shop.orders.00000`, `shop.orders.00000.00001`. */
const chunkPattern = /(?:\.\d{5,})+$/;

/** What the files of a dump are for. Throws `MYAAS_DUMP_BAD` when some are missing or of a kind that is not read. */
export function sortMydumper({ file, files }: DirectoryDump): MydumperFile[] {
  const sorted: MydumperFile[] = [];
  for (const { name, sizeBytes } of files) {
    if (foreignPattern.test(name)) {
      throw errors.dumpBad(
        file,
        `${name} in it is data for LOAD DATA.`,
        'Run mydumper without --load-data, --csv and --json.',
      );
    }
    const match = namePattern.exec(name);
    if (!match || name.startsWith('all-schema')) continue;
    const [, stem = '', special] = match;
    const isSchema = /-schema\.sql(?:\.\w+)?$/.test(name);
    sorted.push({
      name,
      stem,
      sizeBytes,
      kind: (special as Kind | undefined) ?? (isSchema ? 'table' : 'data'),
    });
  }
  const tables = new Set(sorted.filter(({ kind }) => kind !== 'data').map(({ stem }) => stem));
  for (const { kind, name, stem } of sorted) {
    if (kind === 'data' && !tables.has(stem) && !tables.has(stem.replace(chunkPattern, '')))
      throw errors.dumpBad(file, `the schema of the table of ${name} is missing.`, 'Make the dump anew.');
  }
  return sorted;
}

/** Runs the schemas, then the rows, as many files side by side as there are cores, then all that depends on order. */
export async function loadMydumper(run: ImportRun, dump: DirectoryDump, admin: AdminSession): Promise<void> {
  const all = sortMydumper(dump);
  const databases = await databaseNames(run, dump, all);
  // mydumper writes down the server's own databases, too, unless it is told not to.
  for (const [prefix, database] of databases)
    if (run.engine.systemDatabases.includes(database)) databases.delete(prefix);
  const files = all.filter(({ stem }) => prefixOf(stem, databases) !== undefined);
  await makeRoom(admin, databases, files);
  const meterOf = filesMeter(run);
  for (const kind of kinds) {
    run.enter(kind === 'data' ? 'loading' : 'loading schemas');
    const parts = files
      .filter((file) => file.kind === kind)
      // The largest first: the last to come in should not be a large one that began last.
      .sort((a, b) => (kind === 'data' ? b.sizeBytes - a.sizeBytes : 0))
      .map((file) => partOf(dump, file, databases))
      .values();
    const clients = kind === 'data' ? availableParallelism() : 1;
    await Promise.all(Array.from({ length: clients }, (_, n) => runScript(run, parts, meterOf, n)));
  }
}

/** The databases by what the names of their files begin with: a name that can't be a file name has a stand-in. */
async function databaseNames(
  run: ImportRun,
  dump: DirectoryDump,
  files: readonly MydumperFile[],
): Promise<Map<string, string>> {
  const databases = new Map<string, string>();
  for (const { kind, name, stem } of files) {
    if (kind !== 'create') continue;
    const reading = await readDump(fileOf(dump, name), run.signal, () => undefined);
    const made = /^CREATE DATABASE\s+(?:\/\*.*?\*\/\s*)?(?:IF NOT EXISTS\s+)?[`"](.+?)[`"](?=[\s;])/im.exec(
      await text(reading.text),
    )?.[1];
    if (made === undefined) throw errors.dumpBad(`${dump.file}/${name}`, 'it makes no database.');
    databases.set(stem, made.replaceAll('``', '`'));
  }
  // Without its schema file a database is called as its files are.
  for (const { kind, stem } of files) {
    if (kind === 'create' || prefixOf(stem, databases) !== undefined) continue;
    const prefix = stem.split('.')[0] ?? stem;
    databases.set(prefix, prefix);
  }
  return databases;
}

/** What `stem` begins with of the databases' prefixes: the longest, since names may have dots. */
function prefixOf(stem: string, databases: ReadonlyMap<string, string>): string | undefined {
  return [...databases.keys()]
    .filter((prefix) => stem === prefix || stem.startsWith(`${prefix}.`))
    .sort((a, b) => b.length - a.length)[0];
}

/** The dump makes its databases itself; where it does not, they must be there. */
async function makeRoom(
  admin: AdminSession,
  wanted: ReadonlyMap<string, string>,
  files: readonly MydumperFile[],
): Promise<void> {
  const { databases } = await admin.contents();
  for (const [prefix, database] of wanted) {
    const isThere = databases.includes(database);
    const isMade = files.some(({ kind, stem }) => kind === 'create' && stem === prefix);
    if (isMade && isThere) await admin.dropDatabase(database);
    if (!isMade && !isThere) await admin.createDatabase(database);
  }
}

const fileOf = ({ path, file }: DirectoryDump, name: string) => ({
  file: `${file}/${name}`,
  path: `${path}/${name}`,
});

function partOf(
  dump: DirectoryDump,
  { name, kind, stem }: MydumperFile,
  databases: ReadonlyMap<string, string>,
): ScriptPart {
  const database = databases.get(prefixOf(stem, databases) ?? '') ?? '';
  // As myloader sets them; a routine would keep the mode.
  const mode = kind === 'post' || kind === 'triggers' ? 'default' : "'NO_AUTO_VALUE_ON_ZERO'";
  const settings = `set names utf8mb4, sql_mode = ${mode}, foreign_key_checks = 0, time_zone = default;`;
  const use = kind === 'create' ? '' : `use \`${database.replaceAll('`', '``')}\`;`;
  return {
    file: fileOf(dump, name),
    prelude: settings + use,
    ...((kind === 'post' || kind === 'triggers') && { rewrite: delimitStatements }),
  };
}

/**
 * mydumper ends each statement by ";" at the end of a line, and has no line of a routine's body end so; the client must be
 * told, since it would end statements at every ";".
 */
export function delimitStatements(sql: string): string {
  if (/^delimiter\s/im.test(sql)) return sql;
  const token = '$$myaas$$';
  return `delimiter ${token}\n${sql.replace(/;(?=\r?\n|$)/g, () => ` ${token}`)}`;
}
