/** Removes clones that the registry has among the discarded: what could not be removed stays there, and is tried again. */
import type { Registry } from '../drivers/registry.ts';
import { messageOf } from '../errors/error.ts';
import type { Log } from '../log.ts';
import type { Builder } from './builder.ts';

export interface SweeperDeps {
  readonly builder: Pick<Builder, 'remove'>;
  readonly registry: Registry;
  readonly log: Log;
}

export class Sweeper {
  readonly #deps: SweeperDeps;
  /** By clone. */
  readonly #removing = new Map<string, Promise<void>>();

  constructor(deps: SweeperDeps) {
    this.#deps = deps;
  }

  /** Removes one clone that is among the discarded. Never throws. */
  async sweep(cloneId: string): Promise<void> {
    const underWay = this.#removing.get(cloneId);
    if (underWay) return underWay;
    const work = this.#remove(cloneId);
    this.#removing.set(cloneId, work);
    await work.finally(() => this.#removing.delete(cloneId));
  }

  async #remove(cloneId: string): Promise<void> {
    const { builder, registry, log } = this.#deps;
    try {
      // Before its data is gone for ever, it is nobody's for ever.
      await registry.flush();
      await builder.remove(cloneId);
      registry.spares.removeDiscarded(cloneId);
    } catch (error) {
      log.error(`Removing what is left of ${cloneId}: ${messageOf(error)}`);
    }
  }

  /** Begins to remove all that is among the discarded, also what could not be removed before. */
  sweepAll(): void {
    for (const clone of this.#deps.registry.spares.discarded()) void this.sweep(clone);
  }

  /** Waits for all that is being removed now. */
  async swept(): Promise<void> {
    await Promise.all(this.#removing.values());
  }
}
