/** Masking by the server itself: every value becomes another that follows from it and a key, and the old ones are gone. */
import { createHash } from 'node:crypto';
import type { Connection, RowDataPacket } from 'mysql2/promise';
import { replacementOf, type ColumnFacts } from './mariadb-mask-rules.ts';
import type { MaskedColumn } from './engine.ts';
import { quoteName, quoteText } from './quoting.ts';
import { withoutTriggers } from './mysql-triggers.ts';

type Rows = RowDataPacket[];
const hashBlockBytes = 64;
const leastAriaLogBytes = 8 * 2 ** 20;
const fillBytes = 2 ** 20;
/** ER_DUP_ENTRY and the like are the mask's fault, and told as such. */
const dataErrors = new Set([1048, 1062, 1264, 1265, 1366, 1406, 4025]);

const placeOf = ({ database, table }: Pick<MaskedColumn, 'database' | 'table'>): string =>
  `${quoteName(database)}.${quoteName(table)}`;
const nameOf = ({ database, table, column }: MaskedColumn): string => `${database}.${table}.${column}`;

async function factsOf(
  connection: Connection,
  { database, table, column }: MaskedColumn,
): Promise<ColumnFacts | undefined> {
  const [[row]] = await connection.query<Rows>(
    `select t.table_type as tableType, c.data_type as type, c.character_maximum_length as length,
       c.is_nullable = 'YES' as nullable, c.is_generated = 'ALWAYS' as isGenerated, c.collation_name as collation,
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
    isView: String(tableType) === 'VIEW',
    type: String(type),
    length: length === null ? undefined : Number(length),
    nullable: Boolean(nullable),
    isGenerated: Boolean(isGenerated),
    isUnique: Boolean(isUnique),
    ignoresCase: /_ci($|_)/.test(String(collation ?? '')),
  };
}

/** Everything that stands in the way, in words; empty when all columns can be masked. */
export async function findMaskProblems(
  connection: Connection,
  columns: readonly MaskedColumn[],
): Promise<string[]> {
  const problems: string[] = [];
  for (const each of columns) {
    const facts = await factsOf(connection, each);
    const why = facts ? replacementOf(each.rule, facts).why : 'there is no such column';
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
export async function maskColumns(
  connection: Connection,
  columns: readonly MaskedColumn[],
  key: Buffer,
  signal: AbortSignal,
): Promise<string | undefined> {
  await connection.query(
    "set foreign_key_checks = 0, sql_mode = 'STRICT_ALL_TABLES,NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES'",
  );
  // HMAC, RFC 2104. Given once and not with each statement, so that it stands in none that may be told.
  const block = Buffer.concat([
    key.length > hashBlockBytes ? createHash('sha256').update(key).digest() : key,
    Buffer.alloc(hashBlockBytes),
  ]);
  const padded = (pad: number) =>
    Buffer.from(block.subarray(0, hashBlockBytes).map((byte) => byte ^ pad)).toString('hex');
  await connection.query(`set @mask_inner = x'${padded(0x36)}', @mask_outer = x'${padded(0x5c)}'`);
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
    await forget(connection, database, table);
  }
  await turnAriaLog(connection);
  return undefined;
}

/**
 * Aria keeps its log, in which old values stand, until it begins the next file of it: so it is given something to write
 * until it does. What no longer is in use goes with the shutdown (aria_log_purge_type). Statistics are Aria tables, too.
 */
async function turnAriaLog(connection: Connection): Promise<void> {
  await connection.query(`set global aria_log_file_size = ${String(leastAriaLogBytes)}`);
  const filler = 'mysql.myaas_filler';
  await connection.query(`create table ${filler} (a longblob) engine = Aria transactional = 1`);
  for (let written = 0; written < 2 * leastAriaLogBytes; written += fillBytes)
    await connection.query(`insert into ${filler} values (repeat('-', ${String(fillBytes)}))`);
  await connection.query(`drop table ${filler}`);
}

async function update(
  connection: Connection,
  place: string,
  columns: readonly MaskedColumn[],
): Promise<void> {
  const assignments: string[] = [];
  for (const each of columns) {
    const facts = await factsOf(connection, each);
    const { sql } = facts ? replacementOf(each.rule, facts) : {};
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

/** What else knows the old values: former versions of rows, free space in the table's file, statistics. */
async function forget(connection: Connection, database: string, table: string): Promise<void> {
  const place = `${quoteName(database)}.${quoteName(table)}`;
  const [[found]] = await connection.query<Rows>(
    'select table_type as type from information_schema.tables where table_schema = ? and table_name = ?',
    [database, table],
  );
  if (String(found?.['type']) === 'SYSTEM VERSIONED') {
    await connection.query('set @@system_versioning_alter_history = keep');
    await connection.query(`delete history from ${place}`);
  }
  await connection.query(`alter table ${place} force`);
  for (const statistics of ['column_stats', 'index_stats', 'table_stats']) {
    await connection.query(
      `delete from mysql.${statistics} where db_name = ${quoteText(database)} and table_name = ${quoteText(table)}`,
    );
  }
  await connection.query('alter table mysql.column_stats force');
  await connection.query(`analyze local table ${place}`);
}
