/** Waiting for what a daemon that was just started again still has to mend. */
import { setTimeout as delay } from 'node:timers/promises';
import type { TestHost, Watch } from './daemon.ts';

/**
 * Far longer than anything takes, also on a busy machine, and than the minute after which the daemon compares all:
 * what is not right by then never will be.
 */
const patienceMs = 150_000;

export class Changes implements Disposable {
  readonly #closing: AbortController;
  #next = Promise.withResolvers<undefined>();

  private constructor(watch: Watch, closing: AbortController) {
    this.#closing = closing;
    // It ends when it is closed, or by the end of the daemon, whose absence everything else notices.
    void this.#follow(watch).catch(() => undefined);
  }

  static async follow(host: TestHost): Promise<Changes> {
    const closing = new AbortController();
    return new Changes(await host.watch(undefined, closing.signal), closing);
  }

  async #follow({ frames }: Watch): Promise<void> {
    for await (const _ of frames) {
      this.#next.resolve(undefined);
      this.#next = Promise.withResolvers();
    }
  }

  /** Asks at every event what is wrong, until nothing is; what still is after a long time is returned. */
  async until(whatIsWrong: () => Promise<string | undefined>): Promise<string | undefined> {
    const done = new AbortController();
    const late = delay(patienceMs, 'late', { signal: done.signal });
    late.catch(() => undefined);
    try {
      for (;;) {
        const { promise: next } = this.#next;
        const wrong = await whatIsWrong();
        if (wrong === undefined) return undefined;
        // Not all that is mended is told.
        if ((await Promise.race([next, late])) === 'late') return await whatIsWrong();
      }
    } finally {
      done.abort();
    }
  }

  [Symbol.dispose](): void {
    this.#closing.abort();
  }
}
