/** The loading of a dump into the server of an import. */
import type { AdminSession } from '../../engines/engine.ts';
import { loadFailed, runClient } from '../client.ts';
import { readMeter } from '../meter.ts';
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
    const first = await runClient(this.#run, dump, wanted, meter);
    if (!first.failure) return first.sha256;
    if (!first.failure.databaseExists || !(await this.#isUntouched()))
      throw loadFailed(dump.file, first.failure);
    // A script that says CREATE DATABASE, and means the name we gave: it wants to begin on a server without it.
    await this.#admin.dropDatabase(wanted);
    const second = await runClient(this.#run, dump, undefined, meter);
    if (second.failure) throw loadFailed(dump.file, second.failure);
    return second.sha256;
  }

  async #isUntouched(): Promise<boolean> {
    const { databases, objectCount } = await this.#admin.contents();
    return databases.length === 1 && objectCount === 0;
  }
}
