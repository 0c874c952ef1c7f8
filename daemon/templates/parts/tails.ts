/**
 * Tables that begin as they did in the former dump, as those do that only grow: of them only the rows behind are loaded, in
 * place of whatever was there. Those before stay, which is certain when each has a greater key than the one before it.
 */
import type { FileDump } from '../dumps.ts';
import { readStretches } from '../formats/unpack.ts';
import type { DumpParts } from './dump-parts.ts';
import type { KeyColumn } from '../../engines/bulk.ts';
import { KeyOrder } from './key-column.ts';
import { keyOf, type Found, type Rows } from './part-reader.ts';

export interface Tail {
  readonly database: string;
  readonly table: string;
  readonly key: KeyColumn;
  /** How many rows stay. */
  readonly rows: number;
  /** The key of the last of them. */
  readonly lastKey: number;
  /** Of the rows that are loaded. */
  readonly hash: string;
}

/**
 * How much of a table must be the same, now and then: with less it is loaded sooner as a whole, with its indexes sorted. A
 * row more may cost reads of the disk, one for each index, when they do not all fit in the server's buffer pool.
 */
const leastShare = (tableBytes: number, memoryBytes: number): number =>
  tableBytes < memoryBytes / 4 ? 7 / 8 : 99 / 100;

const sum = (sizes: readonly number[]): number => sizes.reduce((total, size) => total + size, 0);

/** The keys of tables that may have a tail, and differ in no more. `memoryBytes` is the server's. */
export function candidates(
  former: DumpParts,
  { parts, rows }: Found,
  memoryBytes: number,
): ReadonlySet<string> {
  const formerByKey = new Map(former.tables.map((table) => [keyOf(table), table]));
  const mayHaveTail = (table: DumpParts['tables'][number]): boolean => {
    const before = formerByKey.get(keyOf(table));
    const place = rows.get(keyOf(table))?.place;
    if (!before || !place || before.hash === table.hash) return false;
    if (table.frame === undefined || before.frame !== table.frame) return false;
    const sameBytes = place.same.offset - place.start.offset;
    const formerBytes = sum((before.blocks ?? []).map(({ sizeBytes }) => sizeBytes));
    const bytes = Math.max(formerBytes, place.end.offset - place.start.offset);
    return sameBytes >= leastShare(bytes, memoryBytes) * bytes;
  };
  return new Set(parts.tables.filter(mayHaveTail).map(keyOf));
}

/** Those of them that do have one, by their keys. Reads the rows that would stay, and throws when the signal aborts. */
export async function findTails(
  dump: FileDump,
  { parts, rows }: Found,
  keys: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Tail>> {
  const stretches = parts.tables
    .filter((table) => keys.has(keyOf(table)))
    .flatMap((table) => stretchOf(table, rows.get(keyOf(table))))
    .sort((a, b) => a.start - b.start);
  for await (const [{ order }, chunk] of readStretches(dump, stretches, signal)) order.push(chunk);
  return new Map(
    stretches
      .filter(({ order }) => order.isOrdered)
      .map(({ tail, order }) => [keyOf(tail), { ...tail, rows: order.rows, lastKey: order.last }]),
  );
}

function stretchOf({ database, table }: DumpParts['tables'][number], rows: Rows | undefined) {
  if (!rows?.key) return [];
  const { place, key, tailHash } = rows;
  const tail = { database, table, key, hash: tailHash };
  return [{ tail, order: new KeyOrder(place.head), start: place.start.offset, end: place.same.offset }];
}
