/**
 * The hash of a file that is read at the same time, by a thread of its own: else hashing would be half of the work of who
 * reads it. What it reads is in the kernel's page cache, where the other reader has put it or will want it.
 */
import { Worker } from 'node:worker_threads';

/** In the bundle this file is in a chunk, and the threads' programs are above those. */
const program = new URL(
  import.meta.url.endsWith('.ts') ? './hash-worker.ts' : '../hash-worker.js',
  import.meta.url,
);
/** It needs next to nothing; every thread of Node takes what it may. */
const resourceLimits = { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 2 };

export class FileHash implements AsyncDisposable {
  readonly #worker: Worker;
  /** In hexadecimal, of the whole file. Rejects when it can't be read, or nobody wants it any more. */
  readonly sha256: Promise<string>;

  constructor(path: string) {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    this.sha256 = promise;
    // Heard by who asks.
    promise.catch(() => undefined);
    this.#worker = new Worker(program, { workerData: path, resourceLimits });
    this.#worker.once('message', resolve);
    this.#worker.once('error', reject);
    this.#worker.once('exit', () => reject(new Error(`The thread that hashes ${path} ended.`)));
  }

  /** Ends the thread, also in the middle of its work. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker.terminate();
  }
}
