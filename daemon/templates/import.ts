/**
 * The life of a template's version, from dump to publication. The version before it serves clones all the while, and
 * stays as it was when anything fails.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { chown, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { execa } from 'execa';
import type { Config, Paths } from '../config.ts';
import type { Progress } from '../contract.ts';
import {
  createSubvolume,
  deleteSubvolume,
  diskSpace,
  setReadOnly,
  snapshot,
  syncFilesystem,
} from '../drivers/btrfs.ts';
import type { Docker } from '../drivers/docker.ts';
import { inContainer, type AdminSession, type Engine } from '../engines/engine.ts';
import { errors, messageOf, MyaasError } from '../errors.ts';
import type { ServerSpec, Servers } from '../instances/server.ts';
import type { Log } from '../log.ts';
import type { Catalogue, Manifest } from './catalogue.ts';
import type { Dump } from './dumps.ts';
import { DumpLoader, type LoadContext } from './load.ts';

export interface ImporterDeps {
  readonly config: Config;
  readonly paths: Paths;
  readonly docker: Docker;
  readonly servers: Servers;
  readonly catalogue: Catalogue;
  readonly engine: Engine;
  readonly image: () => string;
}

/** Kept free for the instances that run meanwhile. */
const reserveBytes = 256 * 2 ** 20;
const oneSecondMs = 1000;
const oneHourMs = 3_600_000;

