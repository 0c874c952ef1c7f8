/** Valkey, and Redis as far as it has the same files. Its dumps are RDB files, which the server itself opens. */
import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { inContainer, type Account, type AdminSession, type Engine, type ServerFacts } from './engine.ts';
import { ReplyError, RespConnection } from './resp.ts';

const socketName = 'valkey.sock';
const usersFileName = 'users.acl';
const dumpName = 'dump.rdb';

const commonFlags = ({ memoryBytes }: ServerFacts): readonly string[] => [
  'valkey-server',
  ...['--port', '0', '--unixsocket', `${inContainer.run}/${socketName}`, '--unixsocketperm', '777'],
  ...['--dir', inContainer.datadir, '--dbfilename', dumpName],
  ...['--daemonize', 'no', '--logfile', ''],
  // What does not fit is refused: the rest of the container's memory is for the process that writes the file.
  ...['--maxmemory', String(Math.floor(memoryBytes / 2))],
];

const digestOf = (password: string): string => createHash('sha256').update(password).digest('hex');

/** While a server reads its file it answers, but only that. There is no event for the end of that. */
const loadingRetryMs = 20;

async function logIn(
  ...[path, { username, password }, database, signal]: Parameters<Engine['login']>
): Promise<void> {
  const connection = await RespConnection.open({ path }, signal);
  try {
    await connection.ask('AUTH', username, password);
    await untilLoaded(connection, signal);
    await connection.ask('SELECT', database);
    await connection.ask('PING');
  } finally {
    connection.close();
  }
}

async function untilLoaded(connection: RespConnection, signal?: AbortSignal): Promise<void> {
  for (;;) {
    try {
      await connection.ask('PING');
      return;
    } catch (error) {
      if (!(error instanceof ReplyError) || error.code !== 'LOADING') throw error;
      await delay(loadingRetryMs, undefined, { signal });
    }
  }
}

/** As its user: logged in on a connection of its own. */
async function as<T>(
  path: string,
  { username, password }: Account,
  signal: AbortSignal,
  work: (connection: RespConnection) => Promise<T>,
): Promise<T> {
  const connection = await RespConnection.open({ path }, signal);
  try {
    await connection.ask('AUTH', username, password);
    return await work(connection);
  } finally {
    connection.close();
  }
}

class ValkeyAdminSession implements AdminSession {
  readonly #connection: RespConnection;

  constructor(connection: RespConnection) {
    this.#connection = connection;
  }

  async version(): Promise<string> {
    const info = String(await this.#connection.ask('INFO', 'server'));
    return /^(?:valkey|redis)_version:(\S+)/m.exec(info)?.[1] ?? 'unknown';
  }

  /** They are there, by number. */
  createDatabase(): Promise<void> {
    return Promise.resolve();
  }

  dropDatabase(): Promise<void> {
    return Promise.resolve();
  }

  /** How many keys each database has that has any. */
  async #keyspace(): Promise<Map<string, number>> {
    const info = String(await this.#connection.ask('INFO', 'keyspace'));
    const found = [...info.matchAll(/^db(\d+):keys=(\d+)/gm)];
    return new Map(found.map(([, database = '', keys]) => [database, Number(keys)]));
  }

  async contents() {
    const { databases, rows } = await this.#counts();
    return { databases, objectCount: rows };
  }

  async #counts() {
    const keyspace = await this.#keyspace();
    const rows = [...keyspace.values()].reduce((sum, keys) => sum + keys, 0);
    return { databases: [...keyspace.keys()], rows };
  }

  async isEmpty(database: string): Promise<boolean> {
    return !(await this.#keyspace()).has(database);
  }

  /** A file of data holds no users: those of instances are all there are. */
  secureAccounts(): Promise<void> {
    return Promise.resolve();
  }

  analyze(): Promise<void> {
    return Promise.resolve();
  }

  async countTables() {
    const { databases, rows } = await this.#counts();
    return { tables: databases.length, rows };
  }

  /** What it has is written at the shutdown in any case. */
  prepareShutdown(): Promise<void> {
    return Promise.resolve();
  }

  async isAlive(): Promise<boolean> {
    return this.#connection.ask('PING').then(
      () => true,
      () => false,
    );
  }

  close(): void {
    this.#connection.close();
  }
}

export const valkey: Engine = {
  name: 'valkey',
  title: 'Valkey',
  image: {
    defaultSeries: '8',
    variable: 'MYAAS_VALKEY_IMAGE',
    configured: ({ valkeyImage }) => valkeyImage,
    official: (series) => `valkey/valkey:${series}`,
    debian: (series) =>
      series.split('.')[0] === '8'
        ? {
            reference: 'myaas/valkey:debian-trixie',
            suite: 'trixie',
            packages: ['valkey-server', 'valkey-tools'],
          }
        : undefined,
    versionCommand: ['valkey-server', '--version'],
    seriesOf: (told) => /v=(\d+\.\d+)\./.exec(told)?.[1],
    optionalPrograms: [],
  },
  upgradesInPlace: true,
  dumps: {
    endings: ['rdb'],
    directories: [],
    recognises: (head) => /^(?:REDIS|VALKEY)\d/.test(head),
    loading: { kind: 'data file', name: dumpName },
  },
  systemDatabases: [],
  socketName,
  protocol: 'redis',
  hookFiles: [],
  hookEnvironment: {},
  stopSignal: 'SIGTERM',
  environment: {},
  extraFiles: () => Promise.resolve([]),
  importCommand: (server) => [...commonFlags(server), '--save', '3600 1'],
  serveCommand: (server) => [
    ...commonFlags(server),
    ...['--aclfile', `${inContainer.run}/${usersFileName}`],
    // The crash of a server loses what was written in the last minute.
    ...['--save', '60 1'],
  ],
  renewingFlags: [],

  startupFiles: ({ username, password }) => [
    {
      name: usersFileName,
      text: `user default off\nuser ${username} on #${digestOf(password)} ~* &* +@all\n`,
    },
  ],

  admit: logIn,
  admitLast: logIn,
  login: logIn,

  work: (path, account, _database, signal) =>
    as(path, account, signal, async (connection) => {
      const clients = String(await connection.ask('CLIENT', 'LIST'));
      if (/ multi=\d/.test(clients)) return 'a transaction is open';
      return / flags=\w*b/.test(clients) ? 'a client waits for an element of a list' : undefined;
    }),

  async changePassword(path, account, password, _database, signal) {
    await as(path, account, signal, (connection) =>
      connection.ask('ACL', 'SETUSER', account.username, 'resetpass', `#${digestOf(password)}`),
    );
  },

  async admin(path) {
    const connection = await RespConnection.open({ path });
    await untilLoaded(connection);
    return new ValkeyAdminSession(connection);
  },

  provesCleanShutdown: (log) => /DB saved on disk/.test(log) && /is now ready to exit, bye bye/.test(log),

  findRecovery: () => undefined,

  urlOf: ({ username, password, host, port, database }) =>
    `redis://${encodeURIComponent(username)}:${encodeURIComponent(password)}@${host}:${String(port)}/${database}`,
};
