import { createHash } from 'node:crypto';
import type { LoadClient } from './dump-support.ts';
import { inContainer, type Account, type Engine, type ImageSource } from './engine.ts';
import { makeCertificateFiles } from './certificate-files.ts';
import { secureAccounts } from './mariadb-accounts.ts';
import { mariadbAdopt, mariadbBackup, mariadbUpgrade } from './mariadb-backup.ts';
import { mariadbBulk } from './mysql-bulk.ts';
import {
  certificate,
  importCommand,
  initialiseCommand,
  leavesSettled,
  serveCommand,
  socketName,
  startupFileName,
} from './mariadb-commands.ts';
import { mariadbForgetting } from './mariadb-forget.ts';
import {
  admitLast,
  connect,
  logIn,
  greet,
  MysqlAdminSession,
  systemDatabases,
  workOf,
} from './mysql-session.ts';
import { clientFile, mysqlUrlOf, parseLoadError } from './mysql-client.ts';
import { mysqlMasker } from './mysql-mask.ts';
import { rowsLoader } from './mysql-rows.ts';
import { quoteText } from './quoting.ts';

/** The stored form of a password: mysql_native_password of the MySQL manual, SHA1(SHA1(password)). */
function nativePasswordHash(password: string): string {
  const once = createHash('sha1').update(password).digest();
  return `*${createHash('sha1').update(once).digest('hex').toUpperCase()}`;
}

/** Not for `current_user()`: of that MariaDB 11.8 takes the statement, says nothing, and changes nothing. */
const passwordStatement = ({ username, password }: Account): string =>
  `alter user ${quoteText(username)}@'localhost' ${identification(password)} account unlock`;

const identification = (password: string): string =>
  `identified via mysql_native_password using '${nativePasswordHash(password)}'`;

const debianSuites: Readonly<Record<string, string>> = { '10.11': 'bookworm', '11.8': 'trixie' };

const image: ImageSource = {
  defaultSeries: '11.8',
  variable: 'MYAAS_MYSQL_IMAGE',
  configured: ({ mysqlImage }) => mysqlImage,
  official: (series) => `mariadb:${series}`,
  debian(series) {
    const suite = debianSuites[series];
    if (suite === undefined) return undefined;
    const packages = ['mariadb-server-core', 'mariadb-client-core', 'mariadb-backup', 'tzdata'];
    return { reference: `myaas/mariadb:${series}-backup`, suite, packages };
  },
  versionCommand: ['mariadbd', '--no-defaults', '--version'],
  seriesOf: (told) => /(\d+\.\d+)\.\d+-MariaDB/.exec(told)?.[1],
  optionalPrograms: ['mariadb-backup'],
};

/** Tools of MariaDB say that, and what tools of both say of the server; "MySQL dump" was mariadb-dump's first line, too. */
const ownMarks = /^-- MariaDB dump|^\/\*M?!999999|^-- (?:MySQL dump|Server version|Adminer).*MariaDB/m;

const client: LoadClient = {
  command: (database) => [
    'mariadb',
    '--no-defaults',
    `--socket=${inContainer.run}/${socketName}`,
    '--user=root',
    '--batch',
    // What it prints is read while it runs.
    '--unbuffered',
    '--skip-ssl',
    '--default-character-set=utf8mb4',
    '--max-allowed-packet=1G',
    // No \!, system, source, tee: a dump is data, whoever wrote it. Clients before 10.11.8 do not know the option.
    '--loose-sandbox',
    // The files beside the client are none of its business.
    '--local-infile=0',
    // After "--", so that no database name can be an option.
    ...(database === undefined ? [] : ['--', database]),
  ],

  parseError: parseLoadError,
};

export const mariadb: Engine = {
  name: 'mariadb',
  title: 'MariaDB',
  image,
  upgradesInPlace: true,
  upgrade: mariadbUpgrade,
  dumps: {
    endings: ['sql', 'xb', 'xbstream', 'mbstream'],
    directories: ['mydumper', 'tab', 'backup'],
    recognises: (head) =>
      ownMarks.test(head) || head.startsWith(mariadbBackup.streamStart.toString('latin1')),
    loading: { kind: 'client', client },
  },
  adopt: mariadbAdopt,
  backup: mariadbBackup,
  systemDatabases,
  socketName,
  protocol: 'mysql',
  hookFiles: [clientFile(socketName)],
  hookEnvironment: {},
  stopSignal: 'SIGTERM',
  environment: {
    // The C library's own defaults, which it would raise to 20 MB and more at MariaDB's start. Then the memory of large
    // queries would never go back to the system: 700 MB, where it is 110 MB with these, after 40 connections have sorted.
    MALLOC_MMAP_THRESHOLD_: '131072',
    MALLOC_TRIM_THRESHOLD_: '131072',
  },
  initialiseCommand,
  importCommand,
  leavesSettled,
  serveCommand,

  // MDEV-19229: after a slow shutdown another number of them is made from nothing. The default is 3.
  renewingFlags: ['--innodb-undo-tablespaces=2'],

  startupFiles: (account) => [{ name: startupFileName, text: `${passwordStatement(account)};\n` }],

  extraFiles: () => makeCertificateFiles(certificate),

  admit: logIn,

  admitLast,
  login: logIn,

  work: (socketPath, account, _database, signal) =>
    greet(socketPath, account, undefined, signal, (connection) => workOf(connection)),

  async changePassword(socketPath, account, password, _database, signal) {
    await greet(socketPath, account, undefined, signal, async (connection) => {
      await connection.query(passwordStatement({ ...account, password }));
    });
  },

  async openToNetwork(socketPath, account, _database, signal) {
    const everywhere = `${quoteText(account.username)}@'%'`;
    await greet(socketPath, account, undefined, signal, async (connection) => {
      await connection.query(`create or replace user ${everywhere} ${identification(account.password)}`);
      await connection.query(`grant all privileges on *.* to ${everywhere} with grant option`);
    });
  },

  async admin(socketPath) {
    const root = { username: 'root', password: '' };
    return new MysqlAdminSession(await connect(socketPath, root, undefined), {
      secureAccounts,
      rows: rowsLoader,
      masker: (connection) => mysqlMasker(connection, mariadbForgetting),
    });
  },

  bulk: mariadbBulk,

  provesCleanShutdown: (log) =>
    /: Shutdown complete\s*$/.test(log) && !/\[ERROR\]/.test(log.slice(log.lastIndexOf('Normal shutdown'))),

  findRecovery: (log) =>
    log
      .split('\n')
      .find((line) => /crash recovery|starting recovery|recovered from|Recovering after a crash/i.test(line)),

  urlOf: mysqlUrlOf,
};
