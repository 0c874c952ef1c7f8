import { constants } from 'node:os';

const stopSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
export type StopSignal = (typeof stopSignals)[number];

/** Process managers, npm among them, send a terminal's Ctrl-C once more; that is not a user losing patience. */
const duplicateWithinMs = 1000;

/** The exit code by which a shell knows what stopped a program. */
export function exitCodeOf(signal: NodeJS.Signals): number {
  return 128 + constants.signals[signal];
}

/** Why a command ended early: thrown through it by its `AbortSignal`, it becomes the exit code and needs no words. */
export class Interrupted extends Error {
  readonly exitCode: number;

  constructor(signal: StopSignal) {
    super(`Stopped by ${signal}.`);
    this.name = 'Interrupted';
    this.exitCode = exitCodeOf(signal);
  }
}

/**
 * Turns the process's signals into one `AbortSignal`, so that a command can undo what it began. A second signal,
 * later than a duplicate would come, ends the process at once.
 */
export class Interrupts {
  readonly #controller = new AbortController();
  readonly signal: AbortSignal = this.#controller.signal;
  #firstAtMs: number | undefined;
  #taker: ((signal: StopSignal) => void) | undefined;

  listen(): void {
    for (const signal of stopSignals) process.on(signal, () => this.#receive(signal));
  }

  /** While `work` goes on, signals go to `taker` alone: to a child program that has the terminal now. */
  async divert<T>(taker: (signal: StopSignal) => void, work: () => Promise<T>): Promise<T> {
    this.#taker = taker;
    try {
      return await work();
    } finally {
      this.#taker = undefined;
    }
  }

  #receive(signal: StopSignal): void {
    if (this.#taker) {
      this.#taker(signal);
      return;
    }
    this.#firstAtMs ??= performance.now();
    if (!this.signal.aborted) this.#controller.abort(new Interrupted(signal));
    else if (performance.now() - this.#firstAtMs > duplicateWithinMs) process.exit(exitCodeOf(signal));
  }
}
