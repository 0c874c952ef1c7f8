/**
 * MySQL 8.4 and newer. Its accounts log in by caching_sha2_password. Through the gate a client without TLS seems to come
 * by TCP to itself and by a socket to the server; the two agree only on logins whose password the server has in its cache.
 * `admit` puts that of the account there at each start.
 */
import type { LoadClient } from './dump-support.ts';
import { inContainer, type Account, type Engine, type ImageSource } from './engine.ts';
import { makeCertificateFiles } from './certificate-files.ts';
import { secureAccounts } from './mysql-accounts.ts';
import { closingStatement, mysqlBulk } from './mysql-bulk.ts';
import { clientFile, mysqlUrlOf, parseLoadError } from './mysql-client.ts';
import {
  certificate,
  importCommand,
  initialiseCommand,
  leavesSettled,
  mysqlAdopt,
  serveCommand,
  socketName,
  startupFileName,
} from './mysql-commands.ts';
import { mysqlForgetting } from './mysql-forget.ts';
import { mysqlMasker } from './mysql-mask.ts';
import { rowsLoader } from './mysql-rows.ts';
import {
  admitLast,
  connect,
  greet,
  logIn,
  MysqlAdminSession,
  systemDatabases,
  workOf,
} from './mysql-session.ts';
import { quoteText } from './quoting.ts';

/** The file that has it is the server's alone, in memory, and gone when the server has started. */
const passwordStatement = ({ username, password }: Account): string =>
  `alter user ${quoteText(username)}@'localhost' identified with caching_sha2_password by ${quoteText(password)} account unlock`;

const image: ImageSource = {
  defaultSeries: '9',
  variable: 'MYAAS_MYSQL_IMAGE',
  configured: ({ mysqlImage }) => mysqlImage,
  official: (series) => `mysql:${series}`,
  // The one release of Debian with MySQL in it has what is newest.
  debian: (series) =>
    series.split('.')[0] === '9'
      ? {
          reference: 'myaas/mysql:debian-sid',
          suite: 'sid',
          packages: ['mysql-server-core', 'mysql-client-core', 'tzdata'],
        }
      : undefined,
  versionCommand: ['mysqld', '--no-defaults', '--version'],
  seriesOf: (told) => (told.includes('MariaDB') ? undefined : /Ver (\d+\.\d+)\.\d+/.exec(told)?.[1]),
  optionalPrograms: [],
};

const client: LoadClient = {
  command: (database) => [
    'mysql',
    '--no-defaults',
    `--socket=${inContainer.run}/${socketName}`,
    '--user=root',
    '--batch',
    // What it prints is read while it runs.
    '--unbuffered',
    '--default-character-set=utf8mb4',
    '--max-allowed-packet=1G',
    // No \!, system, source, tee: a dump is data, whoever wrote it. DELIMITER is understood all the same.
    '--binary-mode',
    // After "--", so that no database name can be an option.
    ...(database === undefined ? [] : ['--', database]),
  ],
  parseError: parseLoadError,
};

/** Tools of MySQL say that, and what tools of both say of a server that is not MariaDB's. */
const ownMarks = /^-- MySQL dump|^-- Server version:?\s+[5-9]\.|^-- Adminer \S+ MySQL/m;

export const mysql: Engine = {
  name: 'mysql',
  title: 'MySQL',
  image,
  upgradesInPlace: true,
  dumps: {
    endings: ['sql'],
    directories: ['mydumper', 'tab'],
    // After MariaDB, whose older tools say the same, and "MariaDB" as well.
    recognises: (head) => ownMarks.test(head),
    loading: { kind: 'client', client },
  },
  adopt: mysqlAdopt,
  systemDatabases,
  socketName,
  protocol: 'mysql',
  hookFiles: [clientFile(socketName)],
  hookEnvironment: {},
  stopSignal: 'SIGTERM',
  environment: {},
  initialiseCommand,
  // The server's UUID.
  identityFiles: ['auto.cnf'],
  importCommand,
  leavesSettled,
  serveCommand,
  renewingFlags: [],
  startupFiles: (account) => [{ name: startupFileName, text: `${passwordStatement(account)};\n` }],
  extraFiles: () => makeCertificateFiles(certificate),
  admit: logIn,
  admitLast,
  login: logIn,

  work: (socketPath, account, _database, signal) =>
    greet(socketPath, account, undefined, signal, (connection) => workOf(connection)),

  async changePassword(socketPath, account, password, database, signal) {
    await greet(socketPath, account, undefined, signal, async (connection) => {
      await connection.query(passwordStatement({ ...account, password }));
    });
    // Into the server's cache with it.
    await logIn(socketPath, { ...account, password }, database, signal);
  },

  async admin(socketPath) {
    const root = { username: 'root', password: '' };
    return new MysqlAdminSession(await connect(socketPath, root, undefined), {
      secureAccounts,
      rows: rowsLoader,
      masker: (connection) => mysqlMasker(connection, mysqlForgetting),
      closing: [closingStatement],
    });
  },

  bulk: mysqlBulk,

  provesCleanShutdown: (log) =>
    /: Shutdown complete \([^\n]*\n?(?:[^\n]*MySQL Server - end\.)?\s*$/.test(log) &&
    !/\[ERROR\]/.test(log.slice(Math.max(log.lastIndexOf('Received SHUTDOWN'), 0))),

  // InnoDB's own; the server tells of "crash recovery" at every start, of transactions that there are none of.
  findRecovery: (log) =>
    log
      .split('\n')
      .find((line) => /\[InnoDB\].*(?:not shutdown normally|starting crash recovery)/i.test(line)),

  urlOf: mysqlUrlOf,
};
