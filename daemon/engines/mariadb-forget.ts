/** What of MariaDB knows old values besides the tables they were in. */
import type { Connection, RowDataPacket } from 'mysql2/promise';
import type { Forgetting } from './mysql-mask.ts';
import { quoteName, quoteText } from './quoting.ts';

type Rows = RowDataPacket[];
const leastAriaLogBytes = 8 * 2 ** 20;
const fillBytes = 2 ** 20;

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

export const mariadbForgetting: Forgetting = { table: forget, all: turnAriaLog };
