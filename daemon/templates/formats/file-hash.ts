/**
 * The hash of a file that is read at the same time, by a thread of its own: else hashing would be half of the work of who
 * reads it. What it reads is in the kernel's page cache, where the other reader has put it or will want it.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

/** In the bundle this file is in a chunk, and the threads' programs are above those. */
const program = new URL(
  import.meta.url.endsWith('.ts') ? './hash-worker.ts' : '../hash-worker.js',
  import.meta.url,
);
/** It needs next to nothing; every thread of Node takes what it may. */
const resourceLimits = { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 2 };

export class FileHash implements Disposable {
  readonly #worker: Worker;
  readonly #sha256: Promise<string>;

  constructor(path: string) {
    this.#worker = new Worker(program, { workerData: path, resourceLimits });
    this.#sha256 = once(this.#worker, 'message').then(([sha256]) => String(sha256));
    // Heard by who asks.
    this.#sha256.catch(() => undefined);
  }

  /** In hexadecimal, of the whole file. Throws when it can't be read. */
  get sha256(): Promise<string> {
    return this.#sha256;
  }

  /** Ends the thread, also in the middle of its work, which nobody may wait for then. */
  [Symbol.dispose](): void {
    void this.#worker.terminate();
  }
}
