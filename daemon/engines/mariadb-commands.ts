/** The programs of MariaDB's server, and what they are told. */
import { basename } from 'node:path';
import { inContainer, type ServerFacts } from './engine.ts';

export const socketName = 'mysqld.sock';
export const startupFileName = 'startup.sql';
export const certificate = { cert: 'server-cert.pem', key: 'server-key.pem' } as const;

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

/**
 * What crashes before it is published is made anew, and what is published is on the disk first (`syncFilesystem`). Each
 * statement of a schema would wait for the disk several times.
 */
const withoutSync = '--loose-debug-no-sync';

const mib = 2 ** 20;
const servingLog = '32M';
/** What a log as small as that takes without the server having to write its pages in between. */
const smallLoadBytes = 64 * mib;
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

export const initialiseCommand = (): readonly string[] => [
  'mariadb-install-db',
  '--no-defaults',
  `--datadir=${inContainer.datadir}`,
  `--tmpdir=${inContainer.tmp}`,
  // Nobody but the import can reach its server; `secureAccounts` locks root afterwards.
  '--auth-root-authentication-method=normal',
  '--skip-test-db',
  '--skip-name-resolve',
  withoutSync,
];

export const serveCommand = ({ memoryBytes }: ServerFacts): readonly string[] => [
  'mariadbd',
  ...commonFlags,
  `--init-file=${inContainer.run}/${startupFileName}`,
  // No database.
  `--ignore-db-dirs=${basename(inContainer.tmpInDatadir)}`,
  // Without a certificate MariaDB 11.4 and newer make an RSA key at each start: 100 to 1000 ms. Without TLS at all,
  // their clients refuse to connect.
  `--ssl-cert=${inContainer.datadir}/${certificate.cert}`,
  `--ssl-key=${inContainer.datadir}/${certificate.key}`,
  ...sizesFor(memoryBytes),
  '--loose-innodb-data-file-buffering=ON',
  // As MariaDB 11.5 and newer have it, but for UCS-2, UTF-16 and UTF-32, which hardly anybody stores: at each start it
  // loads tables for each one listed, 4 MB for these three. Servers before 11.2 have no such list.
  '--loose-character-set-collations=utf8mb3=utf8mb3_uca1400_ai_ci,utf8mb4=utf8mb4_uca1400_ai_ci',
  `--innodb-log-file-size=${servingLog}`,
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
];

/** A log of another size is made anew at the next start. */
export const leavesSettled = ({ loadBytes = Infinity }: Pick<ServerFacts, 'loadBytes'>): boolean =>
  loadBytes <= smallLoadBytes;

export const importCommand = ({ memoryBytes, loadBytes }: ServerFacts): readonly string[] => [
  'mariadbd',
  ...commonFlags,
  '--skip-ssl',
  `--innodb-buffer-pool-size=${String(Math.max(128, Math.floor(memoryBytes / 2 / 2 ** 20)))}M`,
  `--innodb-log-file-size=${leavesSettled({ loadBytes }) ? servingLog : '1G'}`,
  `--innodb-log-buffer-size=${leavesSettled({ loadBytes }) ? '16M' : '64M'}`,
  '--innodb-flush-log-at-trx-commit=0',
  withoutSync,
  '--innodb-io-capacity=4000',
  // Would be computed again and again while a table grows, for longer than its loading takes; `analyze` does it once.
  '--innodb-stats-auto-recalc=OFF',
  // Not more, though less would then be put aside on the disk: sorting 32M at a time takes the cores half as long again.
  '--innodb-sort-buffer-size=1M',
  '--aria-pagecache-buffer-size=64M',
  '--key-buffer-size=64M',
  '--max-allowed-packet=1G',
  '--net-read-timeout=86400',
  '--wait-timeout=604800',
];
