/** One table's part of a dump: what makes it, and its rows. */
import { createHash } from 'node:crypto';
import type { InsertHead } from '../bulk/insert-head.ts';
import type { KeyColumn } from '../../engines/bulk.ts';
import { keyColumnOf } from './key-column.ts';
import { Places, type Position } from './places.ts';
import { RowBlocks, type Block } from './row-blocks.ts';
import type { NamedTable } from './statement-kind.ts';

/** A run of rows in the text. */
export interface RowsPlace {
  /** Of its first INSERT. */
  readonly head: Buffer;
  readonly start: Position;
  /** Up to there it says the same as the former dump. */
  same: Position;
  end: Position;
}

const sha256 = (text: string): string => createHash('sha256').update(text, 'latin1').digest('hex');

export class Part {
  readonly database: string;
  readonly table: string;
  readonly #all = createHash('sha256');
  /** Of all but the rows. */
  readonly #frame = createHash('sha256');
  readonly #rows = new RowBlocks(this.#all);
  readonly places = new Places();
  /** Of its CREATE TABLE, once that was seen. */
  structure: string | undefined;
  /** What the session was set to when its last statement was read. */
  #state = '';
  /** Blocks of its rows in the former dump that may stand here as well. */
  #expected: readonly Block[];
  #key: KeyColumn | undefined;
  #rowsPlace: RowsPlace | undefined;
  #runs = 0;
  hasTrigger = false;

  constructor({ database, table }: NamedTable & { database: string }, expected: readonly Block[]) {
    this.database = database;
    this.table = table;
    this.#expected = expected;
  }

  /** Its CREATE TABLE is `text`; `add` is told of it as well. */
  create(text: string, state: string): void {
    this.structure = sha256(`${state}\n${lasting(text)}`);
    this.#key = keyColumnOf(text);
  }

  /** A statement. */
  add(bytes: Buffer, creates: boolean, state: string): void {
    this.#heed(state);
    this.#all.update(bytes);
    this.#frame.update(creates ? lasting(bytes.toString('latin1')) : bytes);
  }

  /** An INSERT begins; a run of them when `isRun`. */
  beginRows(isRun: boolean, state: string, { bytes, columns }: InsertHead, start: Position): void {
    this.#heed(state);
    this.#rows.begin();
    if (columns && columns[0] !== this.#key?.column) this.#key = undefined;
    if (!isRun) return;
    this.#runs++;
    this.#frame.update('\0rows\0');
    this.#rowsPlace = { head: bytes, start, same: start, end: start };
  }

  rows(bytes: Buffer, end: Position): void {
    this.#rows.rows(bytes);
    if (this.#rowsPlace) this.#rowsPlace.end = end;
  }

  /** False when it ends the run of rows. */
  between(bytes: Buffer): boolean {
    return this.#rows.between(bytes);
  }

  endRows(): void {
    this.#rows.end();
  }

  /** The block that may stand next as in the former dump. */
  get expected(): Block | undefined {
    return this.#rows.next === undefined ? undefined : this.#expected[this.#rows.next];
  }

  /** The expected block stands there. */
  skip(block: Block, end: Position): void {
    this.#rows.add(block);
    if (this.#rowsPlace) this.#rowsPlace.same = this.#rowsPlace.end = end;
  }

  /** Something else does. */
  miss(): void {
    this.#expected = [];
  }

  #heed(state: string): void {
    if (this.#state !== state) {
      for (const hash of [this.#all, this.#frame]) hash.update(`\0${state}\0`, 'latin1');
    }
    this.#state = state;
  }

  /** To be asked once, at the end. */
  finish() {
    const place = this.#runs === 1 ? this.#rowsPlace : undefined;
    const isPlain = !this.hasTrigger && this.#rows.blocks.length > 0;
    const key = isPlain && place ? this.#key : undefined;
    return {
      hash: this.#all.digest('hex'),
      blocks: this.#rows.blocks,
      /** Undefined where rows can't be told from each other. */
      frame: key && this.#frame.digest('hex'),
      rows: place && { place, tailHash: this.#rows.tailHash, key },
    };
  }
}

/** Without what rows that were added change, and on which nothing depends but rows. */
const lasting = (text: string): string => text.replace(/ AUTO_INCREMENT=\d+(?=[^()]*$)/, '');
