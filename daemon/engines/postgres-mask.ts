/** Masking by PostgreSQL itself: every value becomes another that follows from it and a key, and the old ones are gone. */
import pg from 'pg';
import type { MaskedColumn, Masker } from './engine.ts';
import { paddedKey } from './mask-key.ts';
import {
  generatedObstacle,
  replacementOf,
  viewObstacle,
  type ColumnFacts,
  type Replacement,
} from './mask-rules.ts';
import { keySettings, limitOf, postgresMaskDialect, valuesOf } from './postgres-mask-sql.ts';
import type { PostgresClient } from './postgres-session.ts';

const name = (text: string): string => pg.escapeIdentifier(text);
const told = ({ database, table, column }: MaskedColumn): string => `${database}.${table}.${column}`;

/** Of a column; `place` and `type` are written as SQL has them. */
interface Facts extends ColumnFacts {
  readonly relation: string;
  readonly number: number;
  readonly place: string;
  readonly cast: string;
}

/** "table" where only one schema has it, or "schema.table". */
const findColumns = `
  select c.oid::text as relation, a.attnum as number, format('%I.%I', n.nspname, c.relname) as place, c.relkind in ('v', 'm') as "isView",
    c.relkind = 'f' as "isForeign", c.relispartition as "isPartition", t.typname as type,
    format('%I.%I', tn.nspname, t.typname) as cast, a.atttypmod as modifier, not a.attnotnull as nullable,
    a.attgenerated <> '' as "isGenerated", a.attidentity = 'a' as "isIdentity",
    coalesce(not k.collisdeterministic, false) or t.typname = 'citext' as "ignoresCase",
    exists (select from pg_index i where i.indrelid = c.oid and i.indisunique and i.indnkeyatts = 1
      and i.indkey[0] = a.attnum) as "isUnique"
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
    join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    join pg_type t on t.oid = a.atttypid join pg_namespace tn on tn.oid = t.typnamespace
    left join pg_collation k on k.oid = a.attcollation
  where c.relkind in ('r', 'p', 'v', 'm', 'f') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
    and (c.relname = $1 or n.nspname || '.' || c.relname = $1) and a.attname = $2`;

interface Found {
  readonly relation: string;
  readonly number: number;
  readonly place: string;
  readonly isView: boolean;
  readonly isForeign: boolean;
  readonly isPartition: boolean;
  readonly type: string;
  readonly cast: string;
  readonly modifier: number;
  readonly nullable: boolean;
  readonly isGenerated: boolean;
  readonly isIdentity: boolean;
  readonly ignoresCase: boolean;
  readonly isUnique: boolean;
}

function obstacleOf(found: Found): string | undefined {
  if (found.isView) return viewObstacle;
  if (found.isGenerated) return generatedObstacle;
  if (found.isForeign) return 'it belongs to a foreign table, whose rows are elsewhere';
  if (found.isPartition) return 'it belongs to a partition; mask its table';
  return found.isIdentity ? 'it is an identity, generated always' : undefined;
}

/** The column, or why there is none. */
async function factsOf(client: PostgresClient, { table, column }: MaskedColumn): Promise<Facts | string> {
  const { rows } = await client.query<Found>(findColumns, [table, column]);
  const [found, another] = rows;
  if (!found) return 'there is no such column';
  if (another) return `there are ${found.place} and ${another.place}; name the schema, too`;
  const { type, modifier } = found;
  const common = { values: valuesOf(type), limit: limitOf(type, modifier), obstacle: obstacleOf(found) };
  return { ...found, ...common };
}

const replace = ({ rule }: MaskedColumn, facts: Facts): Replacement =>
  replacementOf(rule, facts, postgresMaskDialect);

async function problemsOf(client: PostgresClient, columns: readonly MaskedColumn[]): Promise<string[]> {
  const problems: string[] = [];
  const rules = new Map<string, string>();
  for (const each of columns) {
    const facts = await factsOf(client, each);
    const why = typeof facts === 'string' ? facts : replace(each, facts).why;
    if (why !== undefined) problems.push(`${told(each)}: ${why}.`);
    if (typeof facts !== 'string') rules.set(keyOf(facts.relation, facts.number), JSON.stringify(each.rule));
  }
  return [...problems, ...(await findTornKeys(client, rules))];
}

/** Both ends of a foreign key must get the same values. */
async function findTornKeys(client: PostgresClient, rules: ReadonlyMap<string, string>): Promise<string[]> {
  const place = (oid: string, number: string) =>
    `(select concat_ws('.', ${oid}::regclass, attname) from pg_attribute where attrelid = ${oid} and attnum = ${number})`;
  const { rows: ends } = await client.query<Record<'key' | 'from' | 'to' | 'fromPlace' | 'toPlace', string>>(
    `select conname as key, conrelid || '.' || own as from, confrelid || '.' || other as to,
       ${place('conrelid', 'own')} as "fromPlace", ${place('confrelid', 'other')} as "toPlace"
     from pg_constraint, unnest(conkey, confkey) as ends (own, other) where contype = 'f' and conparentid = 0`,
  );
  return ends
    .filter(({ from, to }) => rules.get(from) !== rules.get(to))
    .map(
      ({ key, fromPlace, toPlace }) =>
        `${fromPlace} and ${toPlace}: give both the same rule, since foreign key ${key} joins them.`,
    );
}

