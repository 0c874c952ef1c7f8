/** Reads a packed file once, front to back: never unpacked to disk, never held in memory. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { PassThrough, Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { execa, ExecaError } from 'execa';
import { hasErrno } from '../../errors/error.ts';
import { errors } from '../../errors/errors.ts';
import { forward, type Places } from '../parts/places.ts';
import { FileHash } from './file-hash.ts';

const blockBytes = 2 ** 18;
/** What is shorter is hashed before a thread has begun. */
const leastHashedBeside = 2 ** 26;

export const compressions = { gz: 'gzip', zst: 'zstd', xz: 'xz', bz2: 'bzip2' } as const;
/** The program that unpacks it, undefined for what is not packed. */
type Compression = (typeof compressions)[keyof typeof compressions] | undefined;

/** A file of a dump. */
export interface DumpFile {
  /** Its name, for people, and for what it says of its compression. */
  readonly file: string;
  readonly path: string;
}

export interface Unpacking {
  /** Errors of reading and unpacking end it, as `MYAAS_DUMP_BAD` where the file is to blame. */
  readonly content: Readable;
  /** The hash of the file as it is, packed, once `content` has ended. */
  readonly sha256: () => string;
}

const magics: readonly (readonly [Exclude<Compression, undefined>, Buffer])[] = [
  ['gzip', Buffer.from([0x1f, 0x8b])],
  ['zstd', Buffer.from([0x28, 0xb5, 0x2f, 0xfd])],
  ['xz', Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00])],
  ['bzip2', Buffer.from('BZh')],
];

/** By the first bytes, whatever the file is called; a file that begins like none of them must be what it is called. */
async function compressionOf(packed: DumpFile): Promise<Compression> {
  await using file = await open(packed.path, 'r');
  const { buffer } = await file.read(Buffer.alloc(6), 0, 6, 0);
  const found = magics.find(([, magic]) => buffer.subarray(0, magic.length).equals(magic));
  const extension = /\.(\w+)$/.exec(packed.file)?.[1]?.toLowerCase();
  return found?.[0] ?? compressions[extension as keyof typeof compressions];
}

export const isPacked = async (file: DumpFile): Promise<boolean> => (await compressionOf(file)) !== undefined;

/**
 * `onRead` is told how many bytes of the file were read so far, at each chunk; `sink` is what the content passes last. What
 * is to be left out of the content is not even read where the file is not packed: then the hash is of what was.
 */
export async function unpack(
  packed: DumpFile,
  signal: AbortSignal,
  onRead: (doneBytes: number) => void,
  sink: Transform = new PassThrough({ highWaterMark: 2 ** 20 }),
  leftOut?: Places,
): Promise<Unpacking> {
  const compression = await compressionOf(packed);
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
  const unpacked = compression === undefined ? new PassThrough() : unpacker(compression, signal);
  const read = (start = 0, end = Infinity) =>
    createReadStream(packed.path, { highWaterMark: blockBytes, start, end: end - 1 });
  const reading =
    leftOut === undefined
      ? pipeline(read(), meter, unpacked, sink, { signal })
      : compression === undefined
        ? pipeline(leftOut.leaveOut(read), meter, sink, { signal })
        : pipeline(read(), meter, unpacked, (text) => leftOut.leaveOut(forward(text)), sink, { signal });
  // Heard by who reads the content.
  reading.catch(() => undefined);
  return {
    content: readableOf(contentOf(sink, reading, packed, compression)),
    sha256: () => hash.digest('hex'),
  };
}

/**
 * The content of a file that is not packed: a buffer is good until the next is asked for. Its hash is to be had once all of
 * it was read, and not where something is left out, which is not even read.
 */
export function readInPlace(
  file: DumpFile,
  signal: AbortSignal,
  onRead: (doneBytes: number) => void,
  leftOut?: Places,
): { readonly content: AsyncGenerator<Buffer>; readonly sha256: () => string } {
  let sha256 = '';
  async function* content() {
    try {
      await using opened = await open(file.path, 'r');
      const read = blocksOf(opened, signal);
      let doneBytes = 0;
      if (leftOut) {
        for await (const chunk of leftOut.leaveOut(read)) {
          doneBytes += chunk.length;
          onRead(doneBytes);
          yield chunk;
        }
        return;
      }
      const isLarge = (await opened.stat()).size >= leastHashedBeside;
      await using beside = isLarge ? new FileHash(file.path) : undefined;
      const hash = createHash('sha256');
      for await (const chunk of read()) {
        if (!beside) hash.update(chunk);
        doneBytes += chunk.length;
        onRead(doneBytes);
        yield chunk;
      }
      sha256 = (await beside?.sha256) ?? hash.digest('hex');
    } catch (error) {
      throw readFailed(file, undefined, error);
    }
  }
  return { content: content(), sha256: () => sha256 };
}

