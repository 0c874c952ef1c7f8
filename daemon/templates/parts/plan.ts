/** Whether a new version can be made of the current one, by loading only the tables that differ. */
import { engineOf } from '../../engines/engines.ts';
import { MyaasError } from '../../errors/error.ts';
import type { Manifest } from '../catalogue.ts';
import type { Companions } from '../companions.ts';
import type { Dump, FileDump } from '../dumps.ts';
import { readDumpInPlace } from '../formats/reader.ts';
import type { ImporterDeps, ImportOrder, OnProgress } from '../run.ts';
import { changesBetween, type Changes, type DumpParts } from './dump-parts.ts';
import { keyOf, PartReader } from './part-reader.ts';
import type { Places } from './places.ts';
import { Scan } from './scan.ts';
import { candidates, findTails, type Tail } from './tails.ts';

/** How to make a version of the one before. */
export interface Update {
  readonly former: Manifest;
  readonly changes: Changes;
  readonly tails: readonly Tail[];
  /** Of the dump now. */
  readonly parts: DumpParts;
  /** What of the dump's text is not run. */
  readonly leftOut: Places;
  /** Of what is run. */
  readonly loadBytes: number;
  /** Of the dump that was looked at. */
  readonly sha256: string;
}

/** Hooks may change any table, and masks all that is in them: what they are applied to must be what was in the dump. */
const isUntouched = ({ dump }: Manifest, { hook, script, mask }: Companions): boolean =>
  !hook && !script && !mask && ![dump.hookSha256, dump.scriptSha256, dump.maskSha256].some(Boolean);

/** Whether a dump can be compared with what a version was made of, part by part. */
export const isComparable = (former: Manifest, dump: Dump): dump is FileDump =>
  former.parts !== undefined &&
  dump.format === 'file' &&
  isUntouched(former, dump.companions) &&
  former.maskRequired !== true;

/** Whether nothing is to be loaded. */
export const isSame = ({ changes: { load, drop }, tails }: Update): boolean =>
  load.length + drop.length + tails.length === 0;

/**
 * Reads the dump once. Undefined when only a full load is sure to come to the same; what is the matter with a dump that
 * can't be read that tells, too. Throws when the signal aborts.
 */
export async function planUpdate(
  { catalogue, config }: ImporterDeps,
  { dump, image, signal, onProgress }: Omit<ImportOrder, 'version' | 'bulk' | 'loadBytes'>,
): Promise<Update | undefined> {
  const engine = engineOf(image.engine);
  const former = catalogue.current(dump.template);
  if (!former?.parts || !isComparable(former, dump) || !engine.bulk || !engine.adopt) return undefined;
  if (former.engine !== engine.name || former.engineSeries !== image.series) return undefined;
  if (former.username !== config.dbUsername) return undefined;
  const reader = new PartReader(config.dbDatabase ?? dump.template, engine.systemDatabases, {
    former: former.parts,
  });
  try {
    const sha256 = await readParts(dump, reader, signal, onProgress);
    const read = reader.finish();
    if (sha256 === undefined || !read) return undefined;
    const possible = candidates(former.parts, read, config.memoryLimitBytes);
    if (!changesBetween(former.parts, read.parts, possible)) return undefined;
    const tails = await findTails(dump, read, possible, signal);
    const withTails = new Set(tails.keys());
    const changes = changesBetween(former.parts, read.parts, withTails);
    if (!changes) return undefined;
    const leftOut = read.placesOf(new Set(changes.keep.map(keyOf)), withTails);
    const loadBytes = reader.offset - leftOut.sizeBytes;
    return {
      ...{ former, changes, leftOut, loadBytes, sha256 },
      tails: [...tails.values()],
      parts: read.parts,
    };
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof MyaasError) return undefined;
    throw error;
  }
}

/** The hash of the dump as it is, packed; undefined when it was not read to its end. */
async function readParts(
  dump: FileDump,
  parts: PartReader,
  signal: AbortSignal,
  onProgress: OnProgress,
): Promise<string | undefined> {
  const progress = { phase: 'comparing', totalBytes: dump.sizeBytes, secondsLeft: null };
  let toldBytes = 0;
  const reading = await readDumpInPlace(dump, signal, (doneBytes) => {
    if (doneBytes - toldBytes < dump.sizeBytes / 100) return;
    toldBytes = doneBytes;
    onProgress({ ...progress, doneBytes });
  });
  const scan = new Scan(parts);
  for await (const chunk of reading.text) {
    scan.push(chunk);
    if (parts.isUnclear) return undefined;
  }
  scan.end();
  return reading.summarize().sha256;
}
