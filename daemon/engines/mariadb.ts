import { createHash } from 'node:crypto';
import { makeCertificate } from './certificate.ts';
import { inContainer, type Account, type Engine } from './engine.ts';
import { connect, greet, MariadbAdminSession, quoteText, shutDown, workOf } from './mariadb-session.ts';

const socketName = 'mysqld.sock';
const startupFileName = 'startup.sql';
const certificate = { cert: 'server-cert.pem', key: 'server-key.pem' } as const;

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

/** The stored form of a password: mysql_native_password of the MySQL manual, SHA1(SHA1(password)). */
function nativePasswordHash(password: string): string {
  const once = createHash('sha1').update(password).digest();
  return `*${createHash('sha1').update(once).digest('hex').toUpperCase()}`;
}

/** Not for `current_user()`: of that MariaDB 11.8 takes the statement, says nothing, and changes nothing. */
const passwordStatement = ({ username, password }: Account): string =>
  `alter user ${quoteText(username)}@'localhost' identified via mysql_native_password ` +
  `using '${nativePasswordHash(password)}' account unlock`;

/** ER_DB_CREATE_EXISTS. */
const databaseExists = '1007';
const excerptLength = 200;

const excerptOf = (text: string): string =>
  text.length <= excerptLength ? text : `${text.slice(0, excerptLength)}…`;

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

  startupStatements: (account) => `${passwordStatement(account)};\n`,

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

  work: (socketPath, account, signal) =>
    greet(socketPath, account, undefined, signal, (connection) => workOf(connection)),

  async changePassword(socketPath, account, password, signal) {
    await greet(socketPath, account, undefined, signal, async (connection) => {
      await connection.query(passwordStatement({ ...account, password }));
    });
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
