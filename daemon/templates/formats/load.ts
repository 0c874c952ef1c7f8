/** The loading of a dump into the server of an import. */
import type { AdminSession } from '../../engines/engine.ts';
import { loadAgain } from '../bulk/again.ts';
import { Lanes } from '../bulk/lanes.ts';
import { BulkStream } from '../bulk/stream.ts';
import { Tally } from '../bulk/tally.ts';
import { loadFailed, runClient, type ClientOutcome } from '../client.ts';
import { readMeter } from '../meter.ts';
import { keyOf, PartReader } from '../parts/part-reader.ts';
import type { ImportRun } from '../run.ts';

export interface Loaded {
  /** Of the dump, packed as it is. */
  readonly sha256: string;
}

export class DumpLoader {
  readonly #run: ImportRun;
  readonly #admin: AdminSession;

  constructor(run: ImportRun, admin: AdminSession) {
    this.#run = run;
    this.#admin = admin;
  }

  /** Loads the dump into `wanted`, a database that is there and empty. Throws `MYAAS_DUMP_BAD` where the dump is to blame. */
  async load(wanted: string): Promise<Loaded> {
    this.#run.enter('loading');
    const sha256 = await this.#loadDump(wanted);
    return { sha256 };
  }

  async #loadDump(wanted: string): Promise<string> {
    const { dump } = this.#run;
    const meter = readMeter(this.#run);
    const first = await this.#runDump(wanted, meter);
    if (!first.failure) return first.sha256;
    if (!first.failure.databaseExists || !(await this.#isUntouched()))
      throw loadFailed(dump.file, first.failure);
    // A script that says CREATE DATABASE, and means the name we gave: it wants to begin on a server without it.
    await this.#admin.dropDatabase(wanted);
    const second = await this.#runDump(undefined, meter);
    if (second.failure) throw loadFailed(dump.file, second.failure);
    return second.sha256;
  }

  /** By the plain client, and its large tables beside it, where the engine can do that. */
  async #runDump(database: string | undefined, meter: ReturnType<typeof readMeter>): Promise<ClientOutcome> {
    const { deps, dump, engine, home, bulk, update } = this.#run;
    const loading = bulk ? engine.bulk : undefined;
    if (!loading) return runClient(this.#run, dump, database, meter, undefined, this.#admin);
    let readBytes = 0;
    // What is read and not loaded yet is not done.
    const tell = () => {
      const share = stream.scannedBytes === 0 ? 1 : 1 - tally.backlogBytes / stream.scannedBytes;
      meter(Math.floor(readBytes * share), tally.progress);
    };
    const tally = new Tally(() => tell());
    await using lanes = await Lanes.open(this.#run, loading, tally, loadAgain(this.#run, loading));
    const parts = new PartReader(deps.config.dbDatabase ?? dump.template, engine.systemDatabases, {
      tails: new Set(update?.tails.map(keyOf)),
    });
    const stream = new BulkStream({ loading, lanes, directory: `${home}/tmp`, path: dump.path, parts });
    const onRead = (doneBytes: number) => {
      readBytes = doneBytes;
      tell();
    };
    const outcome = await runClient(this.#run, dump, database, onRead, stream, this.#admin);
    this.#run.loaded = {
      ...tally.summary,
      ...(update && { kept: update.changes.keep.length, partial: update.tails.length }),
    };
    this.#run.found = parts.finish();
    return outcome;
  }

  async #isUntouched(): Promise<boolean> {
    const { databases, objectCount } = await this.#admin.contents();
    return databases.length === 1 && objectCount === 0;
  }
}
