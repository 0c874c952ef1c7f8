/** Talking to a server of MariaDB or MySQL through its socket: as the user of an instance, and as the administrator of an import. */
import mysql, { type Connection, type RowDataPacket } from 'mysql2/promise';
import type { Account, AdminSession, Engine, Contents, Masker, RowsLoader, TableCounts } from './engine.ts';
import { quoteName } from './quoting.ts';
import { connectSocket } from './socket.ts';

export const systemDatabases = ['mysql', 'information_schema', 'performance_schema', 'sys'];
/** Long enough for the crash recovery of a large instance after a power loss. */
const loginTimeoutMs = 10 * 60_000;

/** With a signal, the connection breaks when that aborts, and so does whatever is being asked then. */
export async function connect(
  socketPath: string,
  account: Account,
  database: string | undefined,
  signal?: AbortSignal,
): Promise<Connection> {
  const connection = await mysql.createConnection({
    // The library's own `destroy` would leave whoever waits for an answer waiting for ever.
    stream: () => connectSocket({ path: socketPath }, signal),
    // Tells the library that nobody listens: MySQL's server takes the password itself on a socket, and no key for it.
    socketPath,
    user: account.username,
    password: account.password,
    // The library's own default makes the server load 1 MB of tables, for good.
    charset: 'UTF8MB4_GENERAL_CI',
    connectTimeout: loginTimeoutMs,
    ...(database !== undefined && { database }),
  });
  // A server that goes away between queries is noticed by the next query, or was asked to go.
  connection.on('error', () => undefined);
  return connection;
}

/** Logs in, has a query answered, and then whatever else. Throws the signal's reason when it aborts. */
export async function greet<T>(
  socketPath: string,
  account: Account,
  database: string | undefined,
  signal: AbortSignal,
  andThen: (connection: Connection) => Promise<T>,
): Promise<T> {
  try {
    signal.throwIfAborted();
    const connection = await connect(socketPath, account, database, signal);
    try {
      await connection.query('select 1');
      return await andThen(connection);
    } finally {
      // Says goodbye, without waiting for it: the server logs a connection that is cut.
      void connection.end().catch(() => connection.destroy());
    }
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  }
}

/** As `Engine` has it. */
export async function logIn(
  ...[socketPath, account, database, signal]: Parameters<Engine['login']>
): Promise<void> {
  await greet(socketPath, account, database, signal, () => Promise.resolve());
}

/** As `Engine` has it. */
export async function admitLast(
  ...[socketPath, account, database, signal]: Parameters<Engine['admitLast']>
): Promise<void> {
  await greet(socketPath, account, database, signal, prepareShutdown);
}

/**
 * What stopping the server would cut short. Sessions in a transaction are seen by InnoDB; those that hold locks without
 * one (`LOCK TABLES`, `GET_LOCK`) only by what other sessions wait for. Who is "Killed" has gone away already.
 */
export async function workOf(connection: Connection): Promise<string | undefined> {
  const [running] = await connection.query<RowDataPacket[]>(
    `select time as seconds from information_schema.processlist
     where id <> connection_id() and command not in ('Sleep', 'Daemon', 'Connect', 'Quit', 'Killed')
     order by time desc limit 1`,
  );
  const [first] = running;
  if (first) return `a statement has been running for ${String(first['seconds'])} s`;
  const [open] = await connection.query<RowDataPacket[]>(
    `select timestampdiff(second, trx_started, now()) as seconds from information_schema.innodb_trx
     where trx_mysql_thread_id not in (0, connection_id()) order by trx_started limit 1`,
  );
  const [oldest] = open;
  return oldest && `a transaction has been open for ${String(oldest['seconds'])} s`;
}

/** 0: purge and merge everything, so that no clone has to. */
export async function prepareShutdown(connection: Connection): Promise<void> {
  await connection.query('set global innodb_fast_shutdown = 0');
}

/** What is each product's own. */
export interface OwnWays {
  /** As `AdminSession` has it. */
  secureAccounts(connection: Connection, username: string): Promise<void>;
  rows?(connection: Connection): RowsLoader;
  masker?(connection: Connection): Masker;
  /** Run before the shutdown. */
  readonly closing?: readonly string[];
}

export class MysqlAdminSession implements AdminSession {
  readonly rows?: RowsLoader;
  readonly masker?: Masker;
  readonly #connection: Connection;
  readonly #own: OwnWays;

  constructor(connection: Connection, own: OwnWays) {
    this.#connection = connection;
    this.#own = own;
    if (own.rows) this.rows = own.rows(connection);
    if (own.masker) this.masker = own.masker(connection);
  }

  async #rows(sql: string, values: unknown[] = []): Promise<RowDataPacket[]> {
    const [rows] = await this.#connection.query<RowDataPacket[]>(sql, values);
    return rows;
  }

  async version(): Promise<string> {
    const [row] = await this.#rows('select version() as version');
    return String(row?.['version']);
  }

  async createDatabase(name: string): Promise<void> {
    await this.#connection.query(`create database ${quoteName(name)}`);
  }

  async dropDatabase(name: string): Promise<void> {
    await this.#connection.query(`drop database ${quoteName(name)}`);
  }

  async contents(): Promise<Contents> {
    const databases = await this.#rows(
      'select schema_name as name from information_schema.schemata where schema_name not in (?) order by schema_name',
      [systemDatabases],
    );
    const [count] = await this.#rows(
      `select (select count(*) from information_schema.tables where table_schema not in (?))
            + (select count(*) from information_schema.routines where routine_schema not in (?))
            + (select count(*) from information_schema.events where event_schema not in (?)) as objects`,
      [systemDatabases, systemDatabases, systemDatabases],
    );
    return {
      databases: databases.map((row) => String(row['name'])),
      objectCount: Number(count?.['objects']),
    };
  }

  async isEmpty(database: string): Promise<boolean> {
    const [count] = await this.#rows(
      `select (select count(*) from information_schema.tables where table_schema = ?)
            + (select count(*) from information_schema.routines where routine_schema = ?)
            + (select count(*) from information_schema.events where event_schema = ?) as objects`,
      [database, database, database],
    );
    return Number(count?.['objects']) === 0;
  }

  async secureAccounts(username: string): Promise<void> {
    await this.#own.secureAccounts(this.#connection, username);
  }

  async analyze(signal: AbortSignal): Promise<void> {
    const tables = await this.#rows(
      `select table_schema as db, table_name as name from information_schema.tables
       where table_schema not in (?) and table_type in ('BASE TABLE', 'SYSTEM VERSIONED')`,
      [systemDatabases],
    );
    for (const { db, name } of tables) {
      signal.throwIfAborted();
      await this.#connection.query(`analyze local table ${quoteName(String(db))}.${quoteName(String(name))}`);
    }
  }

  async countTables(): Promise<TableCounts> {
    const [found] = await this.#rows(
      `select count(*) as tables, coalesce(sum(table_rows), 0) as estimate from information_schema.tables
       where table_schema not in (?) and table_type in ('BASE TABLE', 'SYSTEM VERSIONED')`,
      [systemDatabases],
    );
    return { tables: Number(found?.['tables']), rows: Number(found?.['estimate']) };
  }

  async prepareShutdown(): Promise<void> {
    for (const statement of this.#own.closing ?? []) await this.#connection.query(statement);
    await prepareShutdown(this.#connection);
  }

  async isAlive(): Promise<boolean> {
    try {
      await this.#rows('select 1');
      return true;
    } catch {
      // Whatever the reason, it is no answer.
      return false;
    }
  }

  close(): void {
    this.#connection.destroy();
  }
}
