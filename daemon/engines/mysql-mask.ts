/** Masking by the server itself: every value becomes another that follows from it and a key, and the old ones are gone. */
import type { Connection, RowDataPacket } from 'mysql2/promise';
import { paddedKey } from './mask-key.ts';
import {
  generatedObstacle,
  replacementOf,
  viewObstacle,
  type ColumnFacts,
  type Replacement,
} from './mask-rules.ts';
import { integerLimitOf, mysqlMaskDialect, valuesOf } from './mysql-mask-sql.ts';
import type { Masker, MaskRule, MaskedColumn } from './engine.ts';
import { quoteName } from './quoting.ts';
import { withoutTriggers } from './mysql-triggers.ts';

type Rows = RowDataPacket[];
/** ER_DUP_ENTRY and the like are the mask's fault, and told as such; of CHECK each product has its own. */
const dataErrors = new Set([1048, 1062, 1264, 1265, 1366, 1406, 3819, 4025]);

/** What each product does that nothing of the old values is left. */
export interface Forgetting {
  /** In what it knows of one table, and in its file. */
  table(connection: Connection, database: string, table: string): Promise<void>;
  /** In all the rest, at the end. */
  all(connection: Connection): Promise<void>;
}

export const mysqlMasker = (connection: Connection, forgetting: Forgetting): Masker => ({
  findMaskProblems: (columns) => findMaskProblems(connection, columns),
  mask: (columns, key, signal) => maskColumns(connection, forgetting, columns, key, signal),
});

const replace = (rule: MaskRule, facts: ColumnFacts): Replacement =>
  replacementOf(rule, facts, mysqlMaskDialect);

const placeOf = ({ database, table }: Pick<MaskedColumn, 'database' | 'table'>): string =>
  `${quoteName(database)}.${quoteName(table)}`;
const nameOf = ({ database, table, column }: MaskedColumn): string => `${database}.${table}.${column}`;

async function factsOf(
  connection: Connection,
  { database, table, column }: MaskedColumn,
): Promise<ColumnFacts | undefined> {
  const [[row]] = await connection.query<Rows>(
    `select t.table_type as tableType, c.data_type as type, c.character_maximum_length as length,
       c.is_nullable = 'YES' as nullable, coalesce(c.generation_expression, '') <> '' as isGenerated, c.collation_name as collation,
       exists (select 1 from information_schema.statistics s
         where s.table_schema = c.table_schema and s.table_name = c.table_name and s.column_name = c.column_name
           and s.non_unique = 0 and s.seq_in_index = 1
           and not exists (select 1 from information_schema.statistics m where m.table_schema = s.table_schema
             and m.table_name = s.table_name and m.index_name = s.index_name and m.seq_in_index = 2)) as isUnique
     from information_schema.columns c join information_schema.tables t using (table_schema, table_name)
     where c.table_schema = ? and c.table_name = ? and c.column_name = ?`,
    [database, table, column],
  );
  if (!row) return undefined;
  const { tableType, type, length, nullable, isGenerated, collation, isUnique } = row;
  return {
    type: String(type),
    values: valuesOf(String(type)),
    limit: length === null ? integerLimitOf(String(type)) : Number(length),
    nullable: Boolean(nullable),
    obstacle: String(tableType) === 'VIEW' ? viewObstacle : isGenerated ? generatedObstacle : undefined,
    isUnique: Boolean(isUnique),
    ignoresCase: /_ci($|_)/.test(String(collation ?? '')),
  };
}

/** Everything that stands in the way, in words; empty when all columns can be masked. */
async function findMaskProblems(connection: Connection, columns: readonly MaskedColumn[]): Promise<string[]> {
  const problems: string[] = [];
  for (const each of columns) {
    const facts = await factsOf(connection, each);
    const why = facts ? replace(each.rule, facts).why : 'there is no such column';
    if (why !== undefined) problems.push(`${nameOf(each)}: ${why}.`);
  }
  return [...problems, ...(await findTornKeys(connection, columns))];
}

/** Both ends of a foreign key must get the same values. */
async function findTornKeys(connection: Connection, columns: readonly MaskedColumn[]): Promise<string[]> {
  const [keys] = await connection.query<Rows>(
    `select table_schema as db, table_name as tab, column_name as col, referenced_table_schema as db2,
       referenced_table_name as tab2, referenced_column_name as col2, constraint_name as name
     from information_schema.key_column_usage where referenced_table_name is not null`,
  );
  const ruleOf = (db: unknown, tab: unknown, col: unknown) => {
    const found = columns.find(
      ({ database, table, column }) => database === db && table === tab && column === col,
    );
    return found && JSON.stringify(found.rule);
  };
  return keys
    .filter(({ db, tab, col, db2, tab2, col2 }) => ruleOf(db, tab, col) !== ruleOf(db2, tab2, col2))
    .map(
      ({ db, tab, col, db2, tab2, col2, name }) =>
        `${String(db)}.${String(tab)}.${String(col)} and ${String(db2)}.${String(tab2)}.${String(col2)}: give both the same rule, since foreign key ${String(name)} joins them.`,
    );
}

/**
 * Masks all columns, table by table, and leaves nothing of the old values in tables, indexes and statistics. What the data
 * itself has against it, in words, or undefined.
 */
async function maskColumns(
  connection: Connection,
  forgetting: Forgetting,
  columns: readonly MaskedColumn[],
  key: Buffer,
  signal: AbortSignal,
): Promise<string | undefined> {
  await connection.query(
    "set foreign_key_checks = 0, sql_mode = 'STRICT_ALL_TABLES,NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES'",
  );
  const { inner, outer } = paddedKey(key);
  // Given once and not with each statement, so that it stands in none that may be told.
  await connection.query(`set @mask_inner = x'${inner}', @mask_outer = x'${outer}'`);
  for (const [place, own] of Map.groupBy(columns, placeOf)) {
    signal.throwIfAborted();
    const [{ database, table }] = own as [MaskedColumn];
    try {
      await withoutTriggers(connection, database, table, () => update(connection, place, own));
    } catch (error) {
      if (error instanceof Error && 'errno' in error && dataErrors.has(Number(error.errno)))
        return `${database}.${table}: ${error.message} (error ${String(error.errno)}).`;
      throw error;
    }
    await forgetting.table(connection, database, table);
  }
  await forgetting.all(connection);
  return undefined;
}

async function update(
  connection: Connection,
  place: string,
  columns: readonly MaskedColumn[],
): Promise<void> {
  const assignments: string[] = [];
  for (const each of columns) {
    const facts = await factsOf(connection, each);
    const { sql } = facts ? replace(each.rule, facts) : {};
    if (sql === undefined) throw new Error(`${nameOf(each)} was not looked at before.`);
    const column = quoteName(each.column);
    assignments.push(`${column} = ${sql(column)}`);
  }
  const [[first]] = [columns];
  const [dated] = await connection.query<Rows>(
    `select column_name as name from information_schema.columns
     where table_schema = ? and table_name = ? and extra like '%on update%'`,
    [first?.database, first?.table],
  );
  const masked = columns.map(({ column }) => column);
  for (const { name } of dated) {
    // It tells when the row was last changed, not when it was masked.
    if (!masked.includes(String(name)))
      assignments.push(`${quoteName(String(name))} = ${quoteName(String(name))}`);
  }
  await connection.query(`update ${place} set ${assignments.join(', ')}`);
}
