/** Reads a dump once, front to back, from whatever compression: never unpacked to disk, never held in memory. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { PassThrough, Readable, Transform, type TransformCallback } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { execa, ExecaError } from 'execa';
import { errors, hasErrno } from '../errors.ts';
import { compressions, type Compression, type Dump } from './dumps.ts';
import {
  blankSandboxLine,
  GtidBlanker,
  preambleBytes,
  setsGtids,
  whyIncomplete,
  whyNoDump,
} from './preamble.ts';

/** The last lines of every tool fit in, and what somebody has added behind them. */
const tailBytes = 65_536;

/** A file of a dump: its name, for people and for what it says of its compression, and where it is. */
export type DumpFile = Pick<Dump, 'file' | 'path'>;

export interface DumpReading {
  /** The SQL text. Errors of reading and unpacking end it, as `MYAAS_DUMP_BAD` where the file is to blame. */
  readonly text: Readable;
  /** What was read, once `text` has ended. Throws `MYAAS_DUMP_BAD` when the dump is not complete. */
  summarize(): { readonly sha256: string };
}

const magics: readonly (readonly [Exclude<Compression, undefined>, Buffer])[] = [
  ['gzip', Buffer.from([0x1f, 0x8b])],
  ['zstd', Buffer.from([0x28, 0xb5, 0x2f, 0xfd])],
  ['xz', Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00])],
  ['bzip2', Buffer.from('BZh')],
];

/** By the first bytes, whatever the file is called; a file that begins like none of them must be what it is called. */
async function compressionOf(dump: DumpFile): Promise<Compression> {
  await using file = await open(dump.path, 'r');
  const { buffer } = await file.read(Buffer.alloc(6), 0, 6, 0);
  const found = magics.find(([, magic]) => buffer.subarray(0, magic.length).equals(magic));
  const extension = /\.sql\.(\w+)$/i.exec(dump.file)?.[1]?.toLowerCase();
  return found?.[0] ?? compressions[extension as keyof typeof compressions];
}

/** `onRead` is told how many bytes of the file were read so far, at each chunk. */
export async function readDump(
  dump: DumpFile,
  signal: AbortSignal,
  onRead: (doneBytes: number) => void,
): Promise<DumpReading> {
  const compression = await compressionOf(dump);
  const hash = createHash('sha256');
  let doneBytes = 0;
  const ends = new TextEnds(dump.file);
  const meter = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      doneBytes += chunk.length;
      onRead(doneBytes);
      done(null, chunk);
    },
  });
  const unpack = compression === undefined ? new PassThrough() : unpacker(compression, signal);
  const file = createReadStream(dump.path, { highWaterMark: 2 ** 18 });
  const reading = pipeline(file, meter, unpack, ends, { signal });
  // Heard by who reads the text.
  reading.catch(() => undefined);
  return {
    text: Readable.from(textOf(ends, reading, dump, compression), {
      objectMode: false,
      highWaterMark: 2 ** 20,
    }),
    summarize() {
      const why = whyIncomplete(ends.head, ends.tail);
      if (why !== undefined)
        throw errors.dumpBad(dump.file, why, 'Make the dump anew; the template stays as it was.');
      return { sha256: hash.digest('hex') };
    },
  };
}

/** What comes out of the pipeline, and its errors, put so that people understand them. */
async function* textOf(
  ends: TextEnds,
  reading: Promise<void>,
  dump: DumpFile,
  compression: Compression,
): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of ends) yield chunk as Buffer;
    await reading;
  } catch (error) {
    // Whichever stream broke first knows why; the others only that they were closed.
    throw readFailed(
      dump,
      compression,
      await reading.then(
        () => error,
        (first: unknown) => first,
      ),
    );
  }
}

function unpacker(program: Exclude<Compression, undefined>, signal: AbortSignal) {
  return execa(program, ['-dc'], {
    cancelSignal: signal,
    buffer: { stdout: false },
    encoding: 'buffer',
  }).duplex();
}

function readFailed(dump: DumpFile, compression: Compression, error: unknown): Error {
  if (error instanceof ExecaError && !error.isCanceled) {
    if (error.code === 'ENOENT') {
      const name = String(compression);
      const packages: Record<string, string> = { xz: 'xz-utils' };
      return errors.dumpBad(
        dump.file,
        `it can't be unpacked: the program "${name}" is not installed.`,
        `Run "apt-get install ${packages[name] ?? name}".`,
      );
    }
    const said = Buffer.from(error.stderr as unknown as Uint8Array).toString();
    const why = said.trim().replace(/^(gzip|zstd|xz|bzip2): ?/, '');
    return errors.dumpBad(
      dump.file,
      `it is not a whole ${String(compression)} archive: ${why || error.shortMessage}`,
    );
  }
  if (hasErrno(error, 'ENOENT')) return errors.dumpBad(dump.file, 'it vanished while it was read.');
  return error instanceof Error ? error : new Error(String(error));
}

/** Passes text on, made loadable, and remembers how it began and ended. Refuses at once what is no SQL. */
class TextEnds extends Transform {
  head = '';
  tail = '';
  readonly #file: string;
  #preamble: Buffer[] | undefined = [];
  #preambleLength = 0;
  #gtids: GtidBlanker | undefined;

  constructor(file: string) {
    super({ highWaterMark: 2 ** 20 });
    this.#file = file;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback) {
    this.tail = (this.tail + chunk.toString('latin1', Math.max(0, chunk.length - tailBytes))).slice(
      -tailBytes,
    );
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
