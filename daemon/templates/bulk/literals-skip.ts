/** Strings, and the rows of an INSERT, most of which are nothing but literals: looked through as fast as can be. */
import { backslash, dash, notableInRows, single } from './pieces.ts';

/** A letter of a command's first three, small. */
const small = (byte: number | undefined): number => (byte ?? 0) | 0x20;

/**
 * From a place outside of strings on, the place of the next byte that may be more than a literal, or the first at or
 * after `limit`: as it is outside of strings, and as its complement (`~`) within one. Strings in single quotes are
 * passed over on the way.
 */
export function skipLiterals(text: Buffer, from: number, limit: number): number {
  let at = from;
  for (;;) {
    while (at < limit && notableInRows[text[at] ?? 0] === 0) at++;
    if (at >= limit) return at;
    const byte = text[at];
    if (byte === single) {
      at = skipString(text, at + 1, limit, single);
      if (at < 0) return at;
    } else if (
      // A number below zero, and a digit in hexadecimal: no comment, and no DELIMITER.
      (byte === dash && text[at + 1] !== dash) ||
      (small(byte) === 0x64 && (small(text[at + 1]) !== 0x65 || small(text[at + 2]) !== 0x6c))
    ) {
      at++;
    } else {
      return at;
    }
  }
}

/**
 * From a place within a string on, behind the quote that ends it; else the complement (`~`) of the first place at or after
 * `limit`. A doubled quote ends one string and begins another, which comes to the same.
 */
export function skipString(text: Buffer, from: number, limit: number, quote: number): number {
  let at = from;
  for (; at < limit; at++) {
    const byte = text[at];
    if (byte === quote) return at + 1;
    if (byte === backslash) at++;
  }
  return ~at;
}
