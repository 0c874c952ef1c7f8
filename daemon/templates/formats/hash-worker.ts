/** The thread of a `FileHash`: hashes the file that it is given, and posts what comes out. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { parentPort, workerData } from 'node:worker_threads';

const hash = createHash('sha256');
await pipeline(createReadStream(workerData as string, { highWaterMark: 2 ** 18 }), hash);
parentPort?.postMessage(hash.digest('hex'));
