import { createHash } from 'node:crypto';
import { inContainer, type Account, type Engine } from './engine.ts';
import { adoptStatements, mariadbBackup } from './mariadb-backup.ts';
import { connect, greet, MariadbAdminSession, shutDown, systemDatabases, workOf } from './mariadb-session.ts';
import { quoteText } from './quoting.ts';

const socketName = 'mysqld.sock';
const startupFileName = 'startup.sql';
const adoptFileName = 'adopt.sql';
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

const mib = 2 ** 20;
const clamp = (value: number, min: number, max: number): number =>
  Math.min(max, Math.max(min, Math.floor(value)));

/**
 * What grows with the memory of the container. The rest of it is for the server itself and for the kernel's page cache,
 * which keeps what the buffer pool does not, and which the kernel takes back when others need it.
 */
function sizesFor(memoryBytes: number): readonly string[] {
  const connections = clamp(memoryBytes / (8 * mib), 64, 1000);
  const bytesPerConnection = memoryBytes / 2 / connections;
  return [
    `--innodb-buffer-pool-size=${String(clamp(memoryBytes / 32 / mib, 32, 1024))}M`,
    `--max-connections=${String(connections)}`,
    // Larger ones go to the disk. Not max-heap-table-size, which tables of the MEMORY engine live by.
    `--tmp-memory-table-size=${String(Math.floor(bytesPerConnection / 2))}`,
    `--sort-buffer-size=${String(Math.floor(bytesPerConnection / 4))}`,
  ];
}

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

/** ER_DB_CREATE_EXISTS. */
const databaseExists = '1007';
const excerptLength = 200;

const excerptOf = (text: string): string =>
  text.length <= excerptLength ? text : `${text.slice(0, excerptLength)}…`;

export const mariadb: Engine = {
  name: 'mariadb',
  backup: mariadbBackup,
  systemDatabases,
  socketName,
  startupFileName,
  environment: {
    // The C library's own defaults, which it would raise to 20 MB and more at MariaDB's start. Then the memory of large
    // queries would never go back to the system: 700 MB, where it is 110 MB with these, after 40 connections have sorted.
    MALLOC_MMAP_THRESHOLD_: '131072',
    MALLOC_TRIM_THRESHOLD_: '131072',
  },

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

  serveCommand: ({ memoryBytes }) => [
    'mariadbd',
    ...commonFlags,
    `--init-file=${inContainer.run}/${startupFileName}`,
    // Without a certificate MariaDB 11.4 and newer make an RSA key at each start: 100 to 1000 ms. Without TLS at all,
    // their clients refuse to connect.
    `--ssl-cert=${inContainer.datadir}/${certificate.cert}`,
    `--ssl-key=${inContainer.datadir}/${certificate.key}`,
    ...sizesFor(memoryBytes),
    '--loose-innodb-data-file-buffering=ON',
    // As MariaDB 11.5 and newer have it, but for UCS-2, UTF-16 and UTF-32, which hardly anybody stores: at each start it
    // loads tables for each one listed, 4 MB for these three. Servers before 11.2 have no such list.
    '--loose-character-set-collations=utf8mb3=utf8mb3_uca1400_ai_ci,utf8mb4=utf8mb4_uca1400_ai_ci',
    '--innodb-log-file-size=32M',
    // Touched as a whole at the start; the least that there can be.
    '--innodb-log-buffer-size=2M',
    '--aria-pagecache-buffer-size=8M',
    '--key-buffer-size=1M',
    // A burst of connections leaves no more threads than these.
    '--thread-cache-size=8',
    // All who waited at the gate come at once: a full queue would refuse some of them (EAGAIN, connect(2)).
    '--back-log=1000',
    // Written as a whole at each start: as large as what the server puts there at once, and growing by small steps.
    '--innodb-temp-data-file-path=ibtmp1:4M:autoextend',
    '--innodb-autoextend-increment=8',
    '--max-allowed-packet=256M',
    // A clone survives the crash of its server whole; of the host's, but for its last second.
    '--innodb-flush-log-at-trx-commit=2',
  ],

  // MDEV-19229: after a slow shutdown another number of them is made from nothing. The default is 3.
  renewingFlags: ['--innodb-undo-tablespaces=2'],

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

  adoptCommand: (memoryBytes) => [
    ...mariadb.importCommand(memoryBytes),
    `--init-file=${inContainer.home}/${adoptFileName}`,
  ],

  adoptFileName,
  adoptStatements,

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

  clientFile: {
    name: '.my.cnf',
    text: `[client]\nsocket=${inContainer.run}/${socketName}\nuser=root\nskip-ssl\ndefault-character-set=utf8mb4\n`,
  },

  startupStatements: (account) => `${passwordStatement(account)};\n`,

  async extraFiles() {
    // Only imports need it, and it is large.
    const { makeCertificate } = await import('./certificate.ts');
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

  async openToNetwork(socketPath, account, signal) {
    const everywhere = `${quoteText(account.username)}@'%'`;
    await greet(socketPath, account, undefined, signal, async (connection) => {
      await connection.query(`create or replace user ${everywhere} ${identification(account.password)}`);
      await connection.query(`grant all privileges on *.* to ${everywhere} with grant option`);
    });
  },

  async loginAndShutDown(socketPath, account, database, signal) {
    await greet(socketPath, account, database, signal, shutDown);
  },

  async admin(socketPath) {
    const root = { username: 'root', password: '' };
    return new MariadbAdminSession(await connect(socketPath, root, undefined));
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
