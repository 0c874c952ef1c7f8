/**
 * `npm run bench -- [create|density|extension|gate …]`: figures of this machine, as ratios to a floor or a peer measured in the same run,
 * in turns, so that a noisy machine is unfair to all alike.
 */
import { openWorkshop } from '../support/workshop.ts';

const benches: Readonly<Record<string, () => Promise<void>>> = {
  create: async () => (await import('./create.ts')).benchCreate(),
  density: async () => (await import('./density.ts')).benchDensity(),
  extension: async () => (await import('./extension.ts')).benchExtension(),
  gate: async () => (await import('./gate.ts')).benchGate(),
};

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !(name in benches));
if (unknown.length > 0) {
  console.error(
    `There is no benchmark "${unknown.join('", "')}". There are: ${Object.keys(benches).join(', ')}.`,
  );
  process.exit(2);
}

const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupted.abort());

await using workshop = await openWorkshop((line) => console.error(line), interrupted.signal);
Object.assign(process.env, workshop.environment);
for (const name of wanted.length > 0 ? wanted : Object.keys(benches)) await benches[name]?.();
