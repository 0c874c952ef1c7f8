/** The programs of MySQL's server, 8.4 and newer, and what they are told. */
import { inContainer, type AdoptTool, type ServerFacts } from './engine.ts';

export const socketName = 'mysqld.sock';
export const startupFileName = 'startup.sql';
export const certificate = { cert: 'server-cert.pem', key: 'server-key.pem' } as const;

const mib = 2 ** 20;
const servingLog = '32M';
/** What a log as small as that takes without the server having to write its pages in between. */
const smallLoadBytes = 16 * mib;
const clamp = (value: number, min: number, max: number): number =>
  Math.min(max, Math.max(min, Math.floor(value)));

/** What all servers share. */
const commonFlags = [
  '--no-defaults',
  `--datadir=${inContainer.datadir}`,
  `--tmpdir=${inContainer.tmp}`,
  `--socket=${inContainer.run}/${socketName}`,
  `--pid-file=${inContainer.run}/mysqld.pid`,
  '--skip-networking',
  '--loose-mysqlx=OFF',
  '--performance-schema=OFF',
  '--disable-log-bin',
  '--innodb-buffer-pool-load-at-startup=OFF',
  '--innodb-buffer-pool-dump-at-shutdown=OFF',
  // btrfs never overwrites a page in place, so a page cannot be torn.
  '--innodb-doublewrite=OFF',
  // A host allows 65,536 such requests in all, and each server would ask for thousands.
  '--innodb-use-native-aio=OFF',
  `--secure-file-priv=${inContainer.tmp}`,
  // Keys of RSA take long to make. Over a socket the server takes no password encrypted by one, either.
  '--auto-generate-certs=OFF',
  '--caching-sha2-password-auto-generate-rsa-keys=OFF',
  // Its notes prove a clean shutdown, and tell of crash recovery.
  '--log-error-verbosity=3',
];

export const initialiseCommand = (): readonly string[] => [
  'mysqld',
  ...commonFlags,
  // Root without a password: nobody but the import can reach its server, and `secureAccounts` locks root afterwards.
  '--initialize-insecure',
];

export const serveCommand = ({ memoryBytes }: ServerFacts): readonly string[] => {
  const connections = clamp(memoryBytes / (8 * mib), 64, 1000);
  return [
    'mysqld',
    ...commonFlags,
    `--init-file=${inContainer.run}/${startupFileName}`,
    `--ssl-cert=${inContainer.datadir}/${certificate.cert}`,
    `--ssl-key=${inContainer.datadir}/${certificate.key}`,
    `--innodb-buffer-pool-size=${String(clamp(memoryBytes / 32 / mib, 32, 1024))}M`,
    `--max-connections=${String(connections)}`,
    `--temptable-max-ram=${String(clamp(memoryBytes / 4 / mib, 32, 1024))}M`,
    `--innodb-redo-log-capacity=${servingLog}`,
    '--innodb-log-buffer-size=2M',
    '--innodb-log-writer-threads=OFF',
    // The paths are those of the template, which was checked when it was made.
    '--innodb-validate-tablespace-paths=OFF',
    '--innodb-temp-data-file-path=ibtmp1:12M:autoextend',
    '--key-buffer-size=1M',
    '--thread-cache-size=8',
    // All who waited at the gate come at once.
    '--back-log=1000',
    '--max-allowed-packet=256M',
    // A clone survives the crash of its server whole; of the host's, but for its last second.
    '--innodb-flush-log-at-trx-commit=2',
  ];
};

/** A log of another capacity is made anew at the next start. */
export const leavesSettled = ({ loadBytes = Infinity }: Pick<ServerFacts, 'loadBytes'>): boolean =>
  loadBytes <= smallLoadBytes;

export const importCommand = ({ memoryBytes, loadBytes }: ServerFacts): readonly string[] => [
  'mysqld',
  ...commonFlags,
  `--innodb-buffer-pool-size=${String(Math.max(128, Math.floor(memoryBytes / 2 / mib)))}M`,
  `--innodb-redo-log-capacity=${leavesSettled({ loadBytes }) ? servingLog : '1G'}`,
  `--innodb-log-buffer-size=${leavesSettled({ loadBytes }) ? '16M' : '64M'}`,
  '--innodb-flush-log-at-trx-commit=0',
  '--innodb-io-capacity=4000',
  '--innodb-io-capacity-max=8000',
  '--key-buffer-size=64M',
  '--max-allowed-packet=1G',
  '--net-read-timeout=86400',
  '--wait-timeout=604800',
  // A dump makes functions of its own without saying what they do to the binary log, which there is none of.
  '--log-bin-trust-function-creators=ON',
];

/** Whatever the dump of that server made of it. Afterwards it is locked again, like all. */
const adoptStatements = [
  "create user if not exists 'root'@'localhost'",
  "alter user 'root'@'localhost' identified with caching_sha2_password by '' account unlock",
  "grant all privileges on *.* to 'root'@'localhost' with grant option",
]
  .map((statement) => `${statement};\n`)
  .join('');
const adoptFile = { name: 'adopt.sql', text: adoptStatements };

export const mysqlAdopt: AdoptTool = {
  command: (server) => [...importCommand(server), `--init-file=${inContainer.home}/${adoptFile.name}`],
  file: adoptFile,
};
