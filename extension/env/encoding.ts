/**
 * Bytes as text and back without loss: what is not UTF-8, in an old Latin-1 file say, becomes lone surrogates, one a
 * byte, as in Python's "surrogateescape" (PEP 383).
 */
import { isUtf8 } from 'node:buffer';

/** A sequence of UTF-8 (RFC 3629, section 4) among bytes given as Latin-1, or a byte that is in none. */
const sequence =
  /[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]{2}|\xed[\x80-\x9f][\x80-\xbf]|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}|\xf4[\x80-\x8f][\x80-\xbf]{2}|[\x80-\xff]/g;
const loneByte = /([\udc80-\udcff])/u;

export function decodeText(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString('utf8');
  return bytes
    .toString('latin1')
    .replace(sequence, (found) =>
      found.length > 1
        ? Buffer.from(found, 'latin1').toString('utf8')
        : String.fromCharCode(0xdc00 + found.charCodeAt(0)),
    );
}

export function encodeText(text: string): Buffer {
  return Buffer.concat(
    text
      .split(loneByte)
      .map((part) => (loneByte.test(part) ? Buffer.from([part.charCodeAt(0) - 0xdc00]) : Buffer.from(part))),
  );
}
