/** How long instances live. */
import { errors } from '../errors/errors.ts';

const unitSeconds: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };
const maxTtlSeconds = 10 * 366 * 86_400;

/** A lease in seconds, `null` for ever. Takes seconds as number or text, "8h", "7d", "never". Throws `MYAAS_BAD_TTL`. */
export function parseTtlSeconds(ttl: number | string): number | null {
  const text = String(ttl).trim();
  if (text.toLowerCase() === 'never') return null;
  const match = /^(\d+(?:\.\d+)?)\s*([smhdw]?)$/i.exec(text);
  if (!match)
    throw errors.badTtl(text, text.startsWith('-') ? 'it is negative' : 'it is not a length of time');
  const seconds = Number(match[1]) * (unitSeconds[(match[2] ?? '').toLowerCase()] ?? 1);
  if (seconds < 1) throw errors.badTtl(text, 'it is shorter than a second');
  if (seconds > maxTtlSeconds) throw errors.badTtl(text, 'it is longer than 10 years');
  return Math.floor(seconds);
}

/** The same the other way, exactly: `7d`. */
export function leaseText(ttlSeconds: number): string {
  const [unit, factor] = (['d', 'h', 'm'] as const)
    .map((each) => [each, unitSeconds[each] ?? 1] as const)
    .find(([, seconds]) => ttlSeconds % seconds === 0) ?? ['s', 1];
  return `${String(ttlSeconds / factor)}${unit}`;
}

/** When a lease that begins now ends; `null`: never. */
export function leaseEnd(ttlSeconds: number | null): string | null {
  return ttlSeconds === null ? null : new Date(Date.now() + ttlSeconds * 1000).toISOString();
}

/** Checks a time that a client asks a lease to end at. Throws `MYAAS_BAD_TTL`. */
export function parseExpiresAt(text: string): string {
  const atMs = Date.parse(text);
  if (Number.isNaN(atMs) || !/^\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)$/i.test(text))
    throw errors.badTtl(text, 'it is not an RFC 3339 time');
  if (atMs <= Date.now()) throw errors.badTtl(text, 'it is in the past');
  if (atMs > Date.now() + maxTtlSeconds * 1000) throw errors.badTtl(text, 'it is more than 10 years away');
  return new Date(atMs).toISOString();
}
