/** What a run has found, told as it goes and summed up at its end. */
import type { Scene } from './inspect.ts';
import { kinds, steps } from './world.ts';

/** A run of hours shows that it is alive. */
const killsPerReport = 250;

export class Journal {
  readonly #scene: Scene;
  readonly #seed: string;
  readonly #defects = new Set<string>();
  readonly #startedMs = performance.now();
  #rounds = 0;
  #toldKills = 0;

  constructor(scene: Scene, seed: string) {
    this.#scene = scene;
    this.#seed = seed;
    console.log(`      seed ${seed}`);
  }

  get rounds(): number {
    return this.#rounds;
  }

  get kills(): number {
    return [...this.#scene.world.kills.values()].reduce((sum, count) => sum + count, 0);
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
    if (this.kills >= this.#toldKills + killsPerReport) this.tell(' so far');
  }

  note(when: string, found: readonly string[]): void {
    for (const defect of found.filter((each) => !this.#defects.has(each))) {
      this.#defects.add(defect);
      console.log(`      ${when}: ${defect}`);
    }
    const { logs, host } = this.#scene.world;
    if (found.length > 0) console.log([...logs, host.serve.log].join('\n'));
  }

  /** `end`: why the killing has come to an end. */
  tell(end: string): void {
    const { world, operator, editions } = this.#scene;
    this.#toldKills = this.kills;
    const kills = kinds.map((kind) => `${kind} ${String(world.kills.get(kind) ?? 0)}`);
    const struck = steps.map((step) => `${step} ${String(world.struck.get(step) ?? 0)}`);
    const count = (what: string) => String(this.defects.filter((each) => each.startsWith(what)).length);
    const perMinute = (60_000 * this.kills) / this.ms;
    const lines = [
      `${String(this.kills)} kills survived in ${(this.ms / 1000).toFixed(0)} s${end}; ${perMinute.toFixed(0)} a minute`,
      `killed: ${kills.join(', ')}`,
      `hit while at: ${struck.join(', ')}`,
      `${String(this.#rounds)} inspections, ${String(editions.looks)} looks into instances, ${operator.summary}`,
      `leaks ${count('leaked')}, acknowledged instances lost ${count('lost')}, seed ${this.#seed}`,
    ];
    for (const line of lines) console.log(`      ${line}`);
  }
}
