/** Literals in the rows of INSERT statements, and what to write instead of them: see `RowConverter`. */
import type { ColumnKind, RowColumn } from '../../engines/bulk.ts';

/** Thrown when the rows must be loaded by the plain client. */
export class UnfitRows extends Error {}

export const open = 0x28;
export const quote = 0x27;
export const backslash = 0x5c;
export const close = 0x29;
export const comma = 0x2c;
export const isSpace = (byte: number | undefined): boolean =>
  byte === 0x20 || (byte !== undefined && byte >= 0x09 && byte <= 0x0d);

export const oneQuote = Buffer.from("'");
const nullLiteral = Buffer.from('NULL');
/** The longest literal without quotes, but for 0x…, which is converted as it comes. */
export const literalLimitBytes = 128;

/** MariaDB rounds literals to 38 decimals; text it does not. */
const literals: Readonly<Record<Exclude<ColumnKind, 'bit' | 'binary' | 'text' | 'generated'>, RegExp>> = {
  integer: /^[-+]?\d{1,20}$/,
  decimal: /^-?(?=\.?\d)\d{0,65}(?:\.\d{0,38})?$/,
  float: /^-?(?=\.?\d)\d{0,65}(?:\.\d{0,38})?(?:e[-+]?\d{1,3})?$/i,
  year: /^\d{4}$/,
};
const negativeZero = /^-[0.]+$/;

/** What to write instead of a literal, undefined for itself; "string" when it only tells that bytes follow. */
export function writtenLiteral(
  column: RowColumn,
  text: Buffer,
  at: number,
  end: number,
): Buffer | 'string' | undefined {
  const literal = text.toString('latin1', at, end);
  if (literal === 'NULL' || /^null$/i.test(literal)) {
    // What a missing value becomes where there may be none, the two do not agree on.
    if (!column.nullable) throw new UnfitRows('it has no value where there must be one');
    return literal === 'NULL' ? undefined : nullLiteral;
  }
  switch (column.kind) {
    case 'integer':
    case 'decimal':
    case 'float':
    case 'year':
      if (!literals[column.kind].test(literal)) break;
      return negativeZero.test(literal) ? text.subarray(at + 1, end) : undefined;
    case 'bit': {
      if (isBinary(literal, text[end])) return 'string';
      const bits = /^b'([01]{1,64})'$/.exec(literal)?.[1];
      if (bits === undefined) break;
      const bytes = bits.padStart(Math.ceil(bits.length / 8) * 8, '0').match(/.{8}/g) ?? [];
      return quoted(Buffer.from(bytes.map((byte) => Number.parseInt(byte, 2))));
    }
    case 'binary':
      if (isBinary(literal, text[end])) return 'string';
      break;
    case 'generated':
      if (/^[-+.\w]+$/.test(literal)) return undefined;
      break;
    case 'text':
      break;
  }
  throw new UnfitRows(`it has values such as ${JSON.stringify(literal.slice(0, 40))}`);
}

/** Whether bytes follow in quotes. */
const isBinary = (literal: string, next: number | undefined): boolean =>
  /^_binary\s*$/i.test(literal) && next === quote;

/** Where a literal without quotes, or b'…', ends; -1 when that is not to be seen. */
export function endOfLiteral(text: Buffer, from: number): number {
  const limit = Math.min(text.length, from + literalLimitBytes);
  const isIntroducer = text[from] === 0x5f;
  for (let at = from; at < limit; at++) {
    const byte = text[at];
    if (byte === comma || byte === close) return at;
    if (isIntroducer ? byte === quote : isSpace(byte)) return at;
  }
  return -1;
}

export function endOfHex(text: Buffer, from: number): number {
  let at = from;
  for (; at < text.length; at++) {
    const byte = text[at] ?? 0;
    const lower = byte | 0x20;
    if (!((byte >= 0x30 && byte <= 0x39) || (lower >= 0x61 && lower <= 0x66))) break;
  }
  return at;
}

export const escapedBytes = (text: Buffer, from: number, to: number): Buffer =>
  escape(Buffer.from(text.toString('latin1', from, to), 'hex'));

const quoted = (bytes: Buffer): Buffer => Buffer.concat([oneQuote, escape(bytes), oneQuote]);

/** As the inside of a string. */
function escape(bytes: Buffer): Buffer {
  const out = Buffer.allocUnsafe(bytes.length * 2);
  let to = 0;
  for (const byte of bytes) {
    if (byte === quote || byte === backslash) out[to++] = backslash;
    out[to++] = byte;
  }
  return out.subarray(0, to);
}
