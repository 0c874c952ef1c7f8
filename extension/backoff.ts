/** How long to wait before the next attempt to reach a daemon that was there a moment ago, or was not. */
export interface Backoff {
  /** Milliseconds until the next attempt: twice as long each time, up to a limit, and never two windows in step. */
  next(): number;
  /** How many attempts failed since the last success. */
  readonly failures: number;
  /** The daemon answered: the next failure is a first one. */
  reset(): void;
}

export interface BackoffLimits {
  readonly firstMs: number;
  readonly longestMs: number;
}

/** `random` gives numbers from 0 up to 1, as `Math.random` does. */
export function createBackoff({ firstMs, longestMs }: BackoffLimits, random = Math.random): Backoff {
  let failures = 0;
  return {
    next() {
      const fullMs = Math.min(longestMs, firstMs * 2 ** failures++);
      // Half of it for sure, so that nobody hammers; the other half by chance.
      return Math.round(fullMs / 2 + (fullMs / 2) * random());
    },
    get failures() {
      return failures;
    },
    reset() {
      failures = 0;
    },
  };
}
