/** The key of a mask, as HMAC wants it (RFC 2104), for servers that have SHA-256 and no HMAC. */
import { createHash } from 'node:crypto';

const blockBytes = 64;

/** In hex: what stands before the value in the inner hash, and before that in the outer one. */
export function paddedKey(key: Buffer): { readonly inner: string; readonly outer: string } {
  const short = key.length > blockBytes ? createHash('sha256').update(key).digest() : key;
  const block = Buffer.concat([short, Buffer.alloc(blockBytes)]).subarray(0, blockBytes);
  const padded = (pad: number): string => Buffer.from(block.map((byte) => byte ^ pad)).toString('hex');
  return { inner: padded(0x36), outer: padded(0x5c) };
}
