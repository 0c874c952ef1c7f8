/** Whether what was sampled stays where it is, or grows. */
import { median } from '../bench/figures.ts';
import type { Sample } from './sample.ts';

type Figure = Exclude<keyof Sample, 'atSeconds' | 'operations'>;

export interface Trend {
  readonly figure: Figure;
  readonly median: number;
  /** From the end of the warm-up to the end, by the slope: not by two samples, which chance decides. */
  readonly growth: number;
  readonly allowed: number;
  readonly flat: boolean;
}

/** Until then caches fill, code is compiled, and pools come to their size. */
const warmUpShare = 0.25;

/** The growth that is no leak, within the time of a soak, by the figure's own size and the operations done. */
const allowances: Readonly<Record<Figure, (median: number, operations: number) => number>> = {
  serveMib: (size) => Math.max(8, size / 10),
  serveHeapMib: (size) => Math.max(4, size / 10),
  gateMib: (size) => Math.max(8, size / 10),
  serveDescriptors: () => 3,
  gateDescriptors: () => 3,
  containers: () => 3,
  subvolumes: () => 3,
  runDirectories: () => 3,
  // What was done is written down, and stays.
  registryKib: (_size, operations) => 256 + operations,
  diskUsedMib: (size) => Math.max(256, size / 4),
};

/** The slope that half of all pairs of points exceed (Theil and Sen): single outliers do not move it. */
export function slopeOf(points: readonly (readonly [x: number, y: number])[]): number {
  const slopes = points.flatMap(([x, y], index) =>
    points
      .slice(index + 1)
      .filter(([laterX]) => laterX > x)
      .map(([laterX, laterY]) => (laterY - y) / (laterX - x)),
  );
  return slopes.length === 0 ? 0 : median(slopes);
}

/** Throws when nothing was sampled. */
export function trendsOf(samples: readonly Sample[]): Trend[] {
  const warm = samples.slice(Math.floor(samples.length * warmUpShare));
  const [first, last] = [warm[0], warm.at(-1)];
  if (!first || !last) throw new Error('Nothing was sampled.');
  return (Object.keys(allowances) as Figure[]).map((figure) => {
    const slope = slopeOf(warm.map((sample) => [sample.atSeconds, sample[figure]]));
    const growth = slope * (last.atSeconds - first.atSeconds);
    const size = median(warm.map((sample) => sample[figure]));
    const allowed = allowances[figure](size, last.operations - first.operations);
    return { figure, median: size, growth, allowed, flat: growth <= allowed };
  });
}
