/**
 * The life of a template's version, from dump to publication. The version before it serves clones all the while, and
 * stays as it was when anything fails.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { execa } from 'execa';
import { setReadOnly, syncFilesystem } from '../drivers/btrfs.ts';
import type { AdminSession } from '../engines/engine.ts';
import type { Manifest } from './catalogue.ts';
import { chooseDatabase, type ChosenDatabase } from './database.ts';
import { assertDiskSpace, watchDisk } from './disk.ts';
import type { Dump } from './dumps.ts';
import { hookSha256, runHook } from './hook.ts';
import { explainFailure, initialise, startImportServer } from './import-server.ts';
import { DumpLoader } from './load.ts';
import { settle, tryClone } from './rehearse.ts';
import { ImportRun, type ImporterDeps, type OnProgress } from './run.ts';

const oneHourMs = 3_600_000;

export class Importer {
  readonly #deps: ImporterDeps;

  constructor(deps: ImporterDeps) {
    this.#deps = deps;
  }

  /** Whether the current version was made of exactly this dump and hook. Reads the dump only if size and time leave doubt. */
  async isUnchanged(dump: Dump, signal: AbortSignal): Promise<boolean> {
    const current = this.#deps.catalogue.current(dump.template);
    if (current?.dump.sizeBytes !== dump.sizeBytes) return false;
    if (current.dump.hookSha256 !== (await hookSha256(dump))) return false;
    if (current.dump.modifiedMs === dump.modifiedMs && current.dump.file === dump.file) return true;
    const hash = createHash('sha256');
    await pipeline(createReadStream(dump.path), hash, { signal });
    return hash.digest('hex') === current.dump.sha256;
  }

  /** Imports a dump as a new version and publishes it. Throws `MYAAS_DUMP_BAD` where the dump is to blame. */
  async import(dump: Dump, signal: AbortSignal, onProgress: OnProgress): Promise<Manifest> {
    const { catalogue, paths } = this.#deps;
    await assertDiskSpace(paths.templates, dump.sizeBytes);
    const version = await catalogue.begin(dump.template);
    using disk = watchDisk(paths.templates);
    const running = AbortSignal.any([signal, disk.full]);
    const run = new ImportRun(this.#deps, dump, version, running, onProgress);
    try {
      const manifest = await build(run);
      await catalogue.publish(manifest);
      return manifest;
    } catch (error) {
      await run.dismantle();
      await catalogue.discard(dump.template, version);
      running.throwIfAborted();
      throw error;
    }
  }
}

/** Makes the version's data directory, read-only in the end, and its manifest. */
async function build(run: ImportRun): Promise<Manifest> {
  const { config, engine } = run.deps;
  await initialise(run);
  const filled = await fill(run);
  await settle(run, filled.database);
  const sizeBytes = await directorySize(run.datadir);
  await rm(`${run.home}/tmp`, { recursive: true });
  await setReadOnly(run.datadir);
  await tryClone(run, filled.database);
  run.enter('publishing');
  await syncFilesystem(run.home);
  const { file, template, modifiedMs } = run.dump;
  return {
    format: 1,
    template,
    version: run.version,
    engine: engine.name,
    engineVersion: filled.engineVersion,
    importedAt: new Date().toISOString(),
    sizeBytes,
    dump: {
      file,
      sizeBytes: run.dump.sizeBytes,
      modifiedMs,
      sha256: filled.sha256,
      hookSha256: filled.hookSha256,
    },
    database: filled.database,
    databases: [...filled.databases],
    username: config.dbUsername,
  };
}

/** What a server was filled with. */
interface Filled extends ChosenDatabase {
  readonly engineVersion: string;
  /** Of the dump, packed as it is. */
  readonly sha256: string;
  readonly hookSha256: string | null;
}

/** Starts a server with bulk settings, has it loaded and made safe to be cloned, and shuts it down cleanly. */
async function fill(run: ImportRun): Promise<Filled> {
  const server = await startImportServer(run);
  const { admin, containerId } = server;
  // A server that hangs on a full disk answers no query, so that nothing else would end one.
  using _ = run.killOnAbort(containerId);
  let filled;
  try {
    filled = await load(run, admin);
    run.enter('accounts');
    await admin.secureAccounts(run.deps.config.dbUsername);
    run.enter('statistics');
    await admin.analyze(run.signal);
    run.enter('shutdown');
    await admin.shutdown();
  } catch (error) {
    throw await explainFailure(run, error, server);
  } finally {
    admin.close();
  }
  await run.awaitCleanShutdown(containerId);
  return filled;
}

/** Loads the dump and runs its hook. */
async function load(run: ImportRun, admin: AdminSession): Promise<Filled> {
  const { template, file } = run.dump;
  const wanted = run.deps.config.dbDatabase ?? template;
  await admin.createDatabase(wanted);
  const engineVersion = await admin.version();
  const { sha256 } = await new DumpLoader(run, admin).load(wanted);
  const { database } = await chooseDatabase(admin, wanted, file);
  const hookSha256 = await runHook(run, database);
  return { engineVersion, sha256, hookSha256, ...(await chooseDatabase(admin, wanted, file)) };
}

/** Bytes of all files in a directory, by `du`. */
async function directorySize(path: string): Promise<number> {
  const { stdout } = await execa('du', ['--summarize', '--block-size=1', '--', path], { timeout: oneHourMs });
  return Number(stdout.split('\t')[0]);
}
