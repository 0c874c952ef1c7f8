/** What one part of the benchmark has found. */

/** A figure beside what the project promises. */
export interface Verdict {
  readonly what: string;
  readonly measured: number;
  /** "ms", "MB", "×" for a ratio, "" for a count. */
  readonly unit: 'ms' | 'MB' | '×' | '';
  /** Left out of figures that only inform. */
  readonly atMost?: number;
  readonly atLeast?: number;
}

export interface Finding {
  /** Milliseconds of every round, by what was measured. */
  readonly series: Readonly<Record<string, readonly number[]>>;
  readonly verdicts: readonly Verdict[];
}

export interface Part {
  readonly title: string;
  measure(): Promise<Finding>;
}

/** Undefined where nothing is promised. */
export function isReached({ measured, atMost, atLeast }: Verdict): boolean | undefined {
  if (atMost === undefined && atLeast === undefined) return undefined;
  return measured <= (atMost ?? Infinity) && measured >= (atLeast ?? -Infinity);
}
