/** Which servers of the daemon are newer than a template's. */
import type { Status } from '../daemon/contract/status.ts';

/** Versions such as "11.8", the newest first. `version`: what the template's server says of itself: "10.11.6-MariaDB". */
export function newerServers(
  engines: Status['engines'],
  engine: string,
  version: string | undefined,
): readonly string[] {
  const own = /^\d+(?:\.\d+)?/.exec(version ?? '')?.[0];
  if (own === undefined) return [];
  const newer = engines
    .filter(({ name, series, upgrades }) => name === engine && upgrades && compare(series, own) > 0)
    .map(({ series }) => series);
  return [...new Set(newer)].sort((a, b) => compare(b, a));
}

const compare = (a: string, b: string): number => a.localeCompare(b, 'en', { numeric: true });
