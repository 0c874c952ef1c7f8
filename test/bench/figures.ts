/** Figures as the benchmarks print them. */

/** Throws when there is no figure. */
export function quantile(figures: readonly number[], share: number): number {
  const sorted = figures.toSorted((a, b) => a - b);
  const figure = sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
  if (figure === undefined) throw new Error('Nothing was measured.');
  return figure;
}

export const median = (figures: readonly number[]): number => quantile(figures, 0.5);

const columns = {
  min: (figures: readonly number[]) => Math.min(...figures),
  median,
  p90: (figures: readonly number[]) => quantile(figures, 0.9),
  p95: (figures: readonly number[]) => quantile(figures, 0.95),
  p99: (figures: readonly number[]) => quantile(figures, 0.99),
  max: (figures: readonly number[]) => Math.max(...figures),
} as const;

/** Three digits of it, or as many as it has before the point. */
export const shortNumber = (figure: number): string =>
  figure.toFixed(figure >= 99.95 ? 0 : figure >= 9.995 ? 1 : 2);

/** A row each: minimum, median, upper percentiles and maximum. */
export function table(rows: readonly (readonly [name: string, figures: readonly number[]])[]): string {
  const width = Math.max(...rows.map(([name]) => name.length));
  const line = (name: string, cells: readonly string[]) =>
    name.padEnd(width) + cells.map((cell) => cell.padStart(8)).join('');
  return [
    line('', Object.keys(columns)),
    ...rows.map(([name, figures]) =>
      line(
        name,
        Object.values(columns).map((of) => shortNumber(of(figures))),
      ),
    ),
  ].join('\n');
}
