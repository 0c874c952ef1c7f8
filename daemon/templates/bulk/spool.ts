/**
 * Rows of a dump that is packed: a compressed file on the disk. So the dump is read once, front to back, however long its
 * first table takes.
 */
import { open, rm, type FileHandle } from 'node:fs/promises';
import { promisify } from 'node:util';
import { constants, zstdCompress, zstdDecompress } from 'node:zlib';
import { Bell, type RowText } from './row-text.ts';

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);
const blockBytes = 2 ** 20;
/** What comes out is put in one piece: it would else be put together of many. */
const chunkSize = blockBytes;
const fastest = { chunkSize, params: { [constants.ZSTD_c_compressionLevel]: 1 } };

export class Spool implements RowText {
  readonly #path: string;
  readonly #file: FileHandle;
  /** Where each block ends in the file. */
  readonly #ends: number[] = [];
  readonly #block = Buffer.allocUnsafe(blockBytes);
  #blockLength = 0;
  #ended = false;
  readonly #bell = new Bell();
  sizeBytes = 0;

  private constructor(path: string, file: FileHandle) {
    this.#path = path;
    this.#file = file;
  }

  /** Makes a file at `path`, which must not exist. */
  static async create(path: string): Promise<Spool> {
    return new Spool(path, await open(path, 'wx+', 0o600));
  }

  async append(bytes: Buffer): Promise<void> {
    this.sizeBytes += bytes.length;
    for (let at = 0; at < bytes.length;) {
      const copied = bytes.copy(this.#block, this.#blockLength, at);
      this.#blockLength += copied;
      at += copied;
      if (this.#blockLength === blockBytes) await this.#write();
    }
  }

  async appendNewlines(count: number): Promise<void> {
    await this.append(Buffer.alloc(count, '\n'));
  }

  async close(): Promise<void> {
    if (this.#blockLength > 0) await this.#write();
    this.end();
  }

  end(): void {
    this.#ended = true;
    this.#bell.ring();
  }

  async #write(): Promise<void> {
    const block = await compress(this.#block.subarray(0, this.#blockLength), fastest);
    this.#blockLength = 0;
    const start = this.#ends.at(-1) ?? 0;
    await this.#file.write(block, 0, block.length, start);
    this.#ends.push(start + block.length);
    this.#bell.ring();
  }

  async *read(): AsyncGenerator<Buffer> {
    for (let index = 0; ; index++) {
      let end;
      while ((end = this.#ends[index]) === undefined) {
        if (this.#ended) return;
        await this.#bell.heard;
      }
      const start = this.#ends[index - 1] ?? 0;
      const { buffer } = await this.#file.read(Buffer.allocUnsafe(end - start), 0, end - start, start);
      yield await decompress(buffer, { chunkSize });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close();
    await rm(this.#path, { force: true });
  }
}
