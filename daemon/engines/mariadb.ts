import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import mysql from 'mysql2/promise';
import type { Connection, RowDataPacket } from 'mysql2/promise';
import { hasErrno } from '../errors.ts';
import { makeCertificate } from './certificate.ts';
import { inContainer, type Account, type AdminSession, type Contents, type Engine } from './engine.ts';

const socketName = 'mysqld.sock';
const startupFileName = 'startup.sql';
const certificate = { cert: 'server-cert.pem', key: 'server-key.pem' } as const;
const systemDatabases = ['mysql', 'information_schema', 'performance_schema', 'sys'];
/** Long enough for the crash recovery of a large instance after a power loss. */
const loginTimeoutMs = 10 * 60_000;

/** What all servers share. Measured: see `npm run bench -- create`. */
const commonFlags = [
  '--no-defaults',
  `--datadir=${inContainer.datadir}`,
  `--tmpdir=${inContainer.tmp}`,
  `--socket=${inContainer.run}/${socketName}`,
  `--pid-file=${inContainer.run}/mysqld.pid`,
  '--skip-networking',
  '--performance-schema=OFF',
  '--character-set-server=utf8mb4',
  '--innodb-buffer-pool-load-at-startup=OFF',
  '--innodb-buffer-pool-dump-at-shutdown=OFF',
  // btrfs never overwrites a page in place, so a page cannot be torn.
  '--innodb-doublewrite=OFF',
  `--secure-file-priv=${inContainer.tmp}`,
];

/** A name in backticks. */
const quoteName = (name: string): string => `\`${name.replaceAll('`', '``')}\``;
/** A string literal that is right under every sql_mode. */
const quoteText = (text: string): string => `'${text.replaceAll("'", "''").replaceAll('\\', '\\\\')}'`;

/** The stored form of a password: mysql_native_password of the MySQL manual, SHA1(SHA1(password)). */
function nativePasswordHash(password: string): string {
  const once = createHash('sha1').update(password).digest();
  return `*${createHash('sha1').update(once).digest('hex').toUpperCase()}`;
}

async function connect(
  socketPath: string,
  account: Account,
  database: string | undefined,
  signal: AbortSignal,
): Promise<Connection> {
  for (;;) {
    signal.throwIfAborted();
    try {
      const connection = await mysql.createConnection({
        socketPath,
        user: account.username,
        password: account.password,
        connectTimeout: loginTimeoutMs,
        ...(database !== undefined && { database }),
      });
      // A server that goes away between queries is noticed by the next query, or was asked to go.
      connection.on('error', () => undefined);
      return connection;
    } catch (error) {
      // The server binds its socket a moment before it listens, and there is no event for that moment's end.
      if (!hasErrno(error, 'ECONNREFUSED')) throw error;
      await delay(1, undefined, { signal });
    }
  }
}

/** Logs in, has a query answered, and then whatever else; the connection is cut when the signal aborts. */
async function greet(
  socketPath: string,
  account: Account,
  database: string,
  signal: AbortSignal,
  andThen: (connection: Connection) => Promise<void>,
): Promise<void> {
  const connection = await connect(socketPath, account, database, signal);
  const cut = () => connection.destroy();
  signal.addEventListener('abort', cut, { once: true });
  try {
    await connection.query('select 1');
    await andThen(connection);
  } finally {
    signal.removeEventListener('abort', cut);
    // Says goodbye, without waiting for it: the server logs a connection that is cut.
    void connection.end().catch(cut);
  }
}

async function shutDown(connection: Connection): Promise<void> {
  // 0: purge and merge everything, so that no clone has to.
  await connection.query('set global innodb_fast_shutdown = 0');
  await connection.query('shutdown');
}

/** ER_DB_CREATE_EXISTS. */
const databaseExists = '1007';
const excerptLength = 200;

const excerptOf = (text: string): string =>
  text.length <= excerptLength ? text : `${text.slice(0, excerptLength)}…`;

class MariadbAdminSession implements AdminSession {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
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

