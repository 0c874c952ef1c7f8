/**
 * `npm run bench -- [create|density|extension|gate|import [against|changed|claims|memory|reader|small]|neighbours|reconcile|
 * instant [claim|size|empty|reset|wake|burst|sleepers …] …]`: figures of this machine, as ratios to a floor or a peer
 * measured in the same run, in turns, so that a noisy machine is unfair to all alike.
 */
import { openWorkshop } from '../support/workshop.ts';
import { benchImport, importParts } from './import.ts';
import { benchInstant, instantParts } from './instant.ts';

interface Bench {
  /** What can be chosen of it, by names after its own. */
  readonly parts?: readonly string[];
  run(parts: readonly string[]): Promise<void>;
}

const benches: Readonly<Record<string, Bench>> = {
  create: { run: async () => (await import('./create.ts')).benchCreate() },
  density: { run: async () => (await import('./density.ts')).benchDensity() },
  extension: { run: async () => (await import('./extension.ts')).benchExtension() },
  gate: { run: async () => (await import('./gate.ts')).benchGate() },
  import: { parts: Object.keys(importParts), run: benchImport },
  neighbours: { run: async () => (await import('./neighbours.ts')).benchNeighbours() },
  reconcile: { run: async () => (await import('./reconcile.ts')).benchReconcile() },
  instant: { parts: Object.keys(instantParts), run: benchInstant },
};

interface Chosen {
  readonly bench: Bench;
  readonly parts: string[];
}

function refuse(why: string): never {
  console.error(why);
  process.exit(2);
}

/** By the names of benchmarks, each with those of its parts behind it; all when nothing is named. */
function choose(args: readonly string[]): Chosen[] {
  const chosen: Chosen[] = [];
  for (const arg of args) {
    const last = chosen.at(-1);
    const bench = benches[arg];
    if (last?.bench.parts?.includes(arg)) last.parts.push(arg);
    else if (bench) chosen.push({ bench, parts: [] });
    else {
      const names = last?.bench.parts ?? Object.keys(benches);
      refuse(`There is no benchmark "${arg}" here. There are: ${names.join(', ')}.`);
    }
  }
  return chosen.length > 0 ? chosen : Object.values(benches).map((bench) => ({ bench, parts: [] }));
}

const chosen = choose(process.argv.slice(2));
const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupted.abort());

await using workshop = await openWorkshop((line) => console.error(line), interrupted.signal);
Object.assign(process.env, workshop.environment);
for (const { bench, parts } of chosen) await bench.run(parts);
