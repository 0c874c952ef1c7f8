/**
 * The rows of a table in blocks of some megabytes, which begin and end where an INSERT begins, and the hash of each. A
 * block that is where it was in the former dump has been read before, and need not be read again.
 */
import { createHash, type Hash } from 'node:crypto';
import { Type, type Static } from 'typebox';

export const Block = Type.Object({ sizeBytes: Type.Integer(), sha256: Type.String() });
export type Block = Static<typeof Block>;

/** Few enough that a hundred gigabytes have a manifest of some megabytes. What follows a table's last block is always read. */
const leastBytes = 2 * 2 ** 20;
/** Whoever looks for a block has it in memory. */
const mostBytes = 16 * 2 ** 20;
/** What is between two INSERTs of one run of rows; with more it is two. */
const betweenBytes = 2 ** 16;

export class RowBlocks {
  /** Of all blocks that are complete. What follows the last one of a table is none: nothing says where it ends. */
  readonly blocks: Block[] = [];
  /** Takes part in what is hashed of the table. */
  readonly #all: Hash;
  #tail = createHash('sha256');
  #hash = createHash('sha256');
  #sizeBytes = 0;
  #between: Buffer[] = [];
  #betweenBytes = 0;
  #isRegular = true;

  constructor(all: Hash) {
    this.#all = all;
  }

  /** The number of the block that begins with the next byte; undefined when none does. */
  get next(): number | undefined {
    return this.#isRegular && this.#sizeBytes === 0 ? this.blocks.length : undefined;
  }

  /** Of all behind the blocks that were known. To be asked once, at the end. */
  get tailHash(): string {
    return this.#tail.digest('hex');
  }

  /** An INSERT begins. */
  begin(): void {
    for (const bytes of this.#between) this.#take(bytes);
    this.#between = [];
    this.#betweenBytes = 0;
    if (this.#sizeBytes >= leastBytes) this.#complete();
  }

  rows(bytes: Buffer): void {
    this.#take(bytes);
  }

  /** Text between two statements; false when it ends the run. */
  between(bytes: Buffer): boolean {
    this.#between.push(Buffer.from(bytes));
    this.#betweenBytes += bytes.length;
    return this.#betweenBytes <= betweenBytes;
  }

  /** A block that was known stands here as a whole. */
  add(block: Block): void {
    this.#all.update(block.sha256);
    this.#tail = createHash('sha256');
    this.blocks.push(block);
  }

  /** The run of rows is over; another may begin. */
  end(): void {
    if (this.#sizeBytes > 0) this.#add(this.#digest());
    // Where the next run begins is not where a block ends.
    this.#isRegular = false;
    this.#between = [];
    this.#betweenBytes = 0;
  }

  #take(bytes: Buffer): void {
    this.#hash.update(bytes);
    this.#sizeBytes += bytes.length;
  }

  #complete(): void {
    const sizeBytes = this.#sizeBytes;
    const sha256 = this.#digest();
    this.#add(sha256);
    this.#isRegular &&= sizeBytes <= mostBytes;
    if (this.#isRegular) this.blocks.push({ sizeBytes, sha256 });
  }

  #add(sha256: string): void {
    this.#all.update(sha256);
    this.#tail.update(sha256);
  }

  #digest(): string {
    const digest = this.#hash.digest('hex');
    this.#hash = createHash('sha256');
    this.#sizeBytes = 0;
    return digest;
  }
}
