/** Sizes as people write them, in Docker's syntax. */

const units: Readonly<Record<string, number>> = { b: 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 };

/** `2g`, `512m`, `1073741824` in bytes. */
export function parseSizeBytes(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)([bkmgt]?)(?:i?b)?$/i.exec(text.trim());
  if (!match) return undefined;
  const bytes = Math.floor(Number(match[1]) * (units[(match[2] ?? '').toLowerCase()] ?? 1));
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** The same the other way, exactly: `50g`. */
export function sizeText(bytes: number): string {
  const [unit, factor] = Object.entries(units).findLast(([, each]) => bytes % each === 0) ?? ['b', 1];
  return bytes === 0 ? '0' : `${String(bytes / factor)}${unit}`;
}
