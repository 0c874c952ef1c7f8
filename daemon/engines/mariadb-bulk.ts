/** Loading one table's rows the fast way: see `BulkSession`. */
import type { Connection, ResultSetHeader, RowDataPacket } from 'mysql2/promise';
import type {
  BulkLoading,
  BulkSession,
  BulkTable,
  ClientState,
  ColumnKind,
  KeyColumn,
  TableName,
} from './bulk.ts';
import { connect } from './mysql-session.ts';
import { quoteName, quoteText } from './quoting.ts';

const kinds: Readonly<Record<string, ColumnKind>> = {
  tinyint: 'integer',
  smallint: 'integer',
  mediumint: 'integer',
  int: 'integer',
  bigint: 'integer',
  decimal: 'decimal',
  float: 'float',
  double: 'float',
  year: 'year',
  bit: 'bit',
  binary: 'binary',
  varbinary: 'binary',
  tinyblob: 'binary',
  blob: 'binary',
  mediumblob: 'binary',
  longblob: 'binary',
  geometry: 'binary',
  point: 'binary',
  linestring: 'binary',
  polygon: 'binary',
  multipoint: 'binary',
  multilinestring: 'binary',
  multipolygon: 'binary',
  geometrycollection: 'binary',
};

/** In others a byte of a quote or backslash may be half a character. */
const safeCharacterSets: readonly unknown[] = ['utf8mb4', 'utf8mb3', 'latin1', 'ascii', 'binary'];
/** Modes that give literals another meaning than LOAD DATA gives to text. */
const unsafeModes = ['NO_BACKSLASH_ESCAPES', 'EMPTY_STRING_IS_NULL'];

/** What of a session decides how rows are stored. The order is that of `ClientState`. */
const stateExpressions = [
  'database()',
  '@@session.sql_mode',
  '@@session.character_set_client',
  '@@session.character_set_connection',
  '@@session.collation_connection',
  '@@session.time_zone',
  '@@session.foreign_key_checks + 0',
  '@@session.unique_checks + 0',
  '@@session.check_constraint_checks + 0',
  '@@session.autocommit and not @@session.in_transaction',
];

/** Has the client print `token` and, in hexadecimal, so that no character set matters, the state of its session. */
const stateQuery = (token: string): string =>
  `SELECT concat('${token}', hex(convert(json_array(${stateExpressions.join(', ')}) using utf8mb4)), ';');`;

function parseState(hex: string): ClientState {
  const [database, sqlMode, client, connection, collation, timeZone, foreignKeys, unique, checks, commits] =
    JSON.parse(Buffer.from(hex, 'hex').toString()) as unknown[];
  return {
    database: typeof database === 'string' ? database : undefined,
    sqlMode: String(sqlMode),
    characterSet: client === connection ? String(client) : undefined,
    collation: String(collation),
    timeZone: String(timeZone),
    checksForeignKeys: Number(foreignKeys) !== 0,
    checksUniqueKeys: Number(unique) !== 0,
    checksConstraints: Number(checks) !== 0,
    commitsItself: Number(commits) !== 0,
  };
}

const settings = ({ sqlMode, timeZone, checksConstraints }: ClientState): string =>
  `sql_mode = ${quoteText(sqlMode)}, time_zone = ${quoteText(timeZone)}, ` +
  `check_constraint_checks = ${String(Number(checksConstraints))}`;

/** Puts another client in the state that this one was in. On one line. */
const restoreState = (state: ClientState): string =>
  [
    ...(state.database === undefined ? [] : [`USE ${quoteName(state.database)};`]),
    `SET SESSION ${settings(state)}, foreign_key_checks = ${String(Number(state.checksForeignKeys))},`,
    `unique_checks = ${String(Number(state.checksUniqueKeys))};`,
    `SET NAMES ${state.characterSet ?? 'utf8mb4'} COLLATE ${state.collation};`,
  ].join(' ');

/** Names in a dump are bytes of the session's character set. */
function decodeName(bytes: string, characterSet: string): string | undefined {
  const isAscii = !/[^\0-\x7f]/.test(bytes);
  if (isAscii) return bytes;
  return characterSet.startsWith('utf8') ? Buffer.from(bytes, 'latin1').toString() : undefined;
}

