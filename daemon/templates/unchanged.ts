import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import type { Manifest } from './catalogue.ts';
import { hashCompanions, type CompanionHashes } from './companions.ts';
import type { Dump } from './dumps.ts';
import { fingerprint, hashTree } from './formats/tree.ts';
import { isComparable } from './parts/plan.ts';

/**
 * Whether a version was made of exactly this dump and its companions. Reads the dump only if size and time leave doubt, and
 * not when it is going to be compared part by part, which tells as well.
 */
export async function isUnchanged(version: Manifest, dump: Dump, signal: AbortSignal): Promise<boolean> {
  const { dump: former } = version;
  if (former.sizeBytes !== dump.sizeBytes) return false;
  // Versions of before there were such companions say nothing of them.
  const then = { scriptSha256: null, maskSha256: null, engineSha256: null, ...former };
  const now = await hashCompanions(dump.companions);
  if (keysOf(now).some((key) => now[key] !== then[key])) return false;
  const looksTheSame =
    dump.format === 'file'
      ? former.modifiedMs === dump.modifiedMs
      : former.fingerprint === fingerprint(dump.files);
  if (looksTheSame && former.file === dump.file) return true;
  if (isComparable(version, dump)) return false;
  return (await hashOf(dump, signal)) === former.sha256;
}

const keysOf = (hashes: CompanionHashes) => Object.keys(hashes) as (keyof CompanionHashes)[];

/** The hash of a dump as it is, packed. */
export async function hashOf(dump: Dump, signal: AbortSignal): Promise<string> {
  if (dump.format !== 'file') return hashTree(dump.path, dump.format, dump.files, signal);
  const hash = createHash('sha256');
  await pipeline(createReadStream(dump.path), hash, { signal });
  return hash.digest('hex');
}
