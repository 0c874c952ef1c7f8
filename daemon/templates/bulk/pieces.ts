/** What the text of a dump is cut into, and the bytes that it is cut by. */
import type { InsertHead } from './insert-head.ts';

/**
 * All pieces, one after the other, are the text. Their bytes are good until the reader is given more: it reads into one
 * buffer, over and over, since garbage of this size costs more than the reading.
 */
export type Piece = {
  readonly bytes: Buffer;
  /** Of its beginning, in the text. */
  readonly line: number;
  readonly offset: number;
} & (
  | {
      /** White space, comments, and DELIMITER commands; a whole statement with its delimiter; or all from here on, uncut. */
      readonly kind: 'between' | 'statement' | 'rest';
    }
  | {
      /** A part of an `INSERT INTO … VALUES`: the first part begins with its head. */
      readonly kind: 'rows';
      readonly head: InsertHead;
      readonly first: boolean;
      readonly last: boolean;
      /** Whether there is more than literals in the statement, so far: functions, variables, names. */
      readonly hasExpressions: boolean;
    }
  | {
      /** A part of any other statement that is longer than `statementLimitBytes`. */
      readonly kind: 'long';
      readonly first: boolean;
      readonly last: boolean;
    }
);

export const statementLimitBytes = 2 ** 20;
/** Room for a list of 4096 columns with long names. */
export const headLimitBytes = 2 ** 18;
/** More than any delimiter, comment mark or command that is looked for. */
export const lookaheadBytes = 24;

export const newline = 0x0a;
export const backslash = 0x5c;
export const slash = 0x2f;
export const star = 0x2a;
export const dash = 0x2d;
export const hash = 0x23;
export const single = 0x27;
export const double = 0x22;
export const backtick = 0x60;
export const semicolon = Buffer.from(';');

/** What may not be skipped outside of strings, whatever the delimiter. */
export const notable = new Uint8Array(256);
for (const byte of Buffer.from('\\/-#\'"`dD')) notable[byte] = 1;

/** What literals consist of outside of strings. No query and no variable can be written with these alone. */
export const literal = new Uint8Array(256);
for (const byte of Buffer.from('\'"+-.,(); \t\r\n0123456789abcdefABCDEFnulNULxX_iryIRY')) literal[byte] = 1;
/** Outside of strings in the rows of an INSERT. */
export const notableInRows = notable.slice();
for (let byte = 0; byte < 256; byte++) if (literal[byte] === 0) notableInRows[byte] = 1;
notableInRows[semicolon[0] ?? 0] = 1;

export const isSpace = (byte: number | undefined): boolean =>
  byte === 0x20 || (byte !== undefined && byte >= 0x09 && byte <= 0x0d);

export const isBlank = (bytes: Buffer): boolean => bytes.every(isSpace);

export function countNewlines(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(newline); at !== -1; at = bytes.indexOf(newline, at + 1)) count++;
  return count;
}

export function withDelimiter(delimiter: Buffer): Uint8Array {
  const table = notable.slice();
  table[delimiter[0] ?? 0] = 1;
  return table;
}
