/** Reads a dump once, front to back, from whatever compression: never unpacked to disk, never held in memory. */
import { Transform, type Readable, type TransformCallback } from 'node:stream';
import type { TextFilter } from '../../engines/dump-support.ts';
import { errors } from '../../errors/errors.ts';
import {
  blankSandboxLine,
  GtidBlanker,
  preambleBytes,
  setsGtids,
  whyIncomplete,
  whyNoDump,
} from './preamble.ts';
import type { Places } from '../parts/places.ts';
import { isPacked, readInPlace, unpack, type DumpFile } from './unpack.ts';

/** The last lines of every tool fit in, and what somebody has added behind them. */
const tailBytes = 65_536;

export interface DumpReading<Text = Readable> {
  /** The SQL text. Errors of reading and unpacking end it, as `MYAAS_DUMP_BAD` where the file is to blame. */
  readonly text: Text;
  /** Where in the file a byte of the text is; to be asked front to back. Undefined when the file is packed. */
  readonly originOf?: ((offset: number) => number) | undefined;
  /** What was read, once `text` has ended. Throws `MYAAS_DUMP_BAD` when the dump is not complete. */
  summarize(): { readonly sha256: string };
}

/** `onRead` is told how many bytes of the file were read so far, at each chunk. As for `leftOut`, see `unpack`. */
export async function readDump(
  dump: DumpFile,
  signal: AbortSignal,
  onRead: (doneBytes: number) => void,
  filter?: TextFilter,
  leftOut?: Places,
): Promise<DumpReading> {
  filter ??= new TextEnds(dump.file, leftOut !== undefined);
  const { content, sha256 } = await unpack(dump, signal, onRead, filter, leftOut);
  return { text: content, summarize: () => summaryOf(dump, filter, sha256) };
}

/**
 * The same for those who are done with a buffer when they ask for the next: what can be, is read into one buffer, over and
 * over. Garbage of this size would cost as much as the reading.
 */
export async function readDumpInPlace(
  dump: DumpFile,
  signal: AbortSignal,
  onRead: (doneBytes: number) => void,
  leftOut?: Places,
): Promise<DumpReading<AsyncIterable<Buffer>>> {
  if (await isPacked(dump)) return readDump(dump, signal, onRead, undefined, leftOut);
  const ends = new TextEnds(dump.file, leftOut !== undefined);
  const { content, sha256 } = readInPlace(dump, signal, onRead, leftOut);
  return {
    text: ends.passAll(content),
    originOf: leftOut?.origins() ?? ((offset) => offset),
    summarize: () => summaryOf(dump, ends, sha256),
  };
}

function summaryOf(dump: DumpFile, filter: TextFilter, sha256: () => string): { readonly sha256: string } {
  const why = filter.whyIncomplete();
  if (why !== undefined)
    throw errors.dumpBad(dump.file, why, 'Make the dump anew; the template stays as it was.');
  return { sha256: sha256() };
}

/** Passes text on, made loadable, and remembers how it began and ended. Refuses at once what is no SQL. */
export class TextEnds extends Transform implements TextFilter {
  head = '';
  readonly #tail = new Tail();
  readonly #file: string;
  readonly #isPart: boolean;
  #preamble: Buffer[] | undefined = [];
  #preambleLength = 0;
  #gtids: GtidBlanker | undefined;

  /** `isPart`: of a text that was read as a whole before. */
  constructor(file: string, isPart = false) {
    super({ highWaterMark: 2 ** 20 });
    this.#file = file;
    this.#isPart = isPart;
  }

  whyIncomplete(): string | undefined {
    return whyIncomplete(this.head, this.#tail.latin1);
  }

  async *passAll(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of chunks) {
      const passed = this.#pass(chunk);
      if (passed) yield passed;
    }
    yield* this.#passRest();
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback) {
    try {
      done(null, this.#pass(chunk));
    } catch (error) {
      done(error as Error);
    }
  }

  override _flush(done: TransformCallback) {
    try {
      for (const rest of this.#passRest()) this.push(rest);
      done();
    } catch (error) {
      done(error as Error);
    }
  }

  /** Keeps nothing of `chunk`. */
  #pass(chunk: Buffer): Buffer | undefined {
    this.#tail.push(chunk);
    if (this.#preamble === undefined) return this.#gtids?.push(chunk) ?? chunk;
    this.#preamble.push(Buffer.from(chunk));
    this.#preambleLength += chunk.length;
    return this.#preambleLength < preambleBytes ? undefined : this.#passPreamble(this.#preamble);
  }

  #passRest(): Buffer[] {
    const preamble = this.#preamble && this.#passPreamble(this.#preamble);
    return [preamble, this.#gtids?.end()].filter((rest) => rest !== undefined);
  }

  #passPreamble(chunks: readonly Buffer[]): Buffer {
    const start = Buffer.concat(chunks);
    this.#preamble = undefined;
    this.head = start.toString('latin1', 0, preambleBytes);
    const why = this.#isPart ? undefined : whyNoDump(this.head);
    if (why !== undefined) throw errors.dumpBad(this.#file, why);
    blankSandboxLine(start);
    if (setsGtids(this.head)) this.#gtids = new GtidBlanker();
    return this.#gtids?.push(start) ?? start;
  }
}

/** What a text ends with, as far as it was seen. */
class Tail {
  readonly #buffer = Buffer.allocUnsafe(tailBytes);
  #length = 0;

  push(chunk: Buffer): void {
    const last = chunk.subarray(-tailBytes);
    const kept = Math.min(this.#length, tailBytes - last.length);
    this.#buffer.copyWithin(0, this.#length - kept, this.#length);
    last.copy(this.#buffer, kept);
    this.#length = kept + last.length;
  }

  get latin1(): string {
    return this.#buffer.toString('latin1', 0, this.#length);
  }
}
