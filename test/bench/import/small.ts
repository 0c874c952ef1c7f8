/** A small dump: what every import costs, whatever is in it, by its phases. */
import { copyFile } from 'node:fs/promises';
import type { Finding, Part } from '../instant/finding.ts';
import { importHost } from './host.ts';
import { importAll } from './job.ts';

const rounds = 5;
const dump = new URL('../../data/chinook.sql', import.meta.url);

async function measure(): Promise<Finding> {
  await using host = await importHost();
  await copyFile(dump, `${host.dumpsDir}/chinook.sql`);
  // The first one of an image has a data directory made.
  const first = await importAll(host, true);
  const series: Record<string, number[]> = { 'the first of all': [first.totalSeconds * 1000] };
  for (let round = 0; round < rounds; round++) {
    const { phases, totalSeconds } = await importAll(host, true);
    for (const [phase, seconds] of [...phases, ['all of it', totalSeconds] as const])
      (series[phase] ??= []).push(seconds * 1000);
  }
  return { series, verdicts: [] };
}

export const small: Part = { title: 'Import of a small dump', measure };
