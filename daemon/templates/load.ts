/** The loading of a dump into the server of an import: the dump itself, its hook, and what came of it. */
import { stat } from 'node:fs/promises';
import { inContainer, type AdminSession, type LoadFailure } from '../engines/engine.ts';
import { errors, type MyaasError } from '../errors.ts';
import type { Dump } from './dumps.ts';
import type { ImporterDeps } from './import.ts';
import { readDump } from './reader.ts';

/** The import that the loading is a part of. */
export interface LoadContext {
  readonly deps: ImporterDeps;
  readonly dump: Dump;
  /** Label of its containers and name of its run directory. */
  readonly id: string;
  readonly signal: AbortSignal;
  readonly enter: (phase: string) => void;
  readonly report: (doneBytes: number, secondsLeft: number | null) => void;
  readonly killOnAbort: (containerId: string) => Disposable;
}

export interface Loaded {
  readonly engineVersion: string;
  /** Of the dump, packed as it is. */
  readonly sha256: string;
  readonly hookSha256: string | null;
  /** The database that clients are given. */
  readonly database: string;
  readonly databases: string[];
}

export class DumpLoader {
  readonly #run: LoadContext;
  readonly #admin: AdminSession;

  constructor(run: LoadContext, admin: AdminSession) {
    this.#run = run;
    this.#admin = admin;
  }

  /** Throws `MYAAS_DUMP_BAD` where dump or hook are to blame. */
  async load(): Promise<Loaded> {
    const wanted = this.#run.deps.config.dbDatabase ?? this.#run.dump.template;
    await this.#admin.createDatabase(wanted);
    const engineVersion = await this.#admin.version();
    const sha256 = await this.#loadDump(wanted);
    await this.#checkUntouched();
    const hookSha256 = await this.#runHook(wanted);
    return { engineVersion, sha256, hookSha256, ...(await this.#chooseDatabase(wanted)) };
  }

  async #loadDump(wanted: string): Promise<string> {
    this.#run.enter('loading');
    const meter = this.#meter();
    const first = await this.#feed(this.#run.dump, wanted, meter);
    if (!first.failure) return first.sha256;
    if (!first.failure.databaseExists || !(await this.#isUntouched()))
      throw loadFailed(this.#run.dump.file, first.failure);
    // A script that says CREATE DATABASE, and means the name we gave: it wants to begin on a server without it.
    await this.#admin.dropDatabase(wanted);
    const second = await this.#feed(this.#run.dump, undefined, meter);
    if (second.failure) throw loadFailed(this.#run.dump.file, second.failure);
    return second.sha256;
  }

  async #isUntouched(): Promise<boolean> {
    const { databases, objectCount } = await this.#admin.contents();
    return databases.length === 1 && objectCount === 0;
  }

  /** The hash of the hook that ran, null when there is none. */
  async #runHook(wanted: string): Promise<string | null> {
    const { hookPath, template } = this.#run.dump;
    if (hookPath === undefined) return null;
    this.#run.enter('hook');
    const file = `${template}.after-import.sql`;
    const { database } = await this.#chooseDatabase(wanted);
    const outcome = await this.#feed({ ...this.#run.dump, file, path: hookPath }, database, () => undefined);
    if (outcome.failure) throw loadFailed(file, outcome.failure);
    return outcome.sha256;
  }

  /** The database that clients are given: the one we made, unless the dump made its own and left ours empty. */
  async #chooseDatabase(wanted: string): Promise<{ database: string; databases: string[] }> {
    const { databases, objectCount } = await this.#admin.contents();
    if (objectCount === 0) {
      throw errors.dumpBad(
        this.#run.dump.file,
        'it created no table, view or routine.',
        'Is it a dump at all, and whole?',
      );
    }
    const others = databases.filter((name) => name !== wanted);
    const [first] = others;
    if (first === undefined) return { database: wanted, databases: [wanted] };
    // A dump may drop the database it then makes; ours goes only when it is there for nothing.
    if (databases.includes(wanted) && !(await this.#admin.isEmpty(wanted)))
      return { database: wanted, databases: [...databases] };
    if (databases.includes(wanted)) await this.#admin.dropDatabase(wanted);
    const alike = others.find((name) => name.toLowerCase() === wanted.toLowerCase());
    return { database: alike ?? first, databases: others };
  }

  /**
   * Runs SQL through the plain client in a container of its own, which reaches the server's socket and nothing else.
   * Throws `MYAAS_DUMP_BAD` when the file is not whole.
   */
  async #feed(
    dump: Dump,
    database: string | undefined,
    onRead: (doneBytes: number) => void,
  ): Promise<{ sha256: string; failure?: never } | { failure: LoadFailure }> {
    const { docker, engine, paths, servers } = this.#run.deps;
    const containerId = await docker.create({
      role: 'client',
      id: this.#run.id,
      image: this.#run.deps.image(),
      command: engine.loadCommand(database),
      user: servers.owner,
      mounts: [{ source: paths.run(this.#run.id), target: inContainer.run }],
      memoryBytes: this.#run.deps.config.memoryLimitBytes,
      stdin: true,
    });
    using _ = this.#run.killOnAbort(containerId);
    const reading = await readDump(dump, this.#run.signal, onRead);
    const { exitCode, stderr } = await docker.feed(containerId, reading.text);
    this.#run.signal.throwIfAborted();
    await docker.remove(containerId);
    if (exitCode !== 0) return { failure: engine.parseLoadError(stderr, exitCode) };
    return { sha256: reading.summarize().sha256 };
  }

  /** Counts the bytes read and estimates the time left, at most four times a second. */
  #meter(): (doneBytes: number) => void {
    const startedMs = performance.now();
    let toldMs = 0;
    return (doneBytes) => {
      const nowMs = performance.now();
      if (nowMs - toldMs < 250 && doneBytes < this.#run.dump.sizeBytes) return;
      toldMs = nowMs;
      const elapsedMs = nowMs - startedMs;
      const leftMs = (elapsedMs / doneBytes) * (this.#run.dump.sizeBytes - doneBytes);
      this.#run.report(doneBytes, elapsedMs < 1000 ? null : Math.round(leftMs / 1000));
    };
  }

  async #checkUntouched(): Promise<void> {
    const { size, mtimeMs } = await stat(this.#run.dump.path);
    if (size !== this.#run.dump.sizeBytes || mtimeMs !== this.#run.dump.modifiedMs) {
      throw errors.dumpBad(
        this.#run.dump.file,
        'it was changed while it was read.',
        'Write dumps under another name and rename them when they are whole.',
      );
    }
  }
}

function loadFailed(file: string, { line, statement, message }: LoadFailure): MyaasError {
  const where = line === undefined ? '' : `line ${String(line)}: `;
  const what = statement === undefined ? '' : `\nThe statement: ${statement}`;
  return errors.dumpBad(file, `${where}${message}${what}`);
}
