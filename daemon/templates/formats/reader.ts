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
import { unpack, type DumpFile } from './unpack.ts';

/** The last lines of every tool fit in, and what somebody has added behind them. */
const tailBytes = 65_536;

export interface DumpReading {
  /** The SQL text. Errors of reading and unpacking end it, as `MYAAS_DUMP_BAD` where the file is to blame. */
  readonly text: Readable;
  /** Else every byte of the text is where it is in the file. */
  readonly isPacked: boolean;
  /** What was read, once `text` has ended. Throws `MYAAS_DUMP_BAD` when the dump is not complete. */
  summarize(): { readonly sha256: string };
}

/** `onRead` is told how many bytes of the file were read so far, at each chunk. As for `leftOut`, see `unpack`. */
export async function readDump(
  dump: DumpFile,
  signal: AbortSignal,
  onRead: (doneBytes: number) => void,
  filter: TextFilter = new TextEnds(dump.file),
  leftOut?: Places,
): Promise<DumpReading> {
  const { content, isPacked, sha256 } = await unpack(dump, signal, onRead, filter, leftOut);
  return {
    text: content,
    isPacked: isPacked || leftOut !== undefined,
    summarize() {
      const why = filter.whyIncomplete();
      if (why !== undefined)
        throw errors.dumpBad(dump.file, why, 'Make the dump anew; the template stays as it was.');
      return { sha256: sha256() };
    },
  };
}

/** Passes text on, made loadable, and remembers how it began and ended. Refuses at once what is no SQL. */
export class TextEnds extends Transform implements TextFilter {
  head = '';
  /** The last chunks, at least `tailBytes` of them, if there are. */
  #last: Buffer[] = [];
  #lastLength = 0;
  readonly #file: string;
  #preamble: Buffer[] | undefined = [];
  #preambleLength = 0;
  #gtids: GtidBlanker | undefined;

  constructor(file: string) {
    super({ highWaterMark: 2 ** 20 });
    this.#file = file;
  }

  whyIncomplete(): string | undefined {
    return whyIncomplete(this.head, Buffer.concat(this.#last).subarray(-tailBytes).toString('latin1'));
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback) {
    this.#last.push(chunk);
    this.#lastLength += chunk.length;
    for (
      let [first] = this.#last;
      first && this.#lastLength - first.length >= tailBytes;
      [first] = this.#last
    ) {
      this.#lastLength -= first.length;
      this.#last.shift();
    }
    if (this.#preamble === undefined) {
      done(null, this.#gtids?.push(chunk) ?? chunk);
      return;
    }
    this.#preamble.push(chunk);
    this.#preambleLength += chunk.length;
    if (this.#preambleLength < preambleBytes) done();
    else this.#takePreamble(this.#preamble, done);
  }

  override _flush(done: TransformCallback) {
    const finish: TransformCallback = (error, last) => {
      if (last !== undefined) this.push(last);
      done(error, this.#gtids?.end());
    };
    if (this.#preamble) this.#takePreamble(this.#preamble, finish);
    else finish();
  }

  #takePreamble(chunks: readonly Buffer[], done: TransformCallback) {
    const start = Buffer.concat(chunks);
    this.#preamble = undefined;
    this.head = start.toString('latin1', 0, preambleBytes);
    const why = whyNoDump(this.head);
    if (why !== undefined) {
      done(errors.dumpBad(this.#file, why));
      return;
    }
    blankSandboxLine(start);
    if (setsGtids(this.head)) this.#gtids = new GtidBlanker();
    done(null, this.#gtids?.push(start) ?? start);
  }
}