const keyOf = (relation: string, number: number): string => `${relation}.${String(number)}`;

/** Of one database. What the data itself has against it, in words, or undefined. */
async function maskDatabase(
  client: PostgresClient,
  columns: readonly MaskedColumn[],
  key: Buffer,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { inner, outer } = paddedKey(key);
  const set = 'select set_config($1, $2, false), set_config($3, $4, false)';
  await client.query(set, [keySettings.inner, inner, keySettings.outer, outer]);
  // Neither triggers nor foreign keys look at what is changed here.
  await client.query('set session_replication_role = replica');
  const tables = new Map<string, { place: string; columns: string[] }>();
  for (const each of columns) {
    const facts = await factsOf(client, each);
    const sql = typeof facts === 'string' ? undefined : replace(each, facts).sql;
    if (typeof facts === 'string' || !sql) throw new Error(`${told(each)} was not looked at before.`);
    const table = tables.get(facts.relation) ?? { place: facts.place, columns: [] };
    table.columns.push(`${name(each.column)} = (${sql(name(each.column))})::${facts.cast}`);
    tables.set(facts.relation, table);
  }
  for (const [relation, table] of tables) {
    signal.throwIfAborted();
    try {
      await withoutStubbornTriggers(client, relation, table.place, async () => {
        await client.query(`update ${table.place} set ${table.columns.join(', ')}`);
      });
    } catch (error) {
      // Of data, and of what is demanded of it (appendix A of PostgreSQL's manual).
      if (error instanceof pg.DatabaseError && /^2[23]/.test(error.code ?? ''))
        return `${table.place}: ${error.message} (error ${error.code ?? ''}).`;
      throw error;
    }
  }
  await forget(
    client,
    [...tables.values()].map(({ place }) => place),
  );
  return undefined;
}

/** There are triggers that run nevertheless: ENABLE ALWAYS, ENABLE REPLICA. */
async function withoutStubbornTriggers(
  client: PostgresClient,
  relation: string,
  place: string,
  work: () => Promise<void>,
): Promise<void> {
  const { rows } = await client.query<{ trigger: string; how: 'always' | 'replica' }>(
    `select tgname as trigger, case tgenabled when 'A' then 'always' else 'replica' end as how from pg_trigger
     where tgrelid = $1::oid and not tgisinternal and tgenabled in ('A', 'R')`,
    [relation],
  );
  for (const { trigger } of rows) await client.query(`alter table ${place} disable trigger ${name(trigger)}`);
  await work();
  for (const { trigger, how } of rows)
    await client.query(`alter table ${place} enable ${how} trigger ${name(trigger)}`);
}

/** What else knows the old values: former versions of rows, what is computed of them, statistics, the log. */
async function forget(client: PostgresClient, places: readonly string[]): Promise<void> {
  for (const place of places) await client.query(`vacuum (full) ${place}`);
  // Those that others are made of come first, since they were made first.
  const { rows } = await client.query<{ view: string }>(
    `select oid::regclass::text as view from pg_class where relkind = 'm' and relispopulated order by oid`,
  );
  for (const { view } of rows) await client.query(`refresh materialized view ${view}`);
  for (const place of places) await client.query(`analyze ${place}`);
  for (const { view } of rows) await client.query(`analyze ${view}`);
  for (const catalogue of ['pg_statistic', 'pg_statistic_ext_data'])
    await client.query(`vacuum (full) ${catalogue}`);
  // The server keeps no segment of its log that it has no need of (wal_recycle).
  await client.query('select pg_switch_wal()');
  await client.query('checkpoint');
}

/** `connect`: to a database, as the superuser. */
export function postgresMasker(connect: (database: string) => Promise<PostgresClient>): Masker {
  const inEach = async <T>(
    columns: readonly MaskedColumn[],
    work: (client: PostgresClient, own: readonly MaskedColumn[]) => Promise<T>,
  ): Promise<T[]> => {
    const results: T[] = [];
    for (const [database, own] of Map.groupBy(columns, (each) => each.database)) {
      const client = await connect(database);
      try {
        results.push(await work(client, own));
      } finally {
        await client.end();
      }
    }
    return results;
  };
  return {
    findMaskProblems: async (columns) => (await inEach(columns, problemsOf)).flat(),
    mask: async (columns, key, signal) =>
      (await inEach(columns, (client, own) => maskDatabase(client, own, key, signal))).find(
        (problem) => problem !== undefined,
      ),
  };
}
