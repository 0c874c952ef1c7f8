/**
 * A dump from the command to the published version: `npm run bench -- import [PART…]`. Every figure stands beside what is
 * promised of it, and beside what else there is, measured on the same machine in the same run.
 * `MYAAS_BENCH_IMPORT_MB` is the size of the dumps.
 */
import { table } from './figures.ts';
import { against } from './import/against.ts';
import { changed } from './import/changed.ts';
import { claims } from './import/claims.ts';
import { peakMemory } from './import/memory.ts';
import { mysqlImport } from './import/mysql.ts';
import { reader } from './import/reader.ts';
import { small } from './import/small.ts';
import { verdictLine, type Part } from './instant/finding.ts';
import { buildBundle } from './instant/host.ts';
import { loadNow } from './instant/record.ts';

export const importParts: Readonly<Record<string, Part>> = {
  against,
  changed,
  claims,
  memory: peakMemory,
  mysql: mysqlImport,
  reader,
  small,
};

/** Measures the parts named, all when none is. */
export async function benchImport(names: readonly string[]): Promise<void> {
  await buildBundle();
  for (const name of names.length > 0 ? names : Object.keys(importParts)) {
    const part = importParts[name];
    if (!part) continue;
    const before = loadNow();
    const { series, verdicts } = await part.measure();
    console.log(`\n${part.title} (load ${String(before)} before, ${String(loadNow())} after)\n`);
    const rows = Object.entries(series);
    if (rows.length > 0) console.log(`ms\n${table(rows)}\n`);
    for (const verdict of verdicts) console.log(verdictLine(verdict));
  }
}