/** What differs in the phases of an import is one word for people. */
export type OnProgress = (progress: Progress) => void;

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
    const { freeBytes } = await diskSpace(paths.templates);
    const neededBytes = dump.sizeBytes + reserveBytes;
    if (freeBytes < neededBytes) throw errors.diskFull(paths.templates, freeBytes, neededBytes);
    const version = await catalogue.begin(dump.template);
    using disk = watchDisk(paths.templates);
    const running = AbortSignal.any([signal, disk.full]);
    const run = new ImportRun(this.#deps, dump, version, running, onProgress);
    try {
      const manifest = await run.build();
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

/**
 * Aborts `full` when less than the reserve is left: an import must not take the disk from the instances, and MyISAM and
 * Aria wait for ever on a full one. There is no event for that, so the kernel is asked, which costs nothing.
 */
function watchDisk(path: string): Disposable & { readonly full: AbortSignal } {
  const full = new AbortController();
  const look = async () => {
    const { freeBytes } = await diskSpace(path);
    if (freeBytes < reserveBytes) full.abort(errors.diskFull(path, freeBytes, reserveBytes));
  };
  const timer = setInterval(() => void look().catch((error: unknown) => full.abort(error)), oneSecondMs);
  return { full: full.signal, [Symbol.dispose]: () => clearInterval(timer) };
}

async function hookSha256(dump: Dump): Promise<string | null> {
  if (dump.hookPath === undefined) return null;
  return createHash('sha256')
    .update(await readFile(dump.hookPath))
    .digest('hex');
}

/** Removes the containers of imports that the end of an earlier daemon cut short. */
export async function removeLeftoverImports(docker: Docker, log: Log): Promise<void> {
  for (const { containerId, role } of await docker.list()) {
    if (role === 'namespace' || role === 'server') continue;
    log.info(`Removing a left-over ${role} container.`);
    await docker.remove(containerId);
  }
}

/** One import. Its containers carry `#id`, so that they can be found again by whoever comes after a crash. */
class ImportRun {
  readonly #deps: ImporterDeps;
  readonly #dump: Dump;
  readonly #version: string;
  readonly #signal: AbortSignal;
  readonly #onProgress: OnProgress;
  readonly #id: string;
  readonly #home: string;
  #progress: Progress;

  constructor(deps: ImporterDeps, dump: Dump, version: string, signal: AbortSignal, onProgress: OnProgress) {
    this.#deps = deps;
    this.#dump = dump;
    this.#version = version;
    this.#signal = signal;
    this.#onProgress = onProgress;
    this.#id = `import-${createHash('sha256').update(`${dump.template}/${version}`).digest('hex').slice(0, 12)}`;
    this.#home = deps.paths.version(dump.template, version);
    this.#progress = { phase: 'starting', doneBytes: 0, totalBytes: dump.sizeBytes, secondsLeft: null };
  }

  async build(): Promise<Manifest> {
    await this.#initialise();
    const { admin, containerId } = await this.#startServer();
    // A server that hangs on a full disk answers no query, so that nothing else would end one.
    using _ = this.#killOnAbort(containerId);
    let loaded;
    try {
      loaded = await new DumpLoader(this.#loadContext(), admin).load();
      this.#enter('accounts');
      await admin.secureAccounts(this.#deps.config.dbUsername);
      this.#enter('statistics');
      await admin.analyze(this.#signal);
      this.#enter('shutdown');
      await admin.shutdown();
    } catch (error) {
      throw await this.#explain(error, admin, containerId);
    } finally {
      admin.close();
    }
    await this.#awaitCleanShutdown(containerId);
    await this.#settle(loaded.database);
    const sizeBytes = await directorySize(`${this.#home}/datadir`);
    await rm(`${this.#home}/tmp`, { recursive: true });
    await setReadOnly(`${this.#home}/datadir`);
    await this.#tryClone(loaded.database);
    this.#enter('publishing');
    await syncFilesystem(this.#home);
    return {
      format: 1,
      template: this.#dump.template,
      version: this.#version,
      engine: this.#deps.engine.name,
      engineVersion: loaded.engineVersion,
      importedAt: new Date().toISOString(),
      sizeBytes,
      dump: {
        file: this.#dump.file,
        sizeBytes: this.#dump.sizeBytes,
        modifiedMs: this.#dump.modifiedMs,
        sha256: loaded.sha256,
        hookSha256: loaded.hookSha256,
      },
      database: loaded.database,
      databases: loaded.databases,
      username: this.#deps.config.dbUsername,
    };
  }

  #loadContext(): LoadContext {
    return {
      deps: this.#deps,
      dump: this.#dump,
      id: this.#id,
      signal: this.#signal,
      enter: (phase) => this.#enter(phase),
      report: (doneBytes, secondsLeft) => {
        this.#progress = { ...this.#progress, doneBytes, secondsLeft };
        this.#onProgress(this.#progress);
      },
      killOnAbort: (containerId) => this.#killOnAbort(containerId),
    };
  }

  /** Removes everything but the version's directory. */
  async dismantle(): Promise<void> {
    await this.#deps.servers.dismantle(this.#id);
    await deleteSubvolume(`${this.#home}/trial/datadir`);
    await rm(`${this.#home}/trial`, { recursive: true, force: true });
  }

  #enter(phase: string): void {
    this.#signal.throwIfAborted();
    this.#progress = { ...this.#progress, phase, secondsLeft: null };
    this.#onProgress(this.#progress);
  }

  async #initialise(): Promise<void> {
    this.#enter('initialising');
    const { docker, engine, servers, config } = this.#deps;
    const { uid, gid } = servers.owner;
    const datadir = `${this.#home}/datadir`;
    await createSubvolume(datadir);
    await mkdir(`${this.#home}/tmp`);
    await chown(datadir, uid, gid);
    await chown(`${this.#home}/tmp`, uid, gid);
    const containerId = await docker.create({
      role: 'initialise',
      id: this.#id,
      image: this.#deps.image(),
      command: engine.initialiseCommand(),
      user: servers.owner,
      mounts: [{ source: this.#home, target: inContainer.home }],
      memoryBytes: config.memoryLimitBytes,
    });
    const exitCode = await this.#runToEnd(containerId);
    if (exitCode !== 0) {
      throw errors.serverFailed(
        `The data directory could not be initialised (exit code ${String(exitCode)}).`,
        await servers.lastWords(containerId),
      );
    }
    await docker.remove(containerId);
    for (const { name, text } of await engine.extraFiles()) {
      await writeFile(`${datadir}/${name}`, text, { mode: 0o400 });
      await chown(`${datadir}/${name}`, uid, gid);
    }
  }

  /** Starts a container and waits for its exit; an abort kills it. */
  async #runToEnd(containerId: string): Promise<number> {
    using _ = this.#killOnAbort(containerId);
    await this.#deps.docker.start(containerId);
    const exitCode = await this.#deps.docker.wait(containerId);
    this.#signal.throwIfAborted();
    return exitCode;
  }

  #killOnAbort(containerId: string): Disposable {
    const kill = () => void this.#deps.docker.remove(containerId).catch(() => undefined); // `dismantle` tries again, and tells.
    this.#signal.addEventListener('abort', kill, { once: true });
    return { [Symbol.dispose]: () => this.#signal.removeEventListener('abort', kill) };
  }

  async #startServer(): Promise<{ admin: AdminSession; containerId: string }> {
    this.#enter('starting');
    const { engine, servers, config } = this.#deps;
    const spec: ServerSpec = {
      role: 'import',
      id: this.#id,
      home: this.#home,
      image: this.#deps.image(),
      engine,
      command: engine.importCommand(config.memoryLimitBytes),
      memoryBytes: config.memoryLimitBytes,
    };
    const { containerId, greeted } = await servers.start(
      spec,
      () => Promise.resolve(),
      (socketPath) => engine.admin(socketPath),
      this.#signal,
    );
    return { admin: greeted, containerId };
  }

  /** What an error means when it is the server that failed, whatever the client or our own session saw of it. */
  async #explain(error: unknown, admin: AdminSession, containerId: string): Promise<unknown> {
    if (this.#signal.aborted) return error;
    const { docker, servers } = this.#deps;
    const { file } = this.#dump;
    const why = messageOf(error);
    if (await admin.isAlive()) {
      if (error instanceof MyaasError) return error;
      return errors.importFailed(
        `${file}: the server refused to make a template of what was loaded: ${why}`,
        'Does the dump change the database "mysql", which is the server\'s own? Leave it out.',
        error,
      );
    }
    const ranOutOfMemory = (await docker.inspect(containerId))?.State.OOMKilled ?? false;
    const what = ranOutOfMemory ? 'ran out of memory' : 'stopped, or cut our connection,';
    return errors.importFailed(
      `${file}: the database server ${what} during the import: ${why}\n${await servers.lastWords(containerId)}`,
      ranOutOfMemory
        ? 'Raise MYAAS_MEMORY_LIMIT.'
        : "If the dump says SHUTDOWN or KILL, take that out; else see the server's last words above.",
      error,
    );
  }

  async #awaitCleanShutdown(containerId: string): Promise<void> {
    const { docker, engine, servers } = this.#deps;
    using _ = this.#killOnAbort(containerId);
    const exitCode = await docker.wait(containerId);
    this.#signal.throwIfAborted();
    const log = await docker.logs(containerId, 200);
    if (exitCode !== 0 || !engine.provesCleanShutdown(log)) {
      throw errors.serverFailed(
        `The server did not shut down cleanly after the import (exit code ${String(exitCode)}).`,
        await servers.lastWords(containerId),
      );
    }
    await servers.dismantle(this.#id);
  }

  /**
   * Starts the server once with the settings of instances and shuts it down again: logs are resized and temporary
   * tablespaces laid out here, once, and not in every clone.
   */
  async #settle(database: string): Promise<void> {
    this.#enter('settling');
    const password = createHash('sha256').update(crypto.randomUUID()).digest('hex');
    const { engine, servers, config } = this.#deps;
    const account = { username: config.dbUsername, password };
    const { containerId } = await servers.start(
      this.#serving(this.#home, account),
      () => Promise.resolve(),
      (socketPath, signal) => engine.loginAndShutDown(socketPath, account, database, signal),
      this.#signal,
    );
    await this.#awaitCleanShutdown(containerId);
  }

  /** Proves, on a snapshot, that a clone comes up without crash recovery and answers. */
  async #tryClone(database: string): Promise<void> {
    this.#enter('trial clone');
    const { docker, engine, servers, config } = this.#deps;
    const home = `${this.#home}/trial`;
    const account = {
      username: config.dbUsername,
      password: createHash('sha256').update(crypto.randomUUID()).digest('hex'),
    };
    await mkdir(home);
    const { containerId } = await servers.start(
      this.#serving(home, account),
      () => snapshot(`${this.#home}/datadir`, `${home}/datadir`),
      (socketPath, signal) => engine.login(socketPath, account, database, signal),
      this.#signal,
    );
    const recovery = engine.findRecovery(await docker.logs(containerId, 200));
    if (recovery !== undefined) {
      throw errors.serverFailed(
        'A clone of the new version needs crash recovery, so it is not published.',
        recovery,
      );
    }
    await this.dismantle();
  }

  #serving(home: string, account: { username: string; password: string }): ServerSpec {
    const { engine, config } = this.#deps;
    return {
      role: 'import',
      id: this.#id,
      home,
      image: this.#deps.image(),
      engine,
      command: engine.serveCommand({ memoryBytes: config.memoryLimitBytes }),
      account,
      memoryBytes: config.memoryLimitBytes,
    };
  }
}

/** Bytes of all files in a directory, by `du`. */
async function directorySize(path: string): Promise<number> {
  const { stdout } = await execa('du', ['--summarize', '--block-size=1', '--', path], { timeout: oneHourMs });
  return Number(stdout.split('\t')[0]);
}
