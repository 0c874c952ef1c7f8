/** What one part of a benchmark has found. */
import { shortNumber } from '../figures.ts';

/** A figure beside what the project promises. */
export interface Verdict {
  readonly what: string;
  readonly measured: number;
  /** "ms", "MB", "×" for a ratio, "" for a count. */
  readonly unit: 'ms' | 'MB' | 'MB/s' | '×' | '%' | '';
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

/** What was measured, what is promised, and whether that was reached. */
export function verdictLine(verdict: Verdict): string {
  const { what, measured, unit, atMost, atLeast } = verdict;
  const wanted =
    atMost !== undefined
      ? `wanted ≤ ${String(atMost)}`
      : atLeast !== undefined
        ? `wanted ≥ ${String(atLeast)}`
        : '';
  const mark = { true: 'reached', false: 'NOT REACHED', undefined: '' }[String(isReached(verdict))] ?? '';
  return `${what.padEnd(58)}${shortNumber(measured).padStart(9)} ${unit.padEnd(4)}${wanted.padEnd(16)}${mark}`.trimEnd();
}