/** Reads from an offset up to another, or up to the end, into one buffer, over and over. */
function blocksOf(file: FileHandle, signal: AbortSignal) {
  const block = Buffer.allocUnsafe(blockBytes);
  return async function* (start = 0, end = Infinity): AsyncGenerator<Buffer> {
    for (let at = start; at < end;) {
      signal.throwIfAborted();
      const { bytesRead } = await file.read(block, 0, Math.min(blockBytes, end - at), at);
      if (bytesRead === 0) return;
      at += bytesRead;
      yield block.subarray(0, bytesRead);
    }
  };
}

/** Parts of the content, which must be in its order: each with what of it was read next, good until that is asked for. */
export async function* readStretches<T extends { readonly start: number; readonly end: number }>(
  file: DumpFile,
  stretches: readonly T[],
  signal: AbortSignal,
): AsyncGenerator<readonly [T, Buffer]> {
  if (stretches.length === 0) return;
  const enough = new AbortController();
  const reading = AbortSignal.any([signal, enough.signal]);
  await using opened = await open(file.path, 'r');
  const read = (await isPacked(file))
    ? forward((await unpack(file, reading, () => undefined)).content)
    : blocksOf(opened, reading);
  try {
    for (const stretch of stretches)
      for await (const chunk of read(stretch.start, stretch.end)) yield [stretch, chunk];
  } finally {
    enough.abort();
  }
}

export const readableOf = (chunks: AsyncIterable<Buffer>): Readable =>
  Readable.from(chunks, { objectMode: false, highWaterMark: 2 ** 20 });

/** What comes out of the pipeline, and its errors, put so that people understand them. */
async function* contentOf(
  sink: Transform,
  reading: Promise<void>,
  packed: DumpFile,
  compression: Compression,
): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of sink) yield chunk as Buffer;
    await reading;
  } catch (error) {
    // Whichever stream broke first knows why; the others only that they were closed.
    throw readFailed(
      packed,
      compression,
      await reading.then(
        () => error,
        (first: unknown) => first,
      ),
    );
  }
}

/** What the content begins with, at most so many bytes; nothing when it can't be read, which whoever reads it all is told. */
export async function startOf(packed: DumpFile, lengthBytes: number, signal: AbortSignal): Promise<Buffer> {
  const enough = new AbortController();
  let start: Buffer = Buffer.alloc(0);
  try {
    const { content } = await unpack(packed, AbortSignal.any([signal, enough.signal]), () => undefined);
    for await (const chunk of content) {
      start = Buffer.concat([start, chunk as Buffer]);
      if (start.length >= lengthBytes) break;
    }
  } catch {
    signal.throwIfAborted();
  } finally {
    enough.abort();
  }
  return start.subarray(0, lengthBytes);
}

function unpacker(program: Exclude<Compression, undefined>, signal: AbortSignal) {
  return execa(program, ['-dc'], {
    cancelSignal: signal,
    buffer: { stdout: false },
    encoding: 'buffer',
  }).duplex();
}

function readFailed(packed: DumpFile, compression: Compression, error: unknown): Error {
  if (error instanceof ExecaError && !error.isCanceled) {
    if (error.code === 'ENOENT') {
      const name = String(compression);
      const packages: Record<string, string> = { xz: 'xz-utils' };
      return errors.dumpBad(
        packed.file,
        `it can't be unpacked: the program "${name}" is not installed.`,
        `Run "apt-get install ${packages[name] ?? name}".`,
      );
    }
    const said = Buffer.from(error.stderr as unknown as Uint8Array).toString();
    const why = said.trim().replace(/^(gzip|zstd|xz|bzip2): ?/, '');
    return errors.dumpBad(
      packed.file,
      `it is not a whole ${String(compression)} archive: ${why || error.shortMessage}`,
    );
  }
  if (hasErrno(error, 'ENOENT')) return errors.dumpBad(packed.file, 'it vanished while it was read.');
  return error instanceof Error ? error : new Error(String(error));
}
