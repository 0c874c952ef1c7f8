/** What a run has found, told as it goes and summed up at its end. */
import type { Scene } from './inspect.ts';
import { kinds, steps } from './world.ts';

/** A run of hours shows that it is alive. */
const roundsPerReport = 50;

export class Journal {
  readonly #scene: Scene;
  readonly #seed: string;
  readonly #defects = new Set<string>();
  readonly #startedMs = performance.now();
  #rounds = 0;

  constructor(scene: Scene, seed: string) {
    this.#scene = scene;
    this.#seed = seed;
    console.log(`      seed ${seed}`);
  }

  get ms(): number {
    return performance.now() - this.#startedMs;
  }

  get defects(): readonly string[] {
    return [...this.#defects];
  }

  /** What was wrong after a round, with the last words of the daemons. */
  round(hits: readonly string[], found: readonly string[]): void {
    this.note(`round ${String(this.#rounds++)} (${hits.join(', ')})`, found);
    if (this.#rounds % roundsPerReport === 0) this.tell();
  }

  note(when: string, found: readonly string[]): void {
    for (const defect of found.filter((each) => !this.#defects.has(each))) {
      this.#defects.add(defect);
      console.log(`      ${when}: ${defect}`);
    }
    const { logs, host } = this.#scene.world;
    if (found.length > 0) console.log([...logs, host.serve.log].join('\n'));
  }

  tell(): void {
    const { world, operator, editions } = this.#scene;
    const kills = kinds.map((kind) => [kind, world.kills.get(kind) ?? 0] as const);
    const total = kills.reduce((sum, [, count]) => sum + count, 0);
    const struck = steps.map((step) => `${step} ${String(world.struck.get(step) ?? 0)}`);
    const leaks = this.defects.filter((each) => each.startsWith('leaked')).length;
    const lost = this.defects.filter((each) => each.startsWith('lost')).length;
    console.log(
      `      ${String(this.#rounds)} rounds in ${(this.ms / 1000).toFixed(0)} s: ${String(total)} kills survived ` +
        `(${kills.map(([kind, count]) => `${kind} ${String(count)}`).join(', ')}), hit while at: ${struck.join(', ')}; ${operator.summary}, ` +
        `${String(editions.looks)} looks into instances, leaks ${String(leaks)}, ` +
        `acknowledged instances lost ${String(lost)}, seed ${this.#seed}`,
    );
  }
}
