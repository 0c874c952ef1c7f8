/** What of MySQL knows old values besides the tables they were in. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Connection, RowDataPacket } from 'mysql2/promise';
import type { Forgetting } from './mysql-mask.ts';
import { quoteName } from './quoting.ts';

const spare = 'myaas_undo';
/** There is no event for the end of a purge. */
const purgeCheckMs = 50;

/** Free space in the table's file, and its histograms, which are values of rows. */
async function forgetTable(connection: Connection, database: string, table: string): Promise<void> {
  const place = `${quoteName(database)}.${quoteName(table)}`;
  const [histograms] = await connection.query<RowDataPacket[]>(
    'select column_name as name from information_schema.column_statistics where schema_name = ? and table_name = ?',
    [database, table],
  );
  for (const { name } of histograms)
    await connection.query(`analyze local table ${place} drop histogram on ${quoteName(String(name))}`);
  await connection.query(`alter table ${place} force`);
  await connection.query(`analyze local table ${place}`);
}

/** Former versions of rows: the files that have them are emptied one after the other, as long as there are two others. */
async function renewUndo(connection: Connection): Promise<void> {
  await connection.query(`create undo tablespace ${spare} add datafile '${spare}.ibu'`);
  for (const name of ['innodb_undo_001', 'innodb_undo_002', spare]) {
    await connection.query(`alter undo tablespace ${name} set inactive`);
    while ((await stateOf(connection, name)) !== 'empty') await delay(purgeCheckMs);
    if (name === spare) await connection.query(`drop undo tablespace ${name}`);
    else await connection.query(`alter undo tablespace ${name} set active`);
  }
}

async function stateOf(connection: Connection, name: string): Promise<string> {
  const [[found]] = await connection.query<RowDataPacket[]>(
    'select state from information_schema.innodb_tablespaces where name = ?',
    [name],
  );
  return String(found?.['state'] ?? found?.['STATE']);
}

export const mysqlForgetting: Forgetting = { table: forgetTable, all: renewUndo };
