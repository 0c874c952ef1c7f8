/** One import: what its steps share. */
import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import type { Config } from '../config.ts';
import type { Paths } from '../paths.ts';
import type { LoadSummary, Progress, TablesProgress } from '../contract/templates.ts';
import { deleteSubvolume } from '../drivers/btrfs.ts';
import type { Docker } from '../drivers/docker.ts';
import type { Registry } from '../drivers/registry.ts';
import type { Account, Engine, ServerFacts } from '../engines/engine.ts';
import { engineOf } from '../engines/engines.ts';
import type { Images, ServerImage } from '../host/images.ts';
import type { ServerSpec, Servers } from '../instances/server.ts';
import { removeOnAbort, shutDownCleanly } from '../instances/shutdown.ts';
import type { Log } from '../log.ts';
import type { Catalogue } from './catalogue.ts';
import type { Dump } from './dumps.ts';
import type { Found } from './parts/part-reader.ts';
import type { Update } from './parts/plan.ts';
import type { Seeds } from './seeds.ts';

export interface ImporterDeps {
  readonly config: Config;
  readonly paths: Paths;
  readonly docker: Docker;
  readonly servers: Servers;
  readonly catalogue: Catalogue;
  readonly images: Images;
  readonly seeds: Seeds;
  /** Where the secret of masks is. */
  readonly registry: Pick<Registry, 'secret'>;
  readonly log: Log;
}

/** What differs in the phases of an import is one word for people. */
export type OnProgress = (progress: Progress) => void;

/** What an import is of. */
export interface ImportOrder {
  readonly dump: Dump;
  readonly version: string;
  readonly image: ServerImage;
  readonly signal: AbortSignal;
  readonly onProgress: OnProgress;
  /** Rows may be loaded beside the plain client. */
  readonly bulk: boolean;
  /** What makes it of the version before, and not of nothing. */
  readonly update?: Update | undefined;
  /** How much SQL is to be loaded, roughly. */
  readonly loadBytes: number;
}

/** Its containers carry `id`, so that they can be found again by whoever comes after a crash. */
export class ImportRun {
  readonly deps: ImporterDeps;
  readonly dump: Dump;
  readonly version: string;
  /** What its server is, and the image that it runs in. */
  readonly engine: Engine;
  readonly image: ServerImage;
  readonly facts: ServerFacts;
  readonly signal: AbortSignal;
  /** Label of its containers and name of its run directory. */
  readonly id: string;
  /** The new version's directory. */
  readonly home: string;
  /** Rows may be loaded beside the plain client. */
  readonly bulk: boolean;
  /** What makes it of the version before, and not of nothing. */
  readonly update: Update | undefined;
  /** The parts of what was loaded, once it is, where they can be told apart. */
  found: Found | undefined;
  /** How the large tables were loaded, once they are. */
  loaded: LoadSummary | undefined;
  readonly #onProgress: OnProgress;
  #progress: Progress;

  constructor(deps: ImporterDeps, order: ImportOrder) {
    const { dump, version, image, signal, onProgress, bulk, update, loadBytes } = order;
    this.deps = deps;
    this.dump = dump;
    this.version = version;
    this.engine = engineOf(image.engine);
    this.image = image;
    this.signal = signal;
    this.id = `import-${createHash('sha256').update(`${dump.template}/${version}`).digest('hex').slice(0, 12)}`;
    this.home = deps.paths.version(dump.template, version);
    this.bulk = bulk;
    this.update = update;
    this.facts = {
      memoryBytes: deps.config.memoryLimitBytes,
      series: image.series,
      // What a mask is to hide stands in the server's log, too, which other settings than those of serving have made anew.
      loadBytes: dump.companions.mask ? undefined : loadBytes,
    };
    this.#onProgress = onProgress;
    this.#progress = { phase: 'starting', doneBytes: 0, totalBytes: dump.sizeBytes, secondsLeft: null };
  }

  get datadir(): string {
    return `${this.home}/datadir`;
  }

  /** Begins the next phase. Throws when the import was cancelled. */
  enter(phase: string): void {
    this.signal.throwIfAborted();
    const { doneBytes, totalBytes } = this.#progress;
    this.#progress = { phase, doneBytes, totalBytes, secondsLeft: null };
    this.#onProgress(this.#progress);
  }

  /** Tells how much of the dump is loaded. */
  report(doneBytes: number, secondsLeft: number | null, tables?: TablesProgress): void {
    this.#progress = { ...this.#progress, doneBytes, secondsLeft, ...(tables && { tables }) };
    this.#onProgress(this.#progress);
  }

  /** Until it is disposed of, an abort kills the container. */
  killOnAbort(containerId: string): Disposable {
    return removeOnAbort(this.deps.docker, containerId, this.signal);
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
      ...this.server(this.engine.serveCommand(this.facts)),
      home,
      account,
    };
  }

  /** A server over the new version's own data directory. */
  server(command: readonly string[]): ServerSpec {
    return {
      role: 'import',
      id: this.id,
      home: this.home,
      image: this.image.reference,
      engine: this.engine,
      command,
      memoryBytes: this.deps.config.memoryLimitBytes,
    };
  }

  /** Shuts a server down and waits for its end. Throws `MYAAS_SERVER_FAILED` unless its log proves it clean. */
  async shutDown(containerId: string): Promise<void> {
    const { id, engine } = this;
    await shutDownCleanly(this.deps, { id, containerId, engine }, 'the import', this.signal);
  }

  /** Removes everything but the version's directory. */
  async dismantle(): Promise<void> {
    await this.deps.servers.dismantle(this.id);
    await deleteSubvolume(`${this.home}/trial/datadir`);
    await rm(`${this.home}/trial`, { recursive: true, force: true });
  }
}
