import { setTimeout as delay } from 'node:timers/promises';

/** Work that somebody waits for. What can wait, waits for the end of it. */
export class Traffic {
  readonly #quietMs: number;
  #underWay = 0;
  #lastEndMs = -Infinity;
  #waiting: (() => void)[] = [];

  /** `quietMs`: whoever was answered goes on with what they got; this long they have the machine for themselves. */
  constructor(quietMs: number) {
    this.#quietMs = quietMs;
  }

  /** Until it is disposed of, somebody waits. */
  enter(): Disposable {
    this.#underWay++;
    return { [Symbol.dispose]: () => this.#leave() };
  }

  #leave(): void {
    this.#underWay--;
    this.#lastEndMs = performance.now();
    if (this.#underWay > 0) return;
    for (const wake of this.#waiting.splice(0)) wake();
  }

  /** Returns when nobody waits, and nobody was answered just now. Throws when the signal aborts. */
  async quiet(signal: AbortSignal): Promise<void> {
    for (;;) {
      signal.throwIfAborted();
      const restMs = this.#lastEndMs + this.#quietMs - performance.now();
      if (this.#underWay > 0) await this.#ended(signal);
      else if (restMs > 0) await delay(restMs, undefined, { signal });
      else return;
    }
  }

  async #ended(signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const abort = () => {
        this.#waiting = this.#waiting.filter((each) => each !== wake);
        reject(signal.reason as Error);
      };
      const wake = () => {
        signal.removeEventListener('abort', abort);
        resolve();
      };
      this.#waiting.push(wake);
      signal.addEventListener('abort', abort, { once: true });
    });
  }
}
