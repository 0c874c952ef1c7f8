/** Figures as the benchmarks print them. */

/** Throws when there is no figure. */
export function quantile(figures: readonly number[], share: number): number {
  const sorted = figures.toSorted((a, b) => a - b);
  const figure = sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
  if (figure === undefined) throw new Error('Nothing was measured.');
  return figure;
}

export const median = (figures: readonly number[]): number => quantile(figures, 0.5);

/** A row each: minimum, median, 95th percentile and maximum. */
export function table(rows: readonly (readonly [name: string, figures: readonly number[]])[]): string {
  const width = Math.max(...rows.map(([name]) => name.length));
  const cell = (value: number | string) =>
    String(typeof value === 'number' ? Math.round(value) : value).padStart(8);
  const line = (name: string, cells: readonly (number | string)[]) =>
    name.padEnd(width) + cells.map(cell).join('');
  return [
    line('', ['min', 'median', 'p95', 'max']),
    ...rows.map(([name, figures]) =>
      line(name, [Math.min(...figures), median(figures), quantile(figures, 0.95), Math.max(...figures)]),
    ),
  ].join('\n');
}
