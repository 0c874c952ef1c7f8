/**
 * How fast a database is there, and what those cost that nobody uses: `npm run bench -- instant [PART…]`. Every figure
 * stands beside what is promised of it, and beside a floor or a peer measured in turns with it in the same run.
 * `instant/settings.ts` says how much is measured. Results stay in `instant.json`, the distributions in `instant.svg`.
 */
import { table } from './figures.ts';
import { burst } from './instant/burst.ts';
import { claim, size } from './instant/claim.ts';
import { verdictLine, type Part } from './instant/finding.ts';
import { buildBundle } from './instant/host.ts';
import { writePlot } from './instant/plot.ts';
import { loadNow, readRecord, recorded, recordFile, writeRecord, type Recorded } from './instant/record.ts';
import { sleepers } from './instant/sleepers.ts';
import { empty, reset, wake } from './instant/start.ts';

export const instantParts: Readonly<Record<string, Part>> = {
  claim,
  size,
  empty,
  reset,
  wake,
  burst,
  sleepers,
};

function print({ title, series, verdicts, load }: Recorded): void {
  const rounds = Math.max(...Object.values(series).map(({ length }) => length));
  console.log(
    `\n${title} (up to ${String(rounds)} rounds; load ${String(load.before)} before, ${String(load.after)} after), ms\n`,
  );
  console.log(table(Object.entries(series)));
  console.log();
  for (const verdict of verdicts) console.log(verdictLine(verdict));
}

/** Measures the parts named, all when none is. */
export async function benchInstant(names: readonly string[]): Promise<void> {
  await buildBundle();
  for (const name of names.length > 0 ? names : Object.keys(instantParts)) {
    const part = instantParts[name];
    if (!part) continue;
    const loadBefore = loadNow();
    const found = recorded(part.title, await part.measure(), loadBefore);
    print(found);
    const record = { ...(await readRecord()), [name]: found };
    await writeRecord(record);
    await writePlot(record);
  }
  console.log(`\nAll of it: ${recordFile}`);
}
