/** Loading one table's rows by one `LOAD DATA`, into MariaDB and MySQL: see `BulkSession`. */
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
  geomcollection: 'binary',
};

/** In others a byte of a quote or backslash may be half a character. */
const safeCharacterSets: readonly unknown[] = ['utf8mb4', 'utf8mb3', 'latin1', 'ascii', 'binary'];
/** Modes that give literals another meaning than LOAD DATA gives to text. */
const unsafeModes = ['NO_BACKSLASH_ESCAPES', 'EMPTY_STRING_IS_NULL'];

/** What is each product's own. */
export interface BulkWays {
  /** Expressions of what only one of them has. */
  readonly checksConstraints: string;
  readonly commitsItself: string;
  /** Whether the last one also knows of transactions that were begun. */
  readonly tellsTransactions: boolean;
  readonly locksOthers: boolean;
  readonly takesReturns: boolean;
  /** What else is set before rows are loaded. */
  settings(state: ClientState): string;
  /** Run when a session begins. */
  readonly opening: readonly string[];
  /** Before the rows of a table are loaded, when it is empty; what is to be done afterwards. */
  prepare?(connection: Connection, table: string): Promise<readonly string[]>;
}

/** What of a session decides how rows are stored. The order is that of `ClientState`. */
const expressionsOf = ({ checksConstraints, commitsItself }: BulkWays): readonly string[] => [
  'database()',
  '@@session.sql_mode',
  '@@session.character_set_client',
  '@@session.character_set_connection',
  '@@session.collation_connection',
  '@@session.time_zone',
  '@@session.foreign_key_checks + 0',
  '@@session.unique_checks + 0',
  checksConstraints,
  commitsItself,
];

/** Has the client print `token` and, in hexadecimal, so that no character set matters, the state of its session. */
const stateQuery = (ways: BulkWays, token: string): string =>
  `SELECT concat('${token}', hex(convert(json_array(${expressionsOf(ways).join(', ')}) using utf8mb4)), ';');`;

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

const settingsOf = (ways: BulkWays, state: ClientState): string =>
  `sql_mode = ${quoteText(state.sqlMode)}, time_zone = ${quoteText(state.timeZone)}${ways.settings(state)}`;

/** Puts another client in the state that this one was in. On one line. */
const restoreState = (ways: BulkWays, state: ClientState): string =>
  [
    ...(state.database === undefined ? [] : [`USE ${quoteName(state.database)};`]),
    `SET SESSION ${settingsOf(ways, state)}, foreign_key_checks = ${String(Number(state.checksForeignKeys))},`,
    `unique_checks = ${String(Number(state.checksUniqueKeys))};`,
    `SET NAMES ${state.characterSet ?? 'utf8mb4'} COLLATE ${state.collation};`,
  ].join(' ');

/** Names in a dump are bytes of the session's character set. */
function decodeName(bytes: string, characterSet: string): string | undefined {
  const isAscii = !/[^\0-\x7f]/.test(bytes);
  if (isAscii) return bytes;
  return characterSet.startsWith('utf8') ? Buffer.from(bytes, 'latin1').toString() : undefined;
}

class MysqlBulkSession implements BulkSession {
  readonly #connection: Connection;
  readonly #ways: BulkWays;
  #owed: readonly string[] = [];

  constructor(connection: Connection, ways: BulkWays) {
    this.#connection = connection;
    this.#ways = ways;
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
      `select table_schema as db, table_name as name, engine as engine, table_type as type, cast(auto_increment as char) as next,
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
      `select column_name as name, data_type as type, is_nullable = 'YES' as nullable, extra as extra
       from information_schema.columns where table_schema = ? and table_name = ? order by ordinal_position`,
      [database, table],
    );
    const columns = all.map((column) => ({
      name: String(column['name']),
      kind: /\bGENERATED/.test(String(column['extra']))
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

  async load(table: BulkTable, path: string, state: ClientState) {
    await this.#connection.query(
      `set session ${settingsOf(this.#ways, state)}, foreign_key_checks = 0, unique_checks = 0, last_insert_id = 0`,
    );
    this.#owed = (await this.#ways.prepare?.(this.#connection, quoteTable(table.name))) ?? [];
    const loaded = await this.#loadRows(table, path, state);
    await this.#settle();
    return loaded;
  }

  /** Does what was put off, or else throws, and it is still to be done. */
  async #settle(): Promise<void> {
    for (const statement of this.#owed) await this.#connection.query(statement);
    this.#owed = [];
  }

  async #loadRows({ name, columns }: BulkTable, path: string, state: ClientState) {
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
    // In the mode in which the table could be made.
    await this.#settle();
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

export const bulkLoading = (ways: BulkWays): BulkLoading => ({
  tellsTransactions: ways.tellsTransactions,
  locksOthers: ways.locksOthers,
  takesReturns: ways.takesReturns,
  async open(socketPath, signal) {
    const root = { username: 'root', password: '' };
    const connection = await connect(socketPath, root, undefined, signal);
    for (const statement of ways.opening) await connection.query(statement);
    return new MysqlBulkSession(connection, ways);
  },
  stateQuery: (token) => stateQuery(ways, token),
  parseState,
  restoreState: (state) => restoreState(ways, state),
});

export const mariadbBulk = bulkLoading({
  checksConstraints: '@@session.check_constraint_checks + 0',
  commitsItself: '@@session.autocommit and not @@session.in_transaction',
  tellsTransactions: true,
  locksOthers: false,
  takesReturns: true,
  settings: ({ checksConstraints }) => `, check_constraint_checks = ${String(Number(checksConstraints))}`,
  opening: [],
});

/** What a key is in a definition as the server writes it; there, keys of all rows come last. */
const keyLine = /^ {2}(KEY `(?:[^`]|``)+` .*?),?$/gm;

/** Sorted, an index is made sooner than row by row. */
async function dropKeys(connection: Connection, table: string): Promise<readonly string[]> {
  const [rows] = await connection.query<RowDataPacket[]>(`show create table ${table}`);
  const keys = [...String(rows[0]?.['Create Table']).matchAll(keyLine)].map(([, key = '']) => key);
  const names = keys.map((key) => /^KEY (`(?:[^`]|``)+`)/.exec(key)?.[1] ?? '');
  if (keys.length === 0) return [];
  try {
    await connection.query(`alter table ${table} ${names.map((name) => `drop key ${name}`).join(', ')}`);
  } catch {
    // One of them is needed: by a number that the server counts up, for example.
    return [];
  }
  return [`alter table ${table} ${keys.map((key) => `add ${key}`).join(', ')}`];
}

/** To be run before the server is shut down: it would not start again after a crash. */
export const closingStatement = 'alter instance enable innodb redo_log';

export const mysqlBulk = bulkLoading({
  checksConstraints: '1',
  commitsItself: '@@session.autocommit + 0',
  tellsTransactions: false,
  locksOthers: true,
  // --binary-mode
  takesReturns: false,
  settings: () => '',
  opening: [
    // How a table will number its next row is asked the table, and not what was known of it yesterday.
    'set session information_schema_stats_expiry = 0',
    // What crashes is made anew. `closingStatement` ends it.
    'alter instance disable innodb redo_log',
  ],
  prepare: dropKeys,
});
