/** What a version remembers of the dump that it was made of, table by table, and what has changed since. */
import { Type, type Static } from 'typebox';
import { keyOf } from './part-reader.ts';
import { Block } from './row-blocks.ts';

export const DumpParts = Type.Object({
  /** The database that the dump was loaded into where it names none. */
  wanted: Type.String(),
  /** Of everything that belongs to no table, and of triggers. */
  rest: Type.String(),
  /** Whether there are views, routines, events or triggers in the rest. */
  hasObjects: Type.Boolean(),
  tables: Type.Array(
    Type.Object({
      database: Type.String(),
      table: Type.String(),
      /** Of its definition. */
      structure: Type.String(),
      /** Of its definition and its rows. */
      hash: Type.String(),
      /** Of all but its rows, where those can be told from each other by a key. */
      frame: Type.Optional(Type.String()),
      /** Of its rows. Versions of before there were such blocks have none. */
      blocks: Type.Optional(Type.Array(Block)),
    }),
  ),
});
export type DumpParts = Static<typeof DumpParts>;

type Table = DumpParts['tables'][number];

export interface Changes {
  /** Tables to be loaded: those that differ, and new ones. */
  readonly load: readonly Table[];
  /** Tables to be dropped first: those that differ, and those that are in the dump no more. */
  readonly drop: readonly Table[];
  readonly keep: readonly Table[];
}

/** Undefined when only a full load comes to the same. `tails`: tables of which only the last rows are loaded. */
export function changesBetween(
  former: DumpParts,
  next: DumpParts,
  tails: ReadonlySet<string> = new Set(),
): Changes | undefined {
  if (former.wanted !== next.wanted || former.rest !== next.rest) return undefined;
  const formerByKey = new Map(former.tables.map((table) => [keyOf(table), table]));
  const nextByKey = new Map(next.tables.map((table) => [keyOf(table), table]));
  const keep = next.tables.filter((table) => formerByKey.get(keyOf(table))?.hash === table.hash);
  const isRestructured =
    former.tables.some((table) => nextByKey.get(keyOf(table))?.structure !== table.structure) ||
    next.tables.some((table) => !formerByKey.has(keyOf(table)));
  const kept = new Set([...keep.map(keyOf), ...tails]);
  // Views and the like may depend on what tables look like, and would have been refused.
  if (kept.size === 0 || (isRestructured && next.hasObjects)) return undefined;
  return {
    keep,
    load: next.tables.filter((table) => !kept.has(keyOf(table))),
    drop: former.tables.filter((table) => !kept.has(keyOf(table))),
  };
}
