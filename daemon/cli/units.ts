/** How the command line writes times and sizes: coarse, for people. `--json` has the exact values. */

const seconds = { min: 60, h: 3600, d: 86_400 } as const;

/** A length of time in its fitting unit: `45 s`, `12 min`, `8 h`, `3 d`. */
export function duration(lengthSeconds: number): string {
  const length = Math.max(0, lengthSeconds);
  if (length < 1.5 * seconds.min) return `${Math.round(length)} s`;
  if (length < 1.5 * seconds.h) return `${Math.round(length / seconds.min)} min`;
  if (length < 1.5 * seconds.d) return `${Math.round(length / seconds.h)} h`;
  return `${Math.round(length / seconds.d)} d`;
}

/** A moment as seen from `nowMs`: `in 2 d`, `3 min ago`. */
export function relative(time: string, nowMs = Date.now()): string {
  const fromNow = (Date.parse(time) - nowMs) / 1000;
  return fromNow >= 0 ? `in ${duration(fromNow)}` : `${duration(-fromNow)} ago`;
}

/** A size in decimal units: `812 B`, `1.4 MB`, `42 GB`. */
export function size(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
  let value = bytes;
  let unit = 0;
  // 999.5 and more would be written as 1000.
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  const digits = unit > 0 && value < 9.95 ? 1 : 0;
  return `${value.toFixed(digits)} ${units[unit] ?? ''}`;
}

/** A number of things: `1,234,567`. */
export const count = (number: number): string => number.toLocaleString('en');
