/** Directories of `mysqldump --tab`: of each table a `.sql` with its schema, and a `.txt` with its rows. */
import { createReadStream, createWriteStream } from 'node:fs';
import { chown, constants, copyFile, rm, stat } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { pipeline } from 'node:stream/promises';
import { text } from 'node:stream/consumers';
import type { AdminSession, RowsLoader } from '../../engines/engine.ts';
import { inContainer } from '../../engines/engine.ts';
import { messageOf } from '../../errors/error.ts';
import { errors } from '../../errors/errors.ts';
import type { DirectoryDump } from '../dumps.ts';
import { filesMeter } from '../meter.ts';
import { readDump } from './reader.ts';
import type { ImportRun } from '../run.ts';
import { runScript, type ScriptPart } from './script.ts';
import { unpack, type DumpFile } from './unpack.ts';

interface TabTable {
  readonly sql: DumpFile;
  readonly text: string;
  /** Its name; undefined for a view. */
  readonly table: string | undefined;
  /** Its rows; tables without any of their own, such as those of MERGE, have none. */
  readonly rows: DumpFile | undefined;
}

const sqlPattern = /^([^/]+)\.sql(?:\.\w+)?$/;
const rowsPattern = /^([^/]+)\.txt(?:\.(\w+))?$/;
/** mysqldump writes triggers last. Created before the rows are loaded they would run for each. */
const triggersStart = /^\/\*!50003 SET @saved_cs_client/m;

/** Makes the tables in `database`, loads their rows, several at a time, and then makes triggers and views. */
export async function loadTab(
  run: ImportRun,
  dump: DirectoryDump<'tab'>,
  admin: AdminSession,
  database: string,
): Promise<void> {
  run.enter('loading schemas');
  const all = await readTables(run, dump);
  const tables = all.filter(({ table }) => table !== undefined);
  const views = inOrder(all.filter(({ table }) => table === undefined));
  const use = `use \`${database.replaceAll('`', '``')}\`;`;
  const partOf = (rewrite: (sql: string) => string) => (each: TabTable) => ({
    file: each.sql,
    prelude: `set names utf8mb4, foreign_key_checks = 0;${use}`,
    rewrite,
  });
  const runParts = (parts: readonly ScriptPart[]) => runScript(run, parts.values(), () => () => undefined);

  await runParts(tables.map(partOf((sql) => sql.slice(0, triggersAt(sql)))));
  await assertNoneMissing(dump, admin, database, tables);
  run.enter('loading');
  const meterOf = filesMeter(run);
  const queue = tables.values();
  const load = async () => {
    const session = await run.engine.admin(run.deps.servers.socketOf(run.server([])));
    try {
      for (const each of queue) await loadRows(run, session, database, each, meterOf());
    } finally {
      session.close();
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, load));
  run.enter('loading schemas');
  await runParts(tables.map(partOf((sql) => sql.slice(triggersAt(sql)))));
  await runParts(views.map(partOf((sql) => sql)));
}

const triggersAt = (sql: string): number => {
  const at = sql.search(triggersStart);
  return at === -1 ? sql.length : at;
};

async function readTables(run: ImportRun, dump: DirectoryDump<'tab'>): Promise<TabTable[]> {
  const fileOf = (name: string): DumpFile => ({ file: `${dump.file}/${name}`, path: `${dump.path}/${name}` });
  const rows = new Map<string, DumpFile>();
  for (const { name } of dump.files) {
    const stem = rowsPattern.exec(name)?.[1];
    if (stem !== undefined) rows.set(stem, fileOf(name));
  }
  const tables: TabTable[] = [];
  for (const { name } of dump.files) {
    const stem = sqlPattern.exec(name)?.[1];
    if (stem === undefined) continue;
    const sql = fileOf(name);
    const reading = await readDump(sql, run.signal, () => undefined);
    const content = await text(reading.text);
    reading.summarize();
    const [, table] = /^CREATE TABLE (?:IF NOT EXISTS )?`((?:[^`]|``)+)`/m.exec(content) ?? [];
    tables.push({ sql, text: content, table: table?.replaceAll('``', '`'), rows: rows.get(stem) });
    rows.delete(stem);
  }
  const [orphan] = rows.values();
  if (orphan)
    throw errors.dumpBad(
      dump.file,
      `${orphan.file} has rows of a table whose .sql is missing.`,
      'Make the dump anew.',
    );
  return tables;
}

