/** One who imports new dumps and deletes templates, now and then. */
import { once } from 'node:events';
import type { Job, Template } from '../../daemon/contract/templates.ts';
import type { Editions } from './editions.ts';
import type { Random } from './random.ts';
import type { World } from './world.ts';

/** Imports take long: most rounds are without one, so that there are many. */
const chances = { import: 0.3, removal: 0.2 } as const;
/** What an import is doing when the killing begins; the last is its end. */
const phases = [
  'initialising',
  'starting',
  'loading',
  'accounts',
  'statistics',
  'shutdown',
  'settling',
  'trial clone',
  'publishing',
  'imported',
] as const;
/** This one comes and goes; the other stays. */
const brief = 'brief';

export class Operator {
  readonly #world: World;
  readonly #editions: Editions;
  /** Templates there were when somebody last looked. */
  templates: readonly string[] = ['shop', brief];
  /** Templates whose instances may go with them in this round. */
  readonly doomed = new Set<string>();
  /** Whether an import is under way, as soon as it has come as far as it is to come before anything is killed. */
  isWhereItMatters: Promise<boolean> = Promise.resolve(false);
  readonly #done = { imports: 0, removals: 0 };

  constructor(world: World, editions: Editions) {
    this.#world = world;
    this.#editions = editions;
  }

  get summary(): string {
    const { imports, removals } = this.#done;
    return `${String(imports)} imports and ${String(removals)} deletions of templates begun`;
  }

  /** Returns when what was begun has ended, or was killed. */
  async work(random: Random, over: AbortSignal): Promise<void> {
    const arrived = Promise.withResolvers<boolean>();
    this.isWhereItMatters = arrived.promise;
    try {
      if (random.chance(chances.import)) await this.#import(random, () => arrived.resolve(true), over);
      else if (random.chance(chances.removal)) {
        arrived.resolve(false);
        await this.#remove();
      }
    } finally {
      arrived.resolve(false);
    }
  }

  async #import(random: Random, arrived: () => void, over: AbortSignal): Promise<void> {
    const { host } = this.#world;
    const template = random.pick(['shop', brief]) ?? brief;
    const phase = random.pick(phases);
    this.#done.imports++;
    await this.#editions.write(template);
    const events = await host.watch(undefined, over);
    const body = { templates: [template], force: true };
    const { id } = (await host.api<Job>('POST', '/v1/templates/refresh', { body })).body;
    let current: string | undefined;
    using _ = this.#world.during(() => (current === 'publishing' ? 'publish' : 'import'));
    const ended = events.until((event) => {
      if (event.type !== 'job' || event.job.id !== id) return false;
      const { state, imports } = event.job;
      current = imports.find(({ progress }) => progress !== null)?.progress?.phase;
      if (current === phase) arrived();
      return state !== 'running';
    });
    // What is killed before it is there is as good.
    await Promise.race([ended, once(over, 'abort')]).catch(() => undefined);
    arrived();
  }

  async #remove(): Promise<void> {
    if (!this.templates.includes(brief)) return;
    this.#done.removals++;
    this.doomed.add(brief);
    this.#editions.deleting(brief);
    await this.#world.host.api('DELETE', `/v1/templates/${brief}?force=1`).catch(() => undefined);
  }

  /** To be called between rounds. */
  look(templates: readonly Template[]): void {
    this.templates = templates.filter(({ current }) => current !== null).map(({ name }) => name);
    this.doomed.clear();
  }
}
