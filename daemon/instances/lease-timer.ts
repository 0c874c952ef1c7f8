/** Tells when leases end, also when the clock is set. */
import type { Finding } from '../contract/status.ts';
import type { Log } from '../log.ts';
import { ClockWatch, readClocks } from './clock-watch.ts';

/** At least this often, so that a change of the clock, which no timer notices, is noticed. */
const longestWaitMs = 30_000;
/** What a clock that leapt forward has ended is kept so long: it may have leapt by mistake, and data does not come back. */
const doubtMs = 3_600_000;

export interface LeaseTimerDeps {
  /** The end of the lease that ends next. */
  readonly nextExpiry: () => string | undefined;
  readonly expire: () => Promise<void>;
  readonly log: Log;
}

/** Calls `expire` when the next lease ends. `arm` is to be called after every change of a lease. */
export class LeaseTimer {
  readonly #deps: LeaseTimerDeps;
  readonly #clock = new ClockWatch(doubtMs, readClocks());
  #leap: Finding | undefined;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(deps: LeaseTimerDeps) {
    this.#deps = deps;
  }

  arm(): void {
    clearTimeout(this.#timer);
    if (this.#stopped) return;
    const doubtLeftMs = this.#doubtLeftMs();
    const next = this.#deps.nextExpiry();
    const dueMs = next === undefined ? Infinity : Math.max(Date.parse(next) - Date.now(), doubtLeftMs, 0);
    this.#timer = setTimeout(() => void this.#tick(), Math.min(dueMs, longestWaitMs));
  }

  /** That the clock leapt forward, and what will follow from it. */
  get finding(): Finding | undefined {
    return this.#clock.doubtLeftMs(readClocks()) > 0 ? this.#leap : undefined;
  }

  #doubtLeftMs(): number {
    const now = readClocks();
    const leapMinutes = Math.round(this.#clock.look(now) / 60_000);
    const doubtLeftMs = this.#clock.doubtLeftMs(now);
    if (leapMinutes < 0) this.#deps.log.warn(`The clock went ${String(-leapMinutes)} minutes back at once.`);
    if (leapMinutes > 0) {
      const until = new Date(now.wallMs + doubtLeftMs).toISOString();
      this.#leap = {
        kind: 'clock-leapt',
        subject: 'the clock',
        detail: `it went ${String(leapMinutes)} minutes forward at once; what has expired by that is deleted at ${until}.`,
        remedy: 'If it is wrong now, set it right before; if not, all is well.',
        outcome: 'kept',
        at: new Date(now.wallMs).toISOString(),
      };
      this.#deps.log.warn(`The clock: ${this.#leap.detail} ${this.#leap.remedy}`);
    }
    return doubtLeftMs;
  }

  async #tick(): Promise<void> {
    if (this.#doubtLeftMs() === 0) await this.#deps.expire();
    this.arm();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }
}
