/** The thread of a `FileHash`: hashes the file that it is given, and posts what comes out. */
import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';

const hash = createHash('sha256');
const block = Buffer.allocUnsafe(2 ** 18);
const file = openSync(workerData as string, 'r');
for (let bytesRead; (bytesRead = readSync(file, block)) > 0;) hash.update(block.subarray(0, bytesRead));
closeSync(file);
parentPort?.postMessage(hash.digest('hex'));
