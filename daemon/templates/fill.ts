/** The data of a new version: loaded into a server with bulk settings, or adopted, and made safe to be cloned. */
import { rm } from 'node:fs/promises';
import type { AdminSession, AdoptTool, TableCounts } from '../engines/engine.ts';
import { MyaasError } from '../errors/error.ts';
import { errors } from '../errors/errors.ts';
import { isArchive, loadArchive } from './formats/archive.ts';
import { adoptBackup, isBackupStream } from './formats/backup.ts';
import { chooseDatabase, type ChosenDatabase } from './database.ts';
import { assertUntouched, type Dump } from './dumps.ts';
import { runHook, runScriptHook } from './hook.ts';
import { explainFailure, initialise, startImportServer } from './import-server.ts';
import { DumpLoader } from './formats/load.ts';
import { applyMask } from './mask.ts';
import { loadMydumper } from './formats/mydumper.ts';
import type { Update } from './parts/plan.ts';
import { analyzeChanges, loadChanges, takeFormer } from './parts/update.ts';
import { placeDataFile } from './formats/data-file.ts';
import type { Recipe } from './recipe.ts';
import type { ImportRun } from './run.ts';
import { loadTab } from './formats/tab.ts';
import { hashOf } from './unchanged.ts';

export interface Filled extends ChosenDatabase {
  readonly engineVersion: string;
  /** Of the dump, packed as it is. */
  readonly sha256: string;
  readonly counts: TableCounts;
  /** The data directory is as the servers of instances have it. */
  readonly isSettled: boolean;
}

/** Leaves a data directory whose server was shut down cleanly. Throws `MYAAS_DUMP_BAD` where the dump is to blame. */
export async function fill(run: ImportRun, recipe: Recipe): Promise<Filled> {
  const { dump, engine, update } = run;
  const { adopt, backup } = engine;
  if (update && adopt) return fillFromFormer(run, update, adopt, recipe);
  assertFormat(run);
  if (
    adopt &&
    backup &&
    (dump.format === 'backup' || (dump.format === 'file' && (await isBackupStream(run, backup))))
  ) {
    const sha256 = await adoptBackup(run, backup, adopt);
    const filled = await withServer(run, adopt.command(run.facts), async (admin) => {
      await rm(`${run.home}/${adopt.file.name}`);
      const finished = await finish(run, recipe, admin, sha256);
      return { ...finished, counts: await admin.countTables(), isSettled: false };
    });
    if (recipe.mask) await backup.wipeRemnants(run.datadir);
    return filled;
  }
  await initialise(run);
  const placed =
    engine.dumps.loading.kind === 'data file'
      ? await placeDataFile(run, engine.dumps.loading.name)
      : undefined;
  return withServer(run, engine.importCommand(run.facts), async (admin) => {
    const wanted = run.deps.config.dbDatabase ?? dump.template;
    await admin.createDatabase(wanted);
    const sha256 = placed ?? (await load(run, dump, admin, wanted));
    const filled = await finish(run, recipe, admin, sha256);
    run.enter('statistics');
    await admin.analyze(run.signal);
    return { ...filled, counts: await admin.countTables(), isSettled: leavesSettled(run) };
  });
}

/** Throws `MYAAS_DUMP_BAD` for what the product has no way to read. */
function assertFormat({ dump, engine }: ImportRun): void {
  if (dump.format === 'file' || engine.dumps.directories.includes(dump.format)) return;
  throw errors.dumpBad(
    dump.file,
    `${engine.title} can't read a directory of this kind (${dump.format}).`,
    `Make another dump, or name the product that it is of in ${dump.template}.engine.`,
  );
}

/** The data of the version before, and what has changed since. */
async function fillFromFormer(
  run: ImportRun,
  update: Update,
  tool: AdoptTool,
  recipe: Recipe,
): Promise<Filled> {
  await takeFormer(run, update, tool);
  return withServer(run, tool.command(run.facts), async (admin) => {
    await rm(`${run.home}/${tool.file.name}`);
    const wanted = run.deps.config.dbDatabase ?? run.dump.template;
    const sha256 = await loadChanges(run, update, admin, wanted);
    // Before the accounts are locked: another session than the administrator's does it.
    run.enter('statistics');
    await analyzeChanges(run, update);
    const filled = await finish(run, recipe, admin, sha256);
    return { ...filled, counts: await admin.countTables(), isSettled: leavesSettled(run) };
  });
}

const leavesSettled = ({ engine, facts }: ImportRun): boolean => engine.leavesSettled?.(facts) ?? false;

/** Starts the import's server, does the work, and shuts it down cleanly. */
async function withServer<T>(
  run: ImportRun,
  command: readonly string[],
  work: (admin: AdminSession) => Promise<T>,
): Promise<T> {
  const server = await startImportServer(run, command).catch((error: unknown) => {
    throw blameDump(run, error);
  });
  const { admin, containerId } = server;
  // A server that hangs on a full disk answers no query, so that nothing else would end one.
  using _ = run.killOnAbort(containerId);
  let result;
  try {
    result = await work(admin);
    run.enter('shutdown');
    await admin.prepareShutdown();
  } catch (error) {
    throw await explainFailure(run, error, server);
  } finally {
    admin.close();
  }
  await run.shutDown(containerId);
  return result;
}

/** A server that does not start on a dump that is its own file says what is wrong with that. */
function blameDump({ dump, engine, signal }: ImportRun, error: unknown): unknown {
  const isFile = engine.dumps.loading.kind === 'data file';
  if (signal.aborted || !isFile || !(error instanceof MyaasError)) return error;
  return errors.dumpBad(dump.file, `${engine.title} can't open it. ${error.message}`);
}

/** Loads a dump that is SQL; its hash, where it is known from the reading. */
async function load(
  run: ImportRun,
  dump: Dump,
  admin: AdminSession,
  wanted: string,
): Promise<string | undefined> {
  switch (dump.format) {
    case 'archive':
    case 'file': {
      const { archive } = run.engine.dumps;
      if (archive && (dump.format === 'archive' || (await isArchive(run, archive))))
        return loadArchive(run, archive, admin, wanted);
      return (await new DumpLoader(run, admin).load(wanted)).sha256;
    }
    case 'mydumper':
      await loadMydumper(run, dump, admin);
      return undefined;
    case 'tab':
      await loadTab(run, dump, admin, wanted);
      return undefined;
    case 'backup':
      throw errors.engineLacks('Import of physical backups', run.engine.title, 'Make a dump of SQL.');
  }
}

/** What is the same for data from anywhere: it must not have changed, its hooks run, it is masked, its accounts are locked. */
async function finish(
  run: ImportRun,
  recipe: Recipe,
  admin: AdminSession,
  sha256: string | undefined,
): Promise<Omit<Filled, 'counts' | 'isSettled'>> {
  const { dump, deps } = run;
  const wanted = deps.config.dbDatabase ?? dump.template;
  const engineVersion = await admin.version();
  const hash = sha256 ?? (await hashOf(dump, run.signal));
  await assertUntouched(dump);
  const { database } = await chooseDatabase(admin, wanted, dump.file);
  await runHook(run, database);
  if (recipe.script) await runScriptHook(run, recipe.script, database);
  const chosen = await chooseDatabase(admin, wanted, dump.file);
  // Last, so that no hook has made a copy that is left as it was.
  if (recipe.mask) await applyMask(run, recipe.mask, admin, chosen.database);
  run.enter('accounts');
  await admin.secureAccounts(deps.config.dbUsername);
  return { engineVersion, sha256: hash, ...chosen };
}
