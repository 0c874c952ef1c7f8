/** How many spares a template's pool is to hold. */

/** Inclusive; a maximum of 0 is no pool. */
export interface PoolLimits {
  readonly min: number;
  readonly max: number;
}

/** `MYAAS_POOL`: limits for all templates, and for some of their own. */
export interface PoolSettings {
  readonly all: PoolLimits;
  readonly of: ReadonlyMap<string, PoolLimits>;
}

const largest = 100;

function parseLimits(text: string): PoolLimits | undefined {
  const match = /^(\d+)(?:-(\d+))?$/.exec(text);
  if (!match) return undefined;
  const min = Number(match[1]);
  const max = Number(match[2] ?? match[1]);
  return min <= max && max <= largest ? { min, max } : undefined;
}

/** "1-4", "2", "0", "1-4,shop=2-10,archive=0", "shop=0"; undefined when it is none of the kind. */
export function parsePool(text: string): PoolSettings | undefined {
  const of = new Map<string, PoolLimits>();
  const [first = '', ...rest] = text.split(',').map((part) => part.trim());
  const all = first.includes('=') ? defaultLimits : parseLimits(first);
  for (const part of first.includes('=') ? [first, ...rest] : rest) {
    const [, name, limitsText] = /^([^=]+)=([^=]+)$/.exec(part) ?? [];
    const limits = limitsText === undefined ? undefined : parseLimits(limitsText);
    if (name === undefined || limits === undefined || of.has(name)) return undefined;
    of.set(name, limits);
  }
  return all && { all, of };
}

export const defaultLimits: PoolLimits = { min: 1, max: 4 };

/** Who asked for one so recently may have friends who do, too. */
const windowMs = 15 * 60_000;

/** How often each template was asked for, of late. Times are milliseconds of one clock. */
export class Demand {
  readonly #settings: PoolSettings;
  readonly #timesMs = new Map<string, number[]>();

  constructor(settings: PoolSettings) {
    this.#settings = settings;
  }

  note(template: string, nowMs: number): void {
    const { max } = this.limits(template);
    const times = this.#timesMs.get(template) ?? [];
    // More than the largest pool would hold say nothing more.
    this.#timesMs.set(template, [...times, nowMs].slice(-Math.max(max, 1)));
  }

  limits(template: string): PoolLimits {
    return this.#settings.of.get(template) ?? this.#settings.all;
  }

  /** As many as were asked for within the last quarter of an hour, within the limits. */
  target(template: string, nowMs: number): number {
    const { min, max } = this.limits(template);
    const recent = (this.#timesMs.get(template) ?? []).filter((atMs) => atMs > nowMs - windowMs).length;
    return Math.min(max, Math.max(min, recent));
  }

  /** When a target may fall next; undefined when all are at their minimum. */
  nextChangeMs(nowMs: number): number | undefined {
    const ends = [...this.#timesMs.values()]
      .flat()
      .map((atMs) => atMs + windowMs)
      .filter((endMs) => endMs > nowMs);
    return ends.length === 0 ? undefined : Math.min(...ends);
  }
}
