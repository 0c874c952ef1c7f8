/** PostgreSQL 15 and newer. */
import type { Engine } from './engine.ts';
import { PostgresAdminSession, systemDatabases } from './postgres-admin.ts';
import {
  accessFile,
  clientEnvironment,
  identitiesFile,
  importCommand,
  initialiseCommand,
  serveCommand,
  socketName,
} from './postgres-commands.ts';
import { archive, isArchive, isPostgresText, loadClient } from './postgres-load.ts';
import { writePassword } from './postgres-password.ts';
import { ScriptFilter } from './postgres-script.ts';
import { changePassword, greet, workOf } from './postgres-session.ts';

/** To a server every client of an instance is a local process, whoever it is: nobody comes in without a password. */
const access = 'local all all scram-sha-256\n';
/** For who mounts the data directory with a server of his own. */
const accessOfOthers = `${access}host all all all scram-sha-256\n`;

/** Nobody but the import gets to its server's socket. */
const accessOfImport = 'local all all trust\n';

const oldestSeries = 15;

export const postgres: Engine = {
  name: 'postgres',
  title: 'PostgreSQL',
  image: {
    defaultSeries: '17',
    configured: ({ postgresImage }) => postgresImage,
    variable: 'MYAAS_POSTGRES_IMAGE',
    official: (series) => `postgres:${series}`,
    debian: (series) => {
      const suite = { 15: 'bookworm', 17: 'trixie' }[series];
      if (suite === undefined) return undefined;
      return {
        reference: `myaas/postgres:${series}-${suite}`,
        suite,
        packages: [`postgresql-${series}`, 'tzdata'],
        // Of the compiler of queries, which our servers don't use.
        unneeded: [
          '/usr/lib/*/libLLVM*',
          '/usr/lib/*/libz3*',
          `/usr/lib/postgresql/${series}/lib/llvmjit*`,
          `/usr/lib/postgresql/${series}/lib/bitcode/*`,
        ],
        path: `/usr/lib/postgresql/${series}/bin`,
      };
    },
    versionCommand: ['postgres', '--version'],
    seriesOf(told) {
      const series = /^postgres \(PostgreSQL\) (\d+)/m.exec(told)?.[1];
      return series !== undefined && Number(series) >= oldestSeries ? series : undefined;
    },
    optionalPrograms: [],
  },
  upgradesInPlace: false,
  dumps: {
    endings: ['sql', 'dump', 'pgdump', 'tar'],
    directories: ['archive'],
    recognises: (head) => isArchive(head) || isPostgresText(head),
    filter: (surroundings) => new ScriptFilter(surroundings),
    archive,
    loading: { kind: 'client', client: loadClient },
  },
  systemDatabases,
  socketName,
  protocol: 'postgres',
  hookFiles: [],
  hookEnvironment: clientEnvironment,
  environment: {},
  // "Fast": SIGTERM would wait until every client has gone.
  stopSignal: 'SIGINT',

  initialiseCommand,
  extraFiles: () => Promise.resolve([{ name: 'pg_hba.conf', text: accessOfOthers }]),
  importCommand,
  serveCommand,
  renewingFlags: [],

  importFiles: [
    { name: accessFile, text: accessOfImport },
    { name: identitiesFile, text: '' },
  ],
  startupFiles: () => [
    { name: accessFile, text: access },
    { name: identitiesFile, text: '' },
  ],
  readyFile: { name: 'postmaster.pid', says: /^ready\b/m },
  prepareData: writePassword,

  async admit(socketPath, account, database, signal) {
    await greet(socketPath, account, database, signal, () => Promise.resolve());
  },

  async admitLast(socketPath, account, database, signal) {
    await greet(socketPath, account, database, signal, async (client) => {
      await client.query('checkpoint');
    });
  },

  async login(socketPath, account, database, signal) {
    await greet(socketPath, account, database, signal, () => Promise.resolve());
  },

  work: (socketPath, account, database, signal) => greet(socketPath, account, database, signal, workOf),

  async changePassword(socketPath, account, password, database, signal) {
    await greet(socketPath, account, database, signal, (client) => changePassword(client, password));
  },

  admin: (socketPath) => PostgresAdminSession.open(socketPath),

  provesCleanShutdown: (log) => /: {2}database system is shut down\s*$/.test(log),

  findRecovery: (log) =>
    log
      .split('\n')
      .find((line) => /not properly shut down|automatic recovery|redo starts at|was interrupted/.test(line)),

  // "postgres:" would do for most clients, and not for SQLAlchemy.
  urlOf: ({ username, password, host, port, database }) =>
    `postgresql://${encodeURIComponent(username)}:${encodeURIComponent(password)}@${host}:${String(port)}/${encodeURIComponent(database)}`,
};
