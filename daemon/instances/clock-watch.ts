/** Notices that the clock was set, or that the host was suspended, by the clock that nobody sets. */

/** One moment by both clocks, in milliseconds. */
export interface Reading {
  /** The time of day, which people and NTP set. */
  readonly wallMs: number;
  /** Of a clock that only runs. */
  readonly steadyMs: number;
}

export const readClocks = (): Reading => ({ wallMs: Date.now(), steadyMs: performance.now() });

/** What NTP does by and by, and a busy host between two looks, is no leap. */
const smallestLeapMs = 60_000;

export class ClockWatch {
  readonly #doubtMs: number;
  #last: Reading;
  /** Set forward until then, by the steady clock, the time of day may be wrong. */
  #doubtedUntilMs = -Infinity;

  /** `doubtMs`: how long somebody has to set a clock right that was set forward. */
  constructor(doubtMs: number, now: Reading) {
    this.#doubtMs = doubtMs;
    this.#last = now;
  }

  /** How far the clock was set since the last look, negative when it was set back; 0 when it only ran. */
  look(now: Reading): number {
    const leapMs = now.wallMs - this.#last.wallMs - (now.steadyMs - this.#last.steadyMs);
    this.#last = now;
    if (Math.abs(leapMs) < smallestLeapMs) return 0;
    this.#doubtedUntilMs = leapMs > 0 ? now.steadyMs + this.#doubtMs : -Infinity;
    return leapMs;
  }

  /** How long nothing that cannot be undone is to follow from the time of day; 0 when it is believed. */
  doubtLeftMs({ steadyMs }: Reading): number {
    return Math.max(0, this.#doubtedUntilMs - steadyMs);
  }
}
