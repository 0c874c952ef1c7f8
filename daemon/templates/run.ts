/** One import: what its steps share. */
import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import type { Config, Paths } from '../config.ts';
import type { Progress } from '../contract.ts';
import { deleteSubvolume } from '../drivers/btrfs.ts';
import type { Docker } from '../drivers/docker.ts';
import type { Registry } from '../drivers/registry.ts';
import type { Account, Engine } from '../engines/engine.ts';
import { errors } from '../errors.ts';
import type { ServerSpec, Servers } from '../instances/server.ts';
import type { Catalogue } from './catalogue.ts';
import type { Dump } from './dumps.ts';

export interface ImporterDeps {
  readonly config: Config;
  readonly paths: Paths;
  readonly docker: Docker;
  readonly servers: Servers;
  readonly catalogue: Catalogue;
  readonly engine: Engine;
  /** Where the secret of masks is. */
  readonly registry: Pick<Registry, 'secret'>;
  readonly image: () => string;
}

/** What differs in the phases of an import is one word for people. */
export type OnProgress = (progress: Progress) => void;

/** Its containers carry `id`, so that they can be found again by whoever comes after a crash. */
export class ImportRun {
  readonly deps: ImporterDeps;
  readonly dump: Dump;
  readonly version: string;
  readonly signal: AbortSignal;
  /** Label of its containers and name of its run directory. */
  readonly id: string;
  /** The new version's directory. */
  readonly home: string;
  readonly #onProgress: OnProgress;
  #progress: Progress;

  constructor(deps: ImporterDeps, dump: Dump, version: string, signal: AbortSignal, onProgress: OnProgress) {
    this.deps = deps;
    this.dump = dump;
    this.version = version;
    this.signal = signal;
    this.id = `import-${createHash('sha256').update(`${dump.template}/${version}`).digest('hex').slice(0, 12)}`;
    this.home = deps.paths.version(dump.template, version);
    this.#onProgress = onProgress;
    this.#progress = { phase: 'starting', doneBytes: 0, totalBytes: dump.sizeBytes, secondsLeft: null };
  }

  get datadir(): string {
    return `${this.home}/datadir`;
  }

  /** Begins the next phase. Throws when the import was cancelled. */
  enter(phase: string): void {
    this.signal.throwIfAborted();
    this.#progress = { ...this.#progress, phase, secondsLeft: null };
    this.#onProgress(this.#progress);
  }

  /** Tells how much of the dump was read. */
  report(doneBytes: number, secondsLeft: number | null): void {
    this.#progress = { ...this.#progress, doneBytes, secondsLeft };
    this.#onProgress(this.#progress);
  }

  /** Until it is disposed of, an abort kills the container. */
  killOnAbort(containerId: string): Disposable {
    const kill = () => void this.deps.docker.remove(containerId).catch(() => undefined); // `dismantle` tries again, and tells.
    this.signal.addEventListener('abort', kill, { once: true });
    return { [Symbol.dispose]: () => this.signal.removeEventListener('abort', kill) };
  }

  /** Starts a container and waits for its exit code; an abort kills it. */
  async runToEnd(containerId: string): Promise<number> {
    using _ = this.killOnAbort(containerId);
    await this.deps.docker.start(containerId);
    const exitCode = await this.deps.docker.wait(containerId);
    this.signal.throwIfAborted();
    return exitCode;
  }

  /** A server as instances have it, over the data directory in `home`. */
  serving(home: string, account: Account): ServerSpec {
    return {
      ...this.server(this.deps.engine.serveCommand({ memoryBytes: this.deps.config.memoryLimitBytes })),
      home,
      account,
    };
  }

  /** A server over the new version's own data directory. */
  server(command: readonly string[]): ServerSpec {
    const { engine, config, image } = this.deps;
    return {
      role: 'import',
      id: this.id,
      home: this.home,
      image: image(),
      engine,
      command,
      memoryBytes: config.memoryLimitBytes,
    };
  }

  /** Waits for the end of a server that was asked to shut down. Throws `MYAAS_SERVER_FAILED` unless its log proves it clean. */
  async awaitCleanShutdown(containerId: string): Promise<void> {
    const { docker, engine, servers } = this.deps;
    using _ = this.killOnAbort(containerId);
    const exitCode = await docker.wait(containerId);
    this.signal.throwIfAborted();
    const log = await docker.logs(containerId, 200);
    if (exitCode !== 0 || !engine.provesCleanShutdown(log)) {
      throw errors.serverFailed(
        `The server did not shut down cleanly after the import (exit code ${String(exitCode)}).`,
        await servers.lastWords(containerId),
      );
    }
    await servers.dismantle(this.id);
  }

  /** Removes everything but the version's directory. */
  async dismantle(): Promise<void> {
    await this.deps.servers.dismantle(this.id);
    await deleteSubvolume(`${this.home}/trial/datadir`);
    await rm(`${this.home}/trial`, { recursive: true, force: true });
  }
}
