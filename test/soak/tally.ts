/** What was done in a soak, how long it took, and what went wrong. */
import { messageOf } from '../../daemon/errors/error.ts';
import { quantile } from '../bench/figures.ts';

export interface Percentiles {
  readonly count: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

const rounded = (ms: number): number => Math.round(ms * 10) / 10;

const percentilesOf = (figures: readonly number[]): Percentiles => ({
  count: figures.length,
  p50: rounded(quantile(figures, 0.5)),
  p90: rounded(quantile(figures, 0.9)),
  p99: rounded(quantile(figures, 0.99)),
  max: rounded(Math.max(...figures)),
});

export class Tally {
  /** Milliseconds, of each operation. */
  readonly #latencies = new Map<string, number[]>();
  readonly #counts = new Map<string, number>();
  readonly failures: string[] = [];
  operations = 0;

  /** Times `work`; failed work is not timed. */
  async time<T>(operation: string, work: () => Promise<T>): Promise<T> {
    const startedMs = performance.now();
    const result = await work();
    const figures = this.#latencies.get(operation) ?? [];
    this.#latencies.set(operation, figures);
    figures.push(performance.now() - startedMs);
    this.operations++;
    return result;
  }

  /** What is not timed: refusals, by their code, and what nobody waited for. */
  count(operation: string): void {
    this.#counts.set(operation, (this.#counts.get(operation) ?? 0) + 1);
    this.operations++;
  }

  fail(what: string, error: unknown): void {
    this.failures.push(`${what}: ${messageOf(error)}`);
  }

  summary() {
    return {
      operations: this.operations,
      latencyMs: Object.fromEntries(
        [...this.#latencies].map(([operation, figures]) => [operation, percentilesOf(figures)]),
      ),
      untimed: Object.fromEntries(this.#counts),
      failures: this.failures,
    };
  }
}