/** A view comes after those that it names. */
function inOrder(views: readonly TabTable[]): TabTable[] {
  const nameOf = ({ text: sql }: TabTable) => /VIEW `((?:[^`]|``)+)` AS/.exec(sql)?.[1];
  const ordered: TabTable[] = [];
  const visit = (view: TabTable, path: readonly TabTable[]) => {
    if (ordered.includes(view) || path.includes(view)) return;
    for (const other of views) {
      const name = nameOf(other);
      if (other !== view && name !== undefined && view.text.includes(`\`${name}\``))
        visit(other, [...path, view]);
    }
    ordered.push(view);
  };
  for (const view of views) visit(view, []);
  return ordered;
}

/** Products that take directories of this kind have it. */
function rowsOf({ rows }: AdminSession): RowsLoader {
  if (!rows) throw new Error('This server loads no rows from files.');
  return rows;
}

/** Every table that keeps rows of its own has a file of them, though it be empty. */
async function assertNoneMissing(
  dump: DirectoryDump<'tab'>,
  admin: AdminSession,
  database: string,
  tables: readonly TabTable[],
): Promise<void> {
  const keeping = await rowsOf(admin).tablesWithRows(database);
  const missing = tables.find(({ table, rows }) => table !== undefined && !rows && keeping.includes(table));
  if (missing)
    throw errors.dumpBad(
      dump.file,
      `the rows of table ${String(missing.table)}, a .txt, are missing.`,
      'Make the dump anew.',
    );
}

async function loadRows(
  run: ImportRun,
  session: AdminSession,
  database: string,
  { table, rows, text: sql }: TabTable,
  onRead: (doneBytes: number) => void,
): Promise<void> {
  if (table === undefined || !rows) return;
  if ((await stat(rows.path)).size === 0) return;
  run.signal.throwIfAborted();
  // Where the server may read: see secure_file_priv.
  const name = `${crypto.randomUUID()}.txt`;
  const path = `${run.home}/tmp/${name}`;
  await bringRows(run, rows, path, onRead);
  const { uid, gid } = run.deps.servers.owner;
  await chown(path, uid, gid);
  try {
    await rowsOf(session).loadRows({
      database,
      table,
      file: `${inContainer.tmp}/${name}`,
      fieldCount: await countFields(path),
      // What mysqldump says that it has set when it wrote them.
      timeZone: /SET TIME_ZONE='([^']*)'/.exec(sql)?.[1],
    });
  } catch (error) {
    if (run.signal.aborted || !(await session.isAlive())) throw error;
    throw errors.dumpBad(rows.file, messageOf(error).replaceAll(`${inContainer.tmp}/${name}`, rows.file));
  }
  await rm(path);
}

/** Without the name of a packer it is rows, whatever they begin with. */
async function bringRows(
  run: ImportRun,
  rows: DumpFile,
  path: string,
  onRead: (doneBytes: number) => void,
): Promise<void> {
  if (rowsPattern.exec(rows.file.split('/').pop() ?? '')?.[2] === undefined) {
    await copyFile(rows.path, path, constants.COPYFILE_FICLONE);
    return;
  }
  const { content } = await unpack(rows, run.signal, onRead);
  await pipeline(content, createWriteStream(path, { mode: 0o600 }), { signal: run.signal });
}

/** Of the first row: fields end at a tab, rows at a line feed, unless a backslash stands before it. */
async function countFields(path: string): Promise<number> {
  let count = 1;
  let escaped = false;
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    for (const byte of chunk) {
      if (escaped) escaped = false;
      else if (byte === 0x5c) escaped = true;
      else if (byte === 0x09) count++;
      else if (byte === 0x0a) return count;
    }
  }
  return count;
}
