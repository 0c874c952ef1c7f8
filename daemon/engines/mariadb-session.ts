/** Talking to a MariaDB server through its socket: as the user of an instance, and as the administrator of an import. */
import { connect as connectSocket } from 'node:net';
import mysql, { type Connection, type RowDataPacket } from 'mysql2/promise';
import type { Account, AdminSession, Contents, Masker, RowsLoader, TableCounts } from './engine.ts';
import { findMaskProblems, maskColumns } from './mariadb-mask.ts';
import { loadRows, tablesWithRows } from './mariadb-rows.ts';
import { quoteName, quoteText } from './quoting.ts';

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
    stream: () => connectSocket({ path: socketPath, ...(signal && { signal }) }),
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

/**
 * What stopping the server would cut short. Sessions in a transaction are seen by InnoDB; those that hold locks without
 * one (`LOCK TABLES`, `GET_LOCK`) only by what other sessions wait for.
 */
export async function workOf(connection: Connection): Promise<string | undefined> {
  const [running] = await connection.query<RowDataPacket[]>(
    `select command, time from information_schema.processlist
     where id <> connection_id() and command not in ('Sleep', 'Daemon', 'Connect', 'Quit')
     order by time desc limit 1`,
  );
  const [first] = running;
  if (first) return `a statement has been running for ${String(first['time'])} s`;
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

export class MariadbAdminSession implements AdminSession {
  readonly rows: RowsLoader;
  readonly masker: Masker;
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.rows = {
      tablesWithRows: (database) => tablesWithRows(connection, database),
      loadRows: (rows) => loadRows(connection, rows),
    };
    this.masker = {
      findMaskProblems: (columns) => findMaskProblems(connection, columns),
      mask: (columns, key, signal) => maskColumns(connection, columns, key, signal),
    };
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
    // The grant tables themselves, whatever the dump has made of them: accounts of hosts that no name service knows
    // are not to be had by ALTER USER. First what comes with every new data directory: root without a password, of
    // many hosts, and nobody.
    await this.#connection.query(
      `delete from mysql.global_priv
       where user = '' or (host <> 'localhost' and coalesce(json_value(priv, '$.authentication_string'), '') = ''
         and json_value(priv, '$.is_role') is null)`,
    );
    // Locked rather than dropped: they are the DEFINERs of views, triggers and routines.
    await this.#connection.query(
      `update mysql.global_priv
       set priv = json_set(json_remove(priv, '$.auth_or'), '$.plugin', 'mysql_native_password',
         '$.authentication_string', 'invalid', '$.account_locked', true)
       where json_value(priv, '$.is_role') is null`,
    );
    await this.#connection.query('delete from mysql.proxies_priv');
    await this.#connection.query('flush privileges');
    const account = `${quoteText(username)}@'localhost'`;
    await this.#connection.query(
      `create or replace user ${account} identified via mysql_native_password using 'invalid' account lock`,
    );
    await this.#connection.query(`grant all privileges on *.* to ${account} with grant option`);
    await this.#createMissingDefiners();
  }

  /** Without its DEFINER, an account of the server that the dump comes from, a view or routine can't be used. */
  async #createMissingDefiners(): Promise<void> {
    const definers = await this.#rows(
      `select definers.user, definers.host from (
         select substring_index(definer, '@', -1) as host,
           left(definer, char_length(definer) - char_length(substring_index(definer, '@', -1)) - 1) as user
         from (select definer, table_schema as db from information_schema.views
           union select definer, trigger_schema from information_schema.triggers
           union select definer, routine_schema from information_schema.routines
           union select definer, event_schema from information_schema.events) as objects
         where db not in (?)) as definers
       left join mysql.global_priv using (user, host)
       where global_priv.user is null and definers.user <> '' and definers.host <> ''
       group by user, host`,
      [systemDatabases],
    );
    for (const { user, host } of definers) {
      const account = `${quoteText(String(user))}@${quoteText(String(host))}`;
      await this.#connection.query(
        `create user ${account} identified via mysql_native_password using 'invalid' account lock`,
      );
      await this.#connection.query(`grant all privileges on *.* to ${account} with grant option`);
    }
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
