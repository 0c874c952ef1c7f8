/** Docker's streams: what a program is fed, and what it says. */
import { once } from 'node:events';
import type { Duplex, Readable } from 'node:stream';

/** Writes `input` to the program at the other end of `sink`, which tells by `exited` that it has left, and how. */
export async function pour(input: Readable, sink: Duplex, exited: Promise<number>): Promise<void> {
  let exitCode: number | undefined;
  const left = exited.then((code) => {
    exitCode = code;
  });
  left.catch(() => undefined);
  try {
    for await (const chunk of input) {
      if (exitCode === undefined && !sink.destroyed && !sink.write(chunk)) {
        await Promise.race([once(sink, 'drain').catch(() => undefined), left]);
      }
      if (exitCode !== undefined && exitCode !== 0) return;
    }
  } finally {
    // A broken input, too, must end the program, not leave it waiting for more.
    sink.end();
  }
}

/** The last bytes of a stream. */
export class Tail {
  #chunks: Buffer = Buffer.alloc(0);
  readonly #limitBytes: number;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  push(chunk: Buffer): void {
    this.#chunks = Buffer.concat([this.#chunks, chunk]).subarray(-this.#limitBytes);
  }

  toString(): string {
    return this.#chunks.toString('utf8');
  }
}

/** Takes Docker's frames apart: 8 bytes of header, of which the last 4 are the length, then the text. */
export function demultiplex(log: Buffer): string {
  const parts: Buffer[] = [];
  for (let offset = 0; offset + 8 <= log.length;) {
    const length = log.readUInt32BE(offset + 4);
    parts.push(log.subarray(offset + 8, offset + 8 + length));
    offset += 8 + length;
  }
  return Buffer.concat(parts).toString('utf8');
}