  async shutdown(): Promise<void> {
    await shutDown(this.#connection);
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

export const mariadb: Engine = {
  name: 'mariadb',
  socketName,
  startupFileName,

  initialiseCommand: () => [
    'mariadb-install-db',
    '--no-defaults',
    `--datadir=${inContainer.datadir}`,
    `--tmpdir=${inContainer.tmp}`,
    // Nobody but the import can reach its server; `secureAccounts` locks root afterwards.
    '--auth-root-authentication-method=normal',
    '--skip-test-db',
    '--skip-name-resolve',
  ],

  serveCommand: () => [
    'mariadbd',
    ...commonFlags,
    `--init-file=${inContainer.run}/${startupFileName}`,
    // Without a certificate MariaDB 11.4 and newer make an RSA key at each start: 100 to 1000 ms. Without TLS at all,
    // their clients refuse to connect.
    `--ssl-cert=${inContainer.datadir}/${certificate.cert}`,
    `--ssl-key=${inContainer.datadir}/${certificate.key}`,
    '--innodb-buffer-pool-size=128M',
    '--innodb-log-file-size=32M',
    '--innodb-log-buffer-size=4M',
    '--aria-pagecache-buffer-size=8M',
    '--key-buffer-size=8M',
    '--max-allowed-packet=256M',
    // A clone survives the crash of its server whole; of the host's, but for its last second.
    '--innodb-flush-log-at-trx-commit=2',
  ],

  importCommand: (memoryBytes) => [
    'mariadbd',
    ...commonFlags,
    '--skip-ssl',
    `--innodb-buffer-pool-size=${String(Math.max(128, Math.floor(memoryBytes / 2 / 2 ** 20)))}M`,
    '--innodb-log-file-size=1G',
    '--innodb-log-buffer-size=64M',
    '--innodb-flush-log-at-trx-commit=0',
    '--innodb-io-capacity=4000',
    '--aria-pagecache-buffer-size=64M',
    '--key-buffer-size=64M',
    '--max-allowed-packet=1G',
    '--net-read-timeout=86400',
    '--wait-timeout=604800',
  ],

  loadCommand: (database) => [
    'mariadb',
    '--no-defaults',
    `--socket=${inContainer.run}/${socketName}`,
    '--user=root',
    '--batch',
    '--skip-ssl',
    '--default-character-set=utf8mb4',
    '--max-allowed-packet=1G',
    // No \!, system, source, tee: a dump is data, whoever wrote it. Clients before 10.11.8 do not know the option.
    '--loose-sandbox',
    // After "--", so that no database name can be an option.
    ...(database === undefined ? [] : ['--', database]),
  ],

  startupStatements: ({ username, password }) =>
    `alter user ${quoteText(username)}@'localhost' identified via mysql_native_password ` +
    `using '${nativePasswordHash(password)}' account unlock;\n`,

  async extraFiles() {
    const { certificatePem, privateKeyPem } = await makeCertificate();
    return [
      { name: certificate.cert, text: certificatePem },
      { name: certificate.key, text: privateKeyPem },
    ];
  },

  async login(socketPath, account, database, signal) {
    await greet(socketPath, account, database, signal, () => Promise.resolve());
  },

  async loginAndShutDown(socketPath, account, database, signal) {
    await greet(socketPath, account, database, signal, shutDown);
  },

  async admin(socketPath, signal) {
    const root = { username: 'root', password: '' };
    return new MariadbAdminSession(await connect(socketPath, root, undefined, signal));
  },

  provesCleanShutdown: (log) =>
    /: Shutdown complete\s*$/.test(log) && !/\[ERROR\]/.test(log.slice(log.lastIndexOf('Normal shutdown'))),

  findRecovery: (log) =>
    log
      .split('\n')
      .find((line) => /crash recovery|starting recovery|recovered from|Recovering after a crash/i.test(line)),

  parseLoadError(stderr, exitCode) {
    // The statement between two lines of dashes, then "ERROR 1064 (42000) at line 3: …" (client/mysql.cc).
    const match = /^ERROR(?: (\d+)(?: \(\w+\))?)? at line (\d+): (.*)/ms.exec(stderr);
    const statement = /^-{14}\n(.*?)\n-{14}$/ms.exec(stderr)?.[1];
    const said = stderr.trim() || `the client ended with exit code ${String(exitCode)} and said nothing`;
    const [message = said] = (match?.[3] ?? said).trim().split('\n');
    return {
      line: match ? Number(match[2]) : undefined,
      statement: statement === undefined ? undefined : excerptOf(statement),
      message: match?.[1] === undefined ? message : `${message} (error ${match[1]})`,
      databaseExists: match?.[1] === databaseExists,
    };
  },

  urlOf: ({ username, password, host, port, database }) =>
    `mysql://${encodeURIComponent(username)}:${encodeURIComponent(password)}@${host}:${String(port)}/${encodeURIComponent(database)}`,
};
