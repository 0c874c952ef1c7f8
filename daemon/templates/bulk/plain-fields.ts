/** Values that stand in a dump as LOAD DATA wants them, which is nearly all: passed over as fast as can be. */
import type { RowColumn } from '../../engines/bulk.ts';
import { backslash, close, comma, open, quote } from './row-literals.ts';

const carriageReturn = 0x0d;
const lineFeed = 0x0a;
const space = 0x20;
const minus = 0x2d;
const point = 0x2e;
/** Where a string, in between, is more than its bytes. */
export const endsRun = new Uint8Array(256);
for (const byte of [carriageReturn, quote, backslash]) endsRun[byte] = 1;
/** Escaped, these mean something else in a file, or are looked at by the client: % _ N and the end of a line. */
const isEscapedOtherwise = new Uint8Array(256);
for (const byte of [0x25, 0x5f, 0x4e, carriageReturn]) isEscapedOtherwise[byte] = 1;
/** Not so many that a number would be too large. */
const mostDigits = 18;

/** What may stand without quotes, besides NULL. */
const unquoted = { integer: 1, decimal: 2, float: 2, other: 0 } as const;

export class PlainFields {
  readonly #numbers: readonly (0 | 1 | 2)[];
  readonly #nullable: readonly boolean[];
  /** Of the field that was stopped at. */
  column = 0;
  /** Whole rows that were passed over, but for those that others count. */
  rows = 0;

  constructor(columns: readonly RowColumn[]) {
    this.#numbers = columns.map(({ kind }) =>
      kind === 'integer' || kind === 'decimal' || kind === 'float' ? unquoted[kind] : unquoted.other,
    );
    this.#nullable = columns.map(({ nullable }) => nullable);
  }

  /** From the beginning of a field to that of the next which is not plain, or perhaps not whole, or ends a statement. */
  pass(text: Buffer, from: number): number {
    const last = this.#numbers.length - 1;
    let column = this.column;
    let field = from;
    for (;;) {
      const end =
        text[field] === quote
          ? endOfString(text, field + 1)
          : endOfUnquoted(text, field, this.#numbers[column] ?? 0, this.#nullable[column] ?? false);
      const byte = end === -1 ? undefined : text[end];
      if (byte === comma && column < last) {
        column++;
        field = end + 1;
      } else if (byte === close && column === last && text[end + 1] === comma) {
        const next = text[end + 2];
        const row = next === lineFeed || next === space ? end + 3 : end + 2;
        if (text[row] !== open) break;
        this.rows++;
        column = 0;
        field = row + 1;
      } else {
        break;
      }
    }
    this.column = column;
    return field;
  }
}

/** Behind the quote at its end; -1 when that is not to be seen, or the string is to be written otherwise. */
function endOfString(text: Buffer, from: number): number {
  const { length } = text;
  for (let at = from; ; at += 2) {
    while (at < length && endsRun[text[at] ?? 0] === 0) at++;
    if (at + 1 >= length) return -1;
    const next = text[at + 1] ?? 0;
    if (text[at] === quote) {
      if (next !== quote) return at + 1;
    } else if (text[at] === carriageReturn || isEscapedOtherwise[next] === 1) {
      return -1;
    }
  }
}

/** Behind NULL, or a number of few digits; -1 for all else. `numbers`: 0 for none, 1 for whole ones, 2 with decimals. */
function endOfUnquoted(text: Buffer, from: number, numbers: 0 | 1 | 2, nullable: boolean): number {
  if (text[from] === 0x4e)
    return nullable && text[from + 1] === 0x55 && text[from + 2] === 0x4c && text[from + 3] === 0x4c
      ? from + 4
      : -1;
  if (numbers === 0) return -1;
  const start = text[from] === minus ? from + 1 : from;
  let at = start;
  let points = numbers === 2 ? 0 : 1;
  let isZero = true;
  for (; ; at++) {
    const byte = text[at] ?? 0;
    if (byte > 0x30 && byte <= 0x39) isZero = false;
    else if (byte === point && points === 0) points = 1;
    else if (byte !== 0x30) break;
  }
  const digits = at - start;
  // There is no zero below zero.
  const isOdd = digits === 0 || digits > mostDigits || (isZero && start > from) || text[at - 1] === point;
  return isOdd ? -1 : at;
}
