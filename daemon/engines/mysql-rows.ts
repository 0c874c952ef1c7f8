/** Loading of rows that `SELECT … INTO OUTFILE` of MariaDB or MySQL has written. */
import type { Connection, RowDataPacket } from 'mysql2/promise';
import { errors } from '../errors/errors.ts';
import type { RowsFile, RowsLoader } from './engine.ts';
import { quoteName, quoteText } from './quoting.ts';

/**
 * Values of these types are written as text in these character sets; from a binary string they would be taken for their
 * bytes, or not at all. MariaDB's JSON is text.
 */
const typesWrittenAsText: Readonly<Record<string, string>> = {
  uuid: 'ascii',
  inet4: 'ascii',
  inet6: 'ascii',
  json: 'utf8mb4',
};
/** Their characters may have the byte of a backslash, which the server does not escape when it writes them. */
const ambiguousCharsets = new Set(['big5', 'cp932', 'gb18030', 'gbk', 'sjis']);

export const rowsLoader = (connection: Connection): RowsLoader => ({
  tablesWithRows: (database) => tablesWithRows(connection, database),
  loadRows: (rows) => loadRows(connection, rows),
});

async function tablesWithRows(connection: Connection, database: string): Promise<string[]> {
  const [tables] = await connection.query<RowDataPacket[]>(
    `select table_name as name from information_schema.tables
     where table_schema = ? and table_type in ('BASE TABLE', 'SYSTEM VERSIONED')
       and engine not in ('MRG_MYISAM', 'BLACKHOLE', 'FEDERATED')`,
    [database],
  );
  return tables.map(({ name }) => String(name));
}

async function loadRows(
  connection: Connection,
  { database, table, file, fieldCount, timeZone }: RowsFile,
): Promise<void> {
  const [columns] = await connection.query<RowDataPacket[]>(
    `select column_name as name, data_type as type, character_set_name as charset, coalesce(generation_expression, '') <> '' as isGenerated
     from information_schema.columns where table_schema = ? and table_name = ? order by ordinal_position`,
    [database, table],
  );
  const stored = columns.filter(({ isGenerated }) => !isGenerated);
  const written = [columns, stored].find(({ length }) => length === fieldCount);
  if (!written) {
    throw errors.dumpBad(
      table,
      `its rows have ${String(fieldCount)} fields, and table ${table} has ${String(columns.length)} columns.`,
    );
  }
  const ambiguous = written.find(({ charset }) => ambiguousCharsets.has(String(charset)));
  if (ambiguous) {
    throw errors.dumpBad(
      table,
      `column ${String(ambiguous['name'])} is in ${String(ambiguous['charset'])}, which can't be told from escapes in such a file.`,
      'Make a dump of SQL.',
    );
  }
  const targets: string[] = [];
  const assignments: string[] = [];
  for (const [index, { name, type, isGenerated }] of written.entries()) {
    const variable = `@field${String(index)}`;
    const column = quoteName(String(name));
    const writtenIn = typesWrittenAsText[String(type)];
    if (!isGenerated && writtenIn === undefined) {
      targets.push(column);
      continue;
    }
    targets.push(variable);
    if (writtenIn !== undefined && !isGenerated)
      assignments.push(`${column} = convert(${variable} using ${writtenIn})`);
  }
  // Written row by row as it was: what the server let in then it is to let in now, and nothing is to be bent to fit.
  await connection.query(
    "set sql_mode = 'STRICT_ALL_TABLES,NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES', foreign_key_checks = 0",
  );
  await connection.query('set time_zone = ?', [timeZone ?? 'SYSTEM']);
  await connection.query(
    `load data infile ${quoteText(file)} into table ${quoteName(database)}.${quoteName(table)} character set binary
     (${targets.join(', ')}) ${assignments.length > 0 ? `set ${assignments.join(', ')}` : ''}`,
  );
}
