/** Reads a dump once, front to back, from whatever compression: never unpacked to disk, never held in memory. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { PassThrough, Transform, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { execa, ExecaError } from 'execa';
import { errors, hasErrno } from '../errors.ts';
import { compressions, type Compression, type Dump } from './dumps.ts';
import { preambleBytes, neutralisePreamble, whyIncomplete } from './preamble.ts';

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

/** By the file's name, or, for a name that says nothing, by its first bytes. */
async function compressionOf(dump: Dump): Promise<Compression> {
  const extension = /\.sql\.(\w+)$/i.exec(dump.file)?.[1]?.toLowerCase();
  if (extension !== undefined) return compressions[extension as keyof typeof compressions];
  await using file = await open(dump.path, 'r');
  const { buffer } = await file.read(Buffer.alloc(6), 0, 6, 0);
  return magics.find(([, magic]) => buffer.subarray(0, magic.length).equals(magic))?.[0];
}

/** `onRead` is told how many bytes of the file were read so far, at each chunk. */
export async function readDump(
  dump: Dump,
  signal: AbortSignal,
  onRead: (doneBytes: number) => void,
): Promise<DumpReading> {
  const compression = await compressionOf(dump);
  const hash = createHash('sha256');
  let doneBytes = 0;
  const meter = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      doneBytes += chunk.length;
      onRead(doneBytes);
      done(null, chunk);
    },
  });
  const ends = new TextEnds();
  const file = createReadStream(dump.path, { highWaterMark: 2 ** 18 });
  const text = new PassThrough({ highWaterMark: 2 ** 20 });
  const unpack = compression === undefined ? new PassThrough() : unpacker(compression, signal);
  pipeline(file, meter, unpack, ends, text, { signal }).catch((error: unknown) => {
    text.destroy(readFailed(dump, compression, error));
  });
  return {
    text,
    summarize() {
      const why = whyIncomplete(ends.head, ends.tail);
      if (why !== undefined)
        throw errors.dumpBad(dump.file, why, 'Make the dump anew; the template stays as it was.');
      return { sha256: hash.digest('hex') };
    },
  };
}

function unpacker(program: Exclude<Compression, undefined>, signal: AbortSignal) {
  return execa(program, ['-dc'], {
    cancelSignal: signal,
    buffer: { stdout: false },
    encoding: 'buffer',
  }).duplex();
}

function readFailed(dump: Dump, compression: Compression, error: unknown): Error {
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

/** Passes text on, the preamble made loadable, and remembers how it began and ended. */
class TextEnds extends Transform {
  head = '';
  tail = '';
  #preamble: Buffer[] | undefined = [];
  #preambleLength = 0;

  override _transform(
    chunk: Buffer,
    _encoding: BufferEncoding,
    done: (error?: Error | null, chunk?: Buffer) => void,
  ) {
    this.tail = (this.tail + chunk.subarray(-preambleBytes).toString('latin1')).slice(-4096);
    if (this.#preamble === undefined) return done(null, chunk);
    this.#preamble.push(chunk);
    this.#preambleLength += chunk.length;
    if (this.#preambleLength < preambleBytes) return done();
    done(null, this.#takePreamble(this.#preamble));
  }

  override _flush(done: (error?: Error | null, chunk?: Buffer) => void) {
    done(null, this.#preamble && this.#takePreamble(this.#preamble));
  }

  #takePreamble(chunks: readonly Buffer[]): Buffer {
    const start = Buffer.concat(chunks);
    this.#preamble = undefined;
    this.head = start.toString('latin1', 0, 4096);
    return neutralisePreamble(start);
  }
}
