/** `npm run fuzz -- [--requests N] [--seed S]`: the HTTP API of a real MyAAS; ends with 1 when it has a defect. */
import { parseArgs } from 'node:util';
import { openWorkshop } from '../support/workshop.ts';
import { fuzz, openTarget } from './api.ts';

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '100000' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
  },
});
const [requests, seed] = [Number(values.requests), Number(values.seed)];
if (!(requests >= 1) || !Number.isInteger(seed)) throw new Error('Give numbers of requests, and as a seed.');

const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupted.abort());

await using workshop = await openWorkshop((line) => console.error(line), interrupted.signal);
Object.assign(process.env, workshop.environment);
await using host = await openTarget();
console.log(`seed ${values.seed}`);
const startedMs = performance.now();
const onProgress = (done: number) => {
  if (done % 5000 === 0) console.error(`${String(done)} of ${String(requests)}`);
};
const { defects, statuses, slowest, ...run } = await fuzz(host, {
  requests,
  seed,
  signal: interrupted.signal,
  onProgress,
});
for (const defect of defects) console.log(`\n${defect}`);
console.log(statuses);
console.log(`slowest: ${slowest.ms.toFixed()} ms, ${slowest.sent}`);
const seconds = Math.round((performance.now() - startedMs) / 1000);
console.log(`${String(run.requests)} requests in ${String(seconds)} s, ${String(defects.length)} defects`);
process.exitCode = defects.length === 0 ? 0 : 1;
