/** What has not changed since the import before is not loaded anew. */
import { appendFile } from 'node:fs/promises';
import { execa } from 'execa';
import type { Finding, Part } from '../instant/finding.ts';
import { timed } from '../instant/host.ts';
import { tableCount, writeShopDump } from '../shop-dump.ts';
import { importHost, sizeBytes } from './host.ts';
import { importAll } from './job.ts';

async function measure(): Promise<Finding> {
  await using host = await importHost();
  const dump = `${host.dumpsDir}/shop.sql`;
  await writeShopDump(dump, sizeBytes);
  const full = (await importAll(host, true)).totalSeconds;
  const touched = (await importAll(host, false)).totalSeconds;
  await writeShopDump(dump, sizeBytes, 7);
  const changed = (await importAll(host, false)).totalSeconds;
  await appendFile(dump, '-- Dump completed on another day\n');
  const renewed = (await importAll(host, false)).totalSeconds;
  const hashMs = await timed(async () => {
    await execa('sha256sum', [dump]);
  });
  return {
    series: {
      'a full load': [full * 1000],
      'the same dump once more': [touched * 1000],
      [`one table of ${String(tableCount)} changed`]: [changed * 1000],
      'another file, the same tables': [renewed * 1000],
      'sha256sum of the dump': [hashMs],
    },
    verdicts: [
      { what: 'one table changed, of a full load', measured: (100 * changed) / full, unit: '%', atMost: 10 },
      { what: 'another file, the same tables, of a full load', measured: (100 * renewed) / full, unit: '%' },
      { what: 'the same dump / its hash', measured: (touched * 1000) / hashMs, unit: '×', atMost: 1 },
    ],
  };
}

export const changed: Part = { title: 'Import of only what changed', measure };
