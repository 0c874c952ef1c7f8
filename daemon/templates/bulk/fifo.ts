/** A FIFO that a server reads as a file. */
import { once } from 'node:events';
import { constants, open } from 'node:fs';
import { rm } from 'node:fs/promises';
import { Socket } from 'node:net';
import { promisify } from 'node:util';
import { runProgram } from '../../drivers/program.ts';

/** More than a pipe holds (pipe(7)): when it is written, somebody reads. LOAD DATA skips what comes before a row. */
const padding = Buffer.alloc(2 ** 17, '\n');

export async function makeFifo(path: string): Promise<void> {
  await rm(path, { force: true });
  await runProgram('mkfifo', ['--mode=644', '--', path], { remedy: 'Is the disk full?' });
}

/**
 * Writes to a FIFO that a server is about to open, and tells it the end, also when `chunks` throw, which is thrown on.
 * When `reader` settles first, nobody reads any more, and writing ends. A line break or many come first: little text,
 * and its end, would be over before the server has opened the FIFO, and it would wait for ever.
 */
export async function writeFifo(
  path: string,
  chunks: AsyncIterable<readonly Buffer[]>,
  reader: Promise<unknown>,
): Promise<void> {
  // Opened for both, it waits for nobody; as a socket it is polled, so that a stalled server blocks no thread of ours.
  const fd = await promisify(open)(path, constants.O_RDWR | constants.O_NONBLOCK);
  const socket = new Socket({ fd, readable: false, writable: true });
  const failed = once(socket, 'error').then(([error]) => Promise.reject(error as Error));
  failed.catch(() => undefined);
  const over = reader.then(
    () => true,
    () => true,
  );
  const write = (some: readonly Buffer[]): Promise<boolean> => {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    socket.cork();
    some.forEach((chunk, index) =>
      socket.write(chunk, index === some.length - 1 ? () => resolve(false) : undefined),
    );
    socket.uncork();
    return Promise.race([promise, over, failed]);
  };
  try {
    if (await write([padding])) return;
    for await (const some of chunks) if (some.length > 0 && (await write(some))) return;
  } finally {
    socket.destroy();
  }
}
