/**
 * `npm run soak -- [--minutes N] [--clients N] [--seed S]`: several clients make, use, reset, sleep, wake and delete for
 * so long, while templates are imported anew; writes `soak.json` and `soak.svg`, and ends with 1 when memory or file
 * descriptors grow, anything is left in the end, or an answer was wrong.
 */
import { writeFile } from 'node:fs/promises';
import { setInterval as ticks } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { format, resolveConfig } from 'prettier';
import { buildBundle, openHost } from '../bench/instant/host.ts';
import { remains } from '../faults/leaks.ts';
import { Random } from '../faults/random.ts';
import { openWorkshop } from '../support/workshop.ts';
import { SoakClient } from './client.ts';
import { takeSample, type Sample } from './sample.ts';
import { Tally } from './tally.ts';
import { trendsOf } from './verdict.ts';
import { writePlot } from './plot.ts';

const resultsFile = 'test/soak/soak.json';
const plotFile = 'test/soak/soak.svg';
const templates = ['shop', 'crm'];
const dump =
  'create table written (id int auto_increment primary key, text varchar(1000));' +
  'create table filled (id int primary key, text varchar(1000)); insert into filled select seq, repeat(md5(seq), 30) from seq_1_to_2000;';
/** As many as a plot can show. */
const mostSamples = 300;
const betweenImportsMs = 90_000;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    clients: { type: 'string', default: '4' },
    seed: { type: 'string', default: String(Date.now()) },
  },
});
const [minutes, clientCount] = [Number(values.minutes), Number(values.clients)];
if (!(minutes > 0) || !(clientCount >= 1)) throw new Error('Give a number of minutes, and of clients.');
const durationMs = minutes * 60_000;

const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupted.abort());

await buildBundle();
await using workshop = await openWorkshop((line) => console.error(line), interrupted.signal);
Object.assign(process.env, workshop.environment);
await using host = await openHost('1-2', 8 * clientCount);
for (const template of templates) await host.importDump(template, dump);

console.log(`${String(minutes)} minutes, ${String(clientCount)} clients, seed ${values.seed}`);
const tally = new Tally();
const random = new Random(values.seed);
const samples: Sample[] = [];
const over = AbortSignal.any([AbortSignal.timeout(durationMs), interrupted.signal]);
await Promise.all([
  sampleUntil(over),
  importUntil(over),
  ...Array.from({ length: clientCount }, (_, index) => {
    const name = `client-${String(index)}`;
    return new SoakClient(host, name, templates, random.of(name), tally).work(over);
  }),
]);

const left = await clearAway();
const trends = trendsOf(samples);
await record();
for (const { figure, median, growth, allowed, flat } of trends) {
  const bounds = `${growth.toFixed(1)} of ${allowed.toFixed(1)} allowed`;
  console.log(
    `${flat ? 'flat ' : 'GROWS'} ${figure.padEnd(18)} median ${median.toFixed(1)}, growth ${bounds}`,
  );
}
for (const problem of [...left, ...tally.failures]) console.log(problem);
const isSound = trends.every(({ flat }) => flat) && left.length === 0 && tally.failures.length === 0;
console.log(`${String(tally.operations)} operations: ${isSound ? 'nothing leaks' : 'NOT SOUND'}`);
process.exitCode = isSound ? 0 : 1;

/** Ends with `signal`. */
async function sampleUntil(signal: AbortSignal): Promise<void> {
  const startedMs = performance.now();
  const everyMs = Math.max(1000, durationMs / mostSamples);
  try {
    for await (const _ of ticks(everyMs, undefined, { signal }))
      samples.push(await takeSample(host, (performance.now() - startedMs) / 1000, tally.operations));
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

/** As an operator's nightly timer, only more often. */
async function importUntil(signal: AbortSignal): Promise<void> {
  try {
    for await (const _ of ticks(betweenImportsMs, undefined, { signal })) {
      const job = await tally.time('import', () => host.update([random.pick(templates) ?? ''], true));
      if (job.state !== 'succeeded') tally.fail('import', job.imports);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

/** Deletes all, and says what is there still. */
async function clearAway(): Promise<string[]> {
  for (const { id } of host.registry.instances()) {
    const { status, text } = await host.api('DELETE', `/v1/instances/${id}?force=1`);
    if (status !== 204 && status !== 404) tally.fail(`last delete of ${id}`, text);
  }
  await host.serve.stop();
  return remains(host);
}

async function record(): Promise<void> {
  const result = {
    measuredAt: new Date().toISOString(),
    minutes,
    clients: clientCount,
    seed: values.seed,
    ...tally.summary(),
    left,
    trends,
    samples,
  };
  const rounded = JSON.stringify(result, (_key, value: unknown) =>
    typeof value === 'number' ? Math.round(value * 100) / 100 : value,
  );
  const options = await resolveConfig(resultsFile);
  await writeFile(resultsFile, await format(rounded, { ...options, parser: 'json' }));
  await writePlot(plotFile, samples);
}
