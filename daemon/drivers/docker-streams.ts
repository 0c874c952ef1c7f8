/** Docker's streams: what a program is fed, and what it says. */
import { once } from 'node:events';
import { PassThrough, type Duplex, type Readable } from 'node:stream';

/** Told what a program prints, and that it has left. */
export interface Heard {
  readonly onOutput?: (chunk: Buffer) => void;
  readonly onExit?: () => void;
}

/** What is asked of the container that `converse` talks with. */
interface Partner {
  /** Takes its two streams apart. */
  readonly split: (out: PassThrough, err: PassThrough) => void;
  readonly start: () => Promise<void>;
  /** The exit code, once it has been started and has stopped. */
  readonly exited: () => Promise<number>;
}

/** See `Docker.feed`; `stream` is what the container's program reads and writes. */
export async function converse(
  input: Readable,
  stream: Duplex,
  heard: Heard,
  { split, start, exited: askForExit }: Partner,
): Promise<{ exitCode: number; stderr: string }> {
  try {
    const stderr = new Tail(16_384);
    const [out, err] = [new PassThrough(), new PassThrough()];
    out.on('data', (chunk: Buffer) => heard.onOutput?.(chunk));
    err.on('data', (chunk: Buffer) => stderr.push(chunk));
    split(out, err);
    const outputEnded = new Promise<void>((resolve) => {
      for (const event of ['end', 'close', 'error']) stream.once(event, () => resolve());
    });
    // A broken pipe says nothing that the exit code does not say better.
    stream.on('error', () => undefined);
    const exited = askForExit();
    // Heard below; without this a failing `start` would leave a rejection unheard.
    exited.then(
      () => heard.onExit?.(),
      () => heard.onExit?.(),
    );
    await start();
    await pour(input, stream, exited);
    const exitCode = await exited;
    await outputEnded;
    return { exitCode, stderr: stderr.toString() };
  } finally {
    input.destroy();
    stream.destroy();
  }
}

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
