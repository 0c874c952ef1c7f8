/**
 * Reads the text of a dump part by part. Blocks of rows that stand there as in the former dump are only hashed: the reader
 * would do the same with them as it has done then, since it comes to each in the same state, between two statements.
 */
import { hash } from 'node:crypto';
import { countNewlines, type Piece } from '../bulk/pieces.ts';
import { StatementReader } from '../bulk/statements.ts';
import type { PartReader } from './part-reader.ts';
import type { Block } from './row-blocks.ts';

/** Modes in which the reader is no longer certain of quotes, whatever they are set to afterwards: see there. */
const otherQuotes = /ANSI|ORACLE|MSSQL|DB2|POSTGRESQL|MAXDB/i;

/** A block that is being looked for where it should be. */
interface Look {
  readonly block: Block;
  /** What stands there, as far as it was read. */
  sizeBytes: number;
}

/** What is read anew is given to the reader in pieces like that. */
const chunkBytes = 2 ** 18;

export class Scan {
  readonly #parts: PartReader;
  #reader = new StatementReader();
  #look: Look | undefined;
  /** What is looked at, of one block after the other: garbage of this size costs more than the work. */
  #held: Buffer = Buffer.alloc(0);
  /** Text that the reader was given last: a statement may have begun in it. */
  #recent: readonly Buffer[] = [];
  /** Of the end of that, in the text. */
  #offset = 0;
  #isCertain = true;

  constructor(parts: PartReader) {
    this.#parts = parts;
  }

  push(chunk: Buffer): void {
    let rest: Buffer | undefined = chunk;
    while (rest && rest.length > 0) rest = this.#look ? this.#compare(this.#look, rest) : this.#read(rest);
  }

  end(): void {
    while (this.#look) this.#giveUp(this.#look);
    for (const piece of this.#reader.end()) this.#parts.push(piece);
  }

  /** What is to be compared and not read. */
  #read(chunk: Buffer): Buffer | undefined {
    this.#recent = [...this.#recent.slice(-1), Buffer.from(chunk)];
    this.#offset += chunk.length;
    for (const piece of this.#reader.push(chunk)) {
      const block = this.#isCertain ? this.#parts.expected(piece) : undefined;
      const rest = block && this.#from(this.#parts.offset);
      if (block && rest) {
        this.#lookFor(block);
        return rest;
      }
      this.#heed(piece);
      this.#parts.push(piece);
    }
    return undefined;
  }

  #heed(piece: Piece): void {
    if (piece.kind !== 'statement' || !this.#isCertain) return;
    const text = piece.bytes.toString('latin1');
    this.#isCertain = !(/sql_mode/i.test(text) && otherQuotes.test(text));
  }

  /** The text from `offset` on, as far as there is any; undefined when that is gone. */
  #from(offset: number): Buffer | undefined {
    const recent = Buffer.concat(this.#recent);
    const start = offset - (this.#offset - recent.length);
    return start < 0 ? undefined : recent.subarray(start);
  }

  #lookFor(block: Block): void {
    this.#look = { block, sizeBytes: 0 };
    if (this.#held.length < block.sizeBytes) this.#held = Buffer.allocUnsafe(block.sizeBytes);
  }

  #compare(look: Look, chunk: Buffer): Buffer | undefined {
    const { block } = look;
    const copiedBytes = chunk.copy(this.#held, look.sizeBytes, 0, block.sizeBytes - look.sizeBytes);
    look.sizeBytes += copiedBytes;
    if (look.sizeBytes < block.sizeBytes) return undefined;
    const rest = chunk.subarray(copiedBytes);
    const held = this.#held.subarray(0, block.sizeBytes);
    if (hash('sha256', held) !== block.sha256) {
      this.#giveUp(look);
      this.push(rest);
      return undefined;
    }
    const next = this.#parts.skip(block, countNewlines(held));
    this.#look = undefined;
    if (next) this.#lookFor(next);
    else this.#startReading();
    return rest;
  }

  /** Something else stands there: it is read. */
  #giveUp({ sizeBytes }: Look): void {
    const held = this.#held.subarray(0, sizeBytes);
    this.#look = undefined;
    // In what is read now another block may be looked for.
    this.#held = Buffer.alloc(0);
    this.#parts.miss();
    this.#startReading();
    for (let at = 0; at < held.length; at += chunkBytes) this.push(held.subarray(at, at + chunkBytes));
  }

  #startReading(): void {
    this.#reader = new StatementReader();
    this.#recent = [];
    this.#offset = this.#parts.offset;
  }
}