class MariadbBulkSession implements BulkSession {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  async #rows(sql: string, values: unknown[]): Promise<RowDataPacket[]> {
    const [rows] = await this.#connection.query<RowDataPacket[]>(sql, values);
    return rows;
  }

  async inspect(
    name: { readonly database: string | undefined; readonly table: string },
    columns: readonly string[] | undefined,
    state: ClientState,
  ): Promise<BulkTable | { readonly why: string }> {
    const { characterSet } = state;
    if (characterSet === undefined || !safeCharacterSets.includes(characterSet))
      return { why: 'the character set of the session' };
    if (unsafeModes.some((mode) => state.sqlMode.includes(mode))) return { why: `sql_mode ${state.sqlMode}` };
    const database = name.database === undefined ? state.database : decodeName(name.database, characterSet);
    const table = decodeName(name.table, characterSet);
    if (database === undefined || table === undefined) return { why: 'its name' };
    const [found] = await this.#rows(
      `select table_schema as db, table_name as name, engine, table_type as type, cast(auto_increment as char) as next,
         create_options like '%partitioned%' as parted,
         exists(select * from information_schema.triggers
           where event_object_schema = table_schema and event_object_table = table_name) as triggered,
         exists(select * from information_schema.table_constraints as c
           where c.table_schema = tables.table_schema and c.table_name = tables.table_name
             and c.constraint_type = 'FOREIGN KEY') as refers
       from information_schema.tables where table_schema = ? and table_name = ?`,
      [database, table],
    );
    if (!found) return { why: 'its name' };
    if (found['engine'] !== 'InnoDB' || found['type'] !== 'BASE TABLE')
      return { why: `${String(found['type'])} of ${String(found['engine'])}` };
    if (Number(found['parted']) === 1) return { why: 'partitions' };
    if (Number(found['triggered']) === 1) return { why: 'triggers' };
    if (Number(found['refers']) === 1 && state.checksForeignKeys) return { why: 'foreign_key_checks' };
    const target = { database: String(found['db']), table: String(found['name']) };
    const chosen = await this.#columns(target, columns, characterSet, /STRICT/.test(state.sqlMode));
    if ('why' in chosen) return chosen;
    const rows = await this.#rows(`select 1 from ${quoteTable(target)} limit 1`, []);
    if (rows.length > 0) return { why: 'rows that it had already' };
    const next = found['next'] === null ? undefined : String(found['next']);
    return { name: target, columns: chosen.columns, nextAutoIncrement: next };
  }

  /** The columns that rows are for, in their order. */
  async #columns(
    { database, table }: TableName,
    named: readonly string[] | undefined,
    characterSet: string,
    isStrict: boolean,
  ): Promise<Pick<BulkTable, 'columns'> | { readonly why: string }> {
    const all = await this.#rows(
      `select column_name as name, data_type as type, is_nullable = 'YES' as nullable, extra
       from information_schema.columns where table_schema = ? and table_name = ? order by ordinal_position`,
      [database, table],
    );
    const columns = all.map((column) => ({
      name: String(column['name']),
      kind: /GENERATED/.test(String(column['extra']))
        ? 'generated'
        : (kinds[String(column['type'])] ?? 'text'),
      nullable: Number(column['nullable']) === 1,
      isInvisible: /INVISIBLE/.test(String(column['extra'])),
    }));
    const names = named?.map((name) => decodeName(name, characterSet)?.toLowerCase());
    const chosen = names
      ? names.flatMap((name) => columns.find((column) => column.name.toLowerCase() === name) ?? [])
      : columns.filter(({ isInvisible }) => !isInvisible);
    if (chosen.length !== (names?.length ?? chosen.length) || new Set(chosen).size !== chosen.length)
      return { why: 'its list of columns' };
    // There they are errors.
    if (isStrict && chosen.some(({ kind }) => kind === 'generated')) return { why: 'generated columns' };
    if (columns.some((column) => column.kind !== 'generated' && !chosen.includes(column)))
      return { why: 'columns left out' };
    return { columns: chosen };
  }

  async load({ name, columns }: BulkTable, path: string, state: ClientState) {
    await this.#connection.query(
      `set session ${settings(state)}, foreign_key_checks = 0, unique_checks = 0, last_insert_id = 0`,
    );
    // In a transaction of its own, as some versions want it for their bulk path (MDEV-24621).
    await this.#connection.query('set session autocommit = 0');
    const [{ affectedRows, warningStatus }] = await this.#connection.query<ResultSetHeader>(
      `load data infile ${quoteText(path)} into table ${quoteTable(name)} character set ${state.characterSet ?? ''}
       fields terminated by ',' enclosed by '\\'' escaped by '\\\\' lines starting by '(' terminated by ')'
       (${columns.map(({ name: column, kind }) => (kind === 'generated' ? '@unused' : quoteName(column))).join(', ')})`,
    );
    const [generated] = await this.#rows('select last_insert_id() as id', []);
    await this.#connection.query('commit');
    return {
      rows: affectedRows,
      warnings: warningStatus,
      hasGenerated: Number(generated?.['id']) !== 0,
    };
  }

  async empty({ name, nextAutoIncrement }: BulkTable): Promise<void> {
    await this.#connection.query('set session sql_mode = default, foreign_key_checks = 0');
    await this.#connection.query(`truncate table ${quoteTable(name)}`);
    if (nextAutoIncrement !== undefined)
      await this.#connection.query(`alter table ${quoteTable(name)} auto_increment = ${nextAutoIncrement}`);
  }

  async drop(tables: readonly TableName[]): Promise<void> {
    await this.#connection.query('set session foreign_key_checks = 0');
    for (const table of tables) await this.#connection.query(`drop table ${quoteTable(table)}`);
  }

  async deleteBehind(table: TableName, { column, nextNumber }: KeyColumn, lastKey: number): Promise<number> {
    await this.#connection.query('set session sql_mode = default, foreign_key_checks = 0');
    await this.#connection.query(`delete from ${quoteTable(table)} where ${quoteName(column)} > ?`, [
      lastKey,
    ]);
    if (nextNumber !== undefined)
      await this.#connection.query(`alter table ${quoteTable(table)} auto_increment = ${nextNumber}`);
    const [left] = await this.#rows(`select count(*) as rows_left from ${quoteTable(table)}`, []);
    return Number(left?.['rows_left']);
  }

  async analyze(tables: readonly TableName[]): Promise<void> {
    for (const table of tables) await this.#connection.query(`analyze local table ${quoteTable(table)}`);
  }

  close(): void {
    this.#connection.destroy();
  }
}

const quoteTable = ({ database, table }: TableName): string => `${quoteName(database)}.${quoteName(table)}`;

export const mariadbBulk: BulkLoading = {
  async open(socketPath, signal) {
    const root = { username: 'root', password: '' };
    return new MariadbBulkSession(await connect(socketPath, root, undefined, signal));
  },
  stateQuery,
  parseState,
  restoreState,
};
