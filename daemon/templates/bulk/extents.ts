/** Rows of a dump that is not packed: places in its file, which is read there again. */
import { open } from 'node:fs/promises';
import { Bell, type RowText } from './row-text.ts';

const blockBytes = 2 ** 20;

/** A part of the file, or line breaks instead of one. */
interface Extent {
  readonly offset: number | undefined;
  length: number;
}

export class Extents implements RowText {
  readonly #path: string;
  readonly #extents: Extent[] = [];
  #ended = false;
  readonly #bell = new Bell();
  sizeBytes = 0;

  constructor(path: string) {
    this.#path = path;
  }

  append(bytes: Buffer, offset: number): Promise<void> {
    this.#add(offset, bytes.length);
    return Promise.resolve();
  }

  appendNewlines(count: number): Promise<void> {
    if (count > 0) this.#add(undefined, count);
    return Promise.resolve();
  }

  #add(offset: number | undefined, length: number): void {
    const last = this.#extents.at(-1);
    if (last?.offset !== undefined && last.offset + last.length === offset) last.length += length;
    else this.#extents.push({ offset, length });
    this.sizeBytes += length;
    this.#bell.ring();
  }

  close(): Promise<void> {
    this.end();
    return Promise.resolve();
  }

  end(): void {
    this.#ended = true;
    this.#bell.ring();
  }

  async *read(): AsyncGenerator<Buffer> {
    await using file = await open(this.#path, 'r');
    const block = Buffer.allocUnsafe(blockBytes);
    for (let index = 0, done = 0; ;) {
      const extent = this.#extents[index];
      if (extent && done < extent.length) {
        const { offset, length } = extent;
        const wanted = Math.min(blockBytes, length - done);
        if (offset === undefined) block.fill('\n', 0, wanted);
        const read =
          offset === undefined ? wanted : (await file.read(block, 0, wanted, offset + done)).bytesRead;
        // The file was cut off. Rows will be missed, and whoever looks after the dump will see that it was changed.
        if (read === 0) return;
        done += read;
        yield block.subarray(0, read);
      } else if (index + 1 < this.#extents.length) {
        index++;
        done = 0;
      } else {
        if (this.#ended) return;
        await this.#bell.heard;
      }
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}
