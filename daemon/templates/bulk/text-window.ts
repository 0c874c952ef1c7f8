/** The part of a text that is being looked at, and cut: what came last, behind what was no whole piece yet. */
import type { InsertHead } from './insert-head.ts';
import { countNewlines, newline, type Piece } from './pieces.ts';

/** A statement that was begun. */
export interface Begun {
  /** Known once its beginning was looked at: "other" for no INSERT, and not long yet. */
  kind: 'rows' | 'long' | 'other' | undefined;
  /** Of rows. */
  head: InsertHead | undefined;
  isFirst: boolean;
  hasExpressions: boolean;
}

export const notBegun = (): Begun => ({
  kind: undefined,
  head: undefined,
  isFirst: true,
  hasExpressions: false,
});

export class TextWindow {
  /** All text goes through one buffer, over and over, since garbage of this size costs more than the work. */
  #buffer: Buffer = Buffer.allocUnsafe(2 ** 19);
  #text: Buffer = this.#buffer.subarray(0, 0);
  /** Whether the byte before `text` ended a line, or there is none. */
  #afterNewline = true;
  #pieces: Piece[] = [];
  /** Line number, and place in the whole text, of `start`. */
  #line = 1;
  #offset = 0;
  /** Where the piece begins that is not complete yet. */
  start = 0;
  /** How far it was looked through. */
  position = 0;

  get text(): Buffer {
    return this.#text;
  }

  /** Puts `chunk` behind what is left, which moves to the beginning. */
  fill(chunk: Buffer): void {
    if (this.start > 0) this.#afterNewline = this.#text[this.start - 1] === newline;
    const left = this.#text.subarray(this.start);
    const length = left.length + chunk.length;
    if (length > this.#buffer.length) {
      this.#buffer = Buffer.allocUnsafe(2 ** Math.ceil(Math.log2(length)));
      left.copy(this.#buffer);
    } else {
      this.#text.copyWithin(0, this.start);
    }
    chunk.copy(this.#buffer, left.length);
    this.#text = this.#buffer.subarray(0, length);
    this.position -= this.start;
    this.start = 0;
  }

  /** Hands out what was cut since it was last asked for. */
  takePieces(): Piece[] {
    const pieces = this.#pieces;
    this.#pieces = [];
    return pieces;
  }

  /** Makes a piece of all up to `end`, if that is anything. */
  cut(kind: 'between' | 'statement' | 'rest', end: number): void {
    const place = { line: this.#line, offset: this.#offset };
    if (end > this.start) this.#pieces.push({ kind, ...place, bytes: this.#advance(end) });
  }

  /** Makes a part of a statement of all up to `end`; the last may be empty. */
  cutPart(kind: 'rows' | 'long', begun: Begun, end: number, last: boolean): void {
    if (end === this.start && !last) return;
    const { head, hasExpressions, isFirst } = begun;
    const place = { line: this.#line, offset: this.#offset };
    const part = { ...place, first: isFirst, last, bytes: this.#advance(end) };
    begun.isFirst = false;
    if (kind === 'long') this.#pieces.push({ kind, ...part });
    else if (head) this.#pieces.push({ kind, ...part, head, hasExpressions });
  }

  #advance(end: number): Buffer {
    const bytes = this.#text.subarray(this.start, end);
    this.#line += countNewlines(bytes);
    this.#offset += bytes.length;
    this.start = end;
    return bytes;
  }

  isLineStart(at: number): boolean {
    return at === 0 ? this.#afterNewline : this.#text[at - 1] === newline;
  }

  has(bytes: Buffer, at: number): boolean {
    const { length } = bytes;
    if (this.#text[at] !== bytes[0] || at + length > this.#text.length) return false;
    return length === 1 || this.#text.compare(bytes, 0, length, at, at + length) === 0;
  }

  latin1(at: number, end: number): string {
    return this.#text.toString('latin1', at, end);
  }
}
