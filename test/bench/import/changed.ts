/** What has not changed since the import before is not loaded anew: against a full load in the same round, and a hash. */
import { appendFile, rm } from 'node:fs/promises';
import { execa } from 'execa';
import type { TestHost } from '../../support/daemon.ts';
import { median } from '../figures.ts';
import type { Finding, Part } from '../instant/finding.ts';
import { timed } from '../instant/host.ts';
import { tableCount, writeShopDump } from '../shop-dump.ts';
import { importHost, sizeBytes } from './host.ts';
import { importAll } from './job.ts';

const rounds = 3;

interface Round {
  readonly full: number;
  readonly changed: number;
  readonly grown: number;
  readonly renewed: number;
  readonly hashed: number;
  readonly packed: number;
  readonly unpacked: number;
}

/** Milliseconds of each. The number of the round is that of the table that changes in it. */
async function measureRound(host: TestHost, round: number): Promise<Round> {
  const dump = `${host.dumpsDir}/shop.sql`;
  const importMs = async (force = false) => (await importAll(host, force)).totalSeconds * 1000;
  await writeShopDump(dump, sizeBytes);
  const full = await importMs(true);
  await writeShopDump(dump, sizeBytes, { changed: round });
  const changed = await importMs();
  await writeShopDump(dump, sizeBytes, { changed: round, grown: round });
  const grown = await importMs();
  await appendFile(dump, `-- Dump completed on day ${String(round)}\n`);
  const renewed = await importMs();
  const hashed = await timed(async () => {
    await execa('sha256sum', [dump]);
  });
  await execa('zstd', ['-q', '-1', '--rm', dump]);
  const packed = await importMs();
  // As a shell would do it, on two cores.
  const unpacked = await timed(async () => {
    await execa('zstd', ['-dc', `${dump}.zst`], { buffer: false }).pipe('sha256sum');
  });
  await rm(`${dump}.zst`);
  return { full, changed, grown, renewed, hashed, packed, unpacked };
}

async function measure(): Promise<Finding> {
  await using host = await importHost();
  const all: Round[] = [];
  for (let round = 0; round < rounds; round++) all.push(await measureRound(host, round));
  const series = (name: keyof Round) => all.map((round) => round[name]);
  const ratio = (name: keyof Round, by: keyof Round) => median(all.map((round) => round[name] / round[by]));
  return {
    series: {
      'a full load': series('full'),
      [`one table of ${String(tableCount)} has other rows`]: series('changed'),
      [`one table of ${String(tableCount)} has a twentieth more`]: series('grown'),
      'another file, the same tables': series('renewed'),
      'sha256sum of it': series('hashed'),
      'the same, packed': series('packed'),
      'zstd -dc | sha256sum of it': series('unpacked'),
    },
    verdicts: [
      {
        what: 'one table with none but other rows, of a full load',
        measured: 100 * ratio('changed', 'full'),
        unit: '%',
        atMost: 10,
      },
      {
        what: 'one table with a twentieth more rows, of a full load',
        measured: 100 * ratio('grown', 'full'),
        unit: '%',
        atMost: 10,
      },
      { what: 'the same tables, of a full load', measured: 100 * ratio('renewed', 'full'), unit: '%' },
      { what: 'the same tables / their hash', measured: ratio('renewed', 'hashed'), unit: '×', atMost: 1 },
      {
        what: 'the same tables, packed / unpacking and hashing',
        measured: ratio('packed', 'unpacked'),
        unit: '×',
        atMost: 1,
      },
    ],
  };
}

export const changed: Part = { title: 'Import of only what changed', measure };
