/** What was found so far, part by part, in a file that stays: a run of some parts leaves the others as they are. */
import { readFile, writeFile } from 'node:fs/promises';
import { availableParallelism, loadavg, totalmem } from 'node:os';
import { format, resolveConfig } from 'prettier';
import { hasErrno } from '../../../daemon/errors/error.ts';
import type { Finding } from './finding.ts';

export const recordFile = 'test/bench/instant.json';

export interface Recorded extends Finding {
  readonly title: string;
  readonly measuredAt: string;
  readonly machine: { readonly cores: number; readonly memoryGib: number };
  /** Processes that wanted to run, on average of a minute: before, when nothing of ours ran, and at the end. */
  readonly load: { readonly before: number; readonly after: number };
}

export type Results = Readonly<Record<string, Recorded>>;

export const loadNow = (): number => Math.round((loadavg()[0] ?? 0) * 100) / 100;

const rounded = (figures: readonly number[]) => figures.map((figure) => Math.round(figure * 100) / 100);

/** Adds to a finding when and on what it was measured. */
export function recorded(title: string, { series, verdicts }: Finding, loadBefore: number): Recorded {
  return {
    title,
    measuredAt: new Date().toISOString(),
    machine: { cores: availableParallelism(), memoryGib: Math.round(totalmem() / 2 ** 30) },
    load: { before: loadBefore, after: loadNow() },
    verdicts: verdicts.map((verdict) => ({
      ...verdict,
      measured: Math.round(verdict.measured * 1000) / 1000,
    })),
    series: Object.fromEntries(Object.entries(series).map(([name, figures]) => [name, rounded(figures)])),
  };
}

/** Empty when nothing was measured yet. */
export async function readRecord(): Promise<Results> {
  try {
    return JSON.parse(await readFile(recordFile, 'utf8')) as Results;
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return {};
    throw error;
  }
}

export async function writeRecord(record: Results): Promise<void> {
  const options = await resolveConfig(recordFile);
  await writeFile(recordFile, await format(JSON.stringify(record), { ...options, parser: 'json' }));
}
