/**
 * The rows of one table as they were read, kept on disk, compressed, until the table's turn comes: so a dump is read
 * once, front to back, however long its first table takes. They can be read while they are still being written, and
 * read again.
 */
import { open, rm, type FileHandle } from 'node:fs/promises';
import { promisify } from 'node:util';
import { constants, zstdCompress, zstdDecompress } from 'node:zlib';

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);
const blockBytes = 2 ** 20;
const fastest = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };

export class Spool {
  readonly #path: string;
  readonly #file: FileHandle;
  /** Where each block ends in the file. */
  readonly #ends: number[] = [];
  #block: Buffer[] = [];
  #blockLength = 0;
  #closed = false;
  #changed = Promise.withResolvers<undefined>();
  /** Of text, so far. */
  sizeBytes = 0;

  private constructor(path: string, file: FileHandle) {
    this.#path = path;
    this.#file = file;
  }

  /** Makes a file at `path`, which must not exist. */
  static async create(path: string): Promise<Spool> {
    return new Spool(path, await open(path, 'wx+', 0o600));
  }

  async append(text: Buffer): Promise<void> {
    this.#block.push(text);
    this.#blockLength += text.length;
    this.sizeBytes += text.length;
    if (this.#blockLength >= blockBytes) await this.#write();
  }

  /** No more is to come. */
  async close(): Promise<void> {
    if (this.#blockLength > 0) await this.#write();
    this.end();
  }

  /** Ends it where it is: nobody wants it whole any more. */
  end(): void {
    this.#closed = true;
    this.#changed.resolve(undefined);
  }

  async #write(): Promise<void> {
    const block = await compress(Buffer.concat(this.#block, this.#blockLength), fastest);
    this.#block = [];
    this.#blockLength = 0;
    const start = this.#ends.at(-1) ?? 0;
    await this.#file.write(block, 0, block.length, start);
    this.#ends.push(start + block.length);
    this.#changed.resolve(undefined);
    this.#changed = Promise.withResolvers();
  }

  /** All of it, from the beginning; waits for what is yet to come. */
  async *read(): AsyncGenerator<Buffer> {
    for (let index = 0; ; index++) {
      let end;
      while ((end = this.#ends[index]) === undefined) {
        if (this.#closed) return;
        await this.#changed.promise;
      }
      const start = this.#ends[index - 1] ?? 0;
      const { buffer } = await this.#file.read(Buffer.allocUnsafe(end - start), 0, end - start, start);
      yield await decompress(buffer);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close();
    await rm(this.#path, { force: true });
  }
}
