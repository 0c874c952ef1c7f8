import type { TablesProgress } from '../contract/templates.ts';
import type { ImportRun } from './run.ts';

const tellEveryMs = 250;

/** Takes the bytes of a dump that were read so far; tells of them, and of the time left, at most four times a second. */
export function readMeter(run: ImportRun): (doneBytes: number, tables?: TablesProgress) => void {
  const startedMs = performance.now();
  let toldMs = 0;
  return (doneBytes, tables) => {
    const nowMs = performance.now();
    if (doneBytes === 0 || (nowMs - toldMs < tellEveryMs && doneBytes < run.dump.sizeBytes)) return;
    toldMs = nowMs;
    const elapsedMs = nowMs - startedMs;
    const leftMs = (elapsedMs / doneBytes) * (run.dump.sizeBytes - doneBytes);
    run.report(doneBytes, elapsedMs < 1000 ? null : Math.round(leftMs / 1000), tables);
  };
}

/** The same for a dump of many files, each of which tells for itself how far it was read. */
export function filesMeter(run: ImportRun): () => (doneBytes: number) => void {
  const tell = readMeter(run);
  let totalBytes = 0;
  return () => {
    let ownBytes = 0;
    return (doneBytes) => {
      totalBytes += doneBytes - ownBytes;
      ownBytes = doneBytes;
      tell(totalBytes);
    };
  };
}
