import { open, type FileHandle } from 'node:fs/promises';
import { messageOf } from '../errors/error.ts';
import { errors } from '../errors/errors.ts';

/**
 * Brings SQLite's write-ahead log to the disk when it is asked for, one `fdatasync` for all who ask meanwhile. SQLite
 * itself would do it within each commit, and let the whole process wait: mostly under a millisecond, now and then twenty.
 * (`synchronous = normal` keeps the database consistent in any case; https://sqlite.org/wal.html, "durable".)
 */
export class WriteAheadLog {
  readonly #path: string;
  readonly #changes: () => number;
  #file: Promise<FileHandle> | undefined;
  /** How many changes are on the disk for sure. */
  #flushed = -1;
  #flushing: Promise<void> | undefined;

  /** `changes` counts what was written to the database so far. */
  constructor(databaseFile: string, changes: () => number) {
    this.#path = `${databaseFile}-wal`;
    this.#changes = changes;
  }

  /** Returns when all that is written now is on the disk. Throws `MYAAS_DISK_FAILED`. */
  async flush(): Promise<void> {
    const wanted = this.#changes();
    while (this.#flushed < wanted) {
      this.#flushing ??= this.#flush().finally(() => {
        this.#flushing = undefined;
      });
      await this.#flushing;
    }
  }

  async #flush(): Promise<void> {
    const upTo = this.#changes();
    // It is there as long as the database is open.
    this.#file ??= open(this.#path, 'r');
    try {
      await (await this.#file).datasync();
    } catch (error) {
      throw errors.diskFailed(messageOf(error), error);
    }
    this.#flushed = upTo;
  }

  async close(): Promise<void> {
    await this.#flushing?.catch(() => undefined);
    await (await this.#file)?.close();
  }
}
