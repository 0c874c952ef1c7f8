/** Writes down who did what, beside the work: an answer never waits for it. */
import type { AuditEntry } from './contract/audit.ts';
import type { AuditFilter, AuditLog } from './drivers/registry-audit.ts';
import { messageOf } from './errors/error.ts';
import type { Log } from './log.ts';

/** What a crash can lose at most. */
const delayMs = 200;
const pruneEveryMs = 3_600_000;
/** Credentials that are seen again and again are noted once in this time for each token and instance. */
const againMs = 3_600_000;
const maxRemembered = 20_000;

export class Audit {
  readonly #store: AuditLog;
  readonly #keepDays: number;
  readonly #log: Log;
  /** When, by the clock that nobody sets. */
  readonly #seenMs = new Map<string, number>();
  #pending: AuditEntry[] = [];
  #timer: NodeJS.Timeout | undefined;
  #prunedMs = -Infinity;

  constructor(store: AuditLog, keepDays: number, log: Log) {
    this.#store = store;
    this.#keepDays = keepDays;
    this.#log = log;
  }

  add(entry: AuditEntry): void {
    this.#pending.push(entry);
    this.#timer ??= setTimeout(() => this.flush(), delayMs);
  }

  /** The same for somebody to whom an instance's credentials were shown. */
  seen(entry: AuditEntry): void {
    const key = `${entry.user ?? ''} ${entry.token ?? ''} ${entry.instance ?? ''}`;
    const nowMs = performance.now();
    if (nowMs - (this.#seenMs.get(key) ?? -Infinity) < againMs) return;
    if (this.#seenMs.size >= maxRemembered) this.#seenMs.clear();
    this.#seenMs.set(key, nowMs);
    this.add(entry);
  }

  find(filter: AuditFilter): AuditEntry[] {
    this.flush();
    return this.#store.find(filter);
  }

  /** Writes what was not written yet. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const entries = this.#pending;
    this.#pending = [];
    if (entries.length === 0) return;
    try {
      this.#store.add(entries);
      this.#prune();
    } catch (error) {
      // On a full disk; what was done stays done, and the daemon's log has it.
      this.#log.error(`The audit log was not written: ${messageOf(error)} ${JSON.stringify(entries)}`);
    }
  }

  #prune(): void {
    const nowMs = performance.now();
    if (nowMs - this.#prunedMs < pruneEveryMs) return;
    this.#prunedMs = nowMs;
    this.#store.prune(new Date(Date.now() - this.#keepDays * 86_400_000).toISOString());
  }
}
