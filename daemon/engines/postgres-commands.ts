/** The programs of PostgreSQL, and what they are told. */
import { inContainer, type ServerFacts } from './engine.ts';

/** Of the data directory: no name that a dump or `MYAAS_DB_USERNAME` can have. */
export const superuser = 'myaas-superuser';
/** As whom dumps are loaded, and hooks run; it becomes the user of the instances, and no superuser any more. */
export const loader = 'myaas-loader';
export const port = 5432;
export const socketName = `.s.PGSQL.${String(port)}`;

/** Written by us at each start, so that nothing in the data directory decides who gets in. */
export const accessFile = 'pg_hba.conf';
export const identitiesFile = 'pg_ident.conf';

const mib = 2 ** 20;
const clamp = (value: number, min: number, max: number): number =>
  Math.min(max, Math.max(min, Math.floor(value)));

const settings = (values: Readonly<Record<string, string | number>>): readonly string[] =>
  Object.entries(values).flatMap(([name, value]) => ['-c', `${name}=${String(value)}`]);

/** What all servers share. The command line wins over every file, also over what a dump's ALTER SYSTEM has left. */
const common = {
  data_directory: inContainer.datadir,
  config_file: `${inContainer.datadir}/postgresql.conf`,
  hba_file: `${inContainer.run}/${accessFile}`,
  ident_file: `${inContainer.run}/${identitiesFile}`,
  listen_addresses: '',
  port,
  unix_socket_directories: inContainer.run,
  // The gate is another user; who may pass through the run directory is decided there.
  unix_socket_permissions: '0777',
  logging_collector: 'off',
  log_destination: 'stderr',
  // Memory of the System V kind: /dev/shm of a container has but 64 MB.
  dynamic_shared_memory_type: 'sysv',
  huge_pages: 'off',
  jit: 'off',
  shared_preload_libraries: '',
  archive_mode: 'off',
  wal_level: 'minimal',
  max_wal_senders: 0,
  max_replication_slots: 0,
  max_logical_replication_workers: 0,
  // btrfs never overwrites a page in place, so a page cannot be torn.
  full_page_writes: 'off',
  wal_init_zero: 'off',
  wal_recycle: 'off',
} as const;

export const initialiseCommand = ({ series }: ServerFacts): readonly string[] => [
  'initdb',
  `--pgdata=${inContainer.datadir}`,
  `--username=${superuser}`,
  '--encoding=UTF8',
  '--locale=C.UTF-8',
  '--no-sync',
  '--no-instructions',
  // Of the file in the data directory, which our servers don't read; it is replaced besides.
  '--auth=reject',
  // On by default since 18. btrfs has checksums of its own, and `writePassword` relies on there being none.
  ...(Number(series) >= 18 ? ['--no-data-checksums'] : []),
];

/**
 * What grows with the memory of the container. The rest of it is for the kernel's page cache, which PostgreSQL counts on,
 * and which the kernel takes back when others need it.
 */
function sizesFor(memoryBytes: number): Readonly<Record<string, string | number>> {
  const connections = clamp(memoryBytes / (8 * mib), 64, 1000);
  return {
    shared_buffers: `${String(clamp(memoryBytes / 16 / mib, 32, 1024))}MB`,
    effective_cache_size: `${String(clamp(memoryBytes / 2 / mib, 64, 65_536))}MB`,
    max_connections: connections,
    work_mem: `${String(clamp(memoryBytes / 2 / connections / mib, 4, 64))}MB`,
    maintenance_work_mem: `${String(clamp(memoryBytes / 16 / mib, 16, 512))}MB`,
  };
}

export const serveCommand = ({ memoryBytes, series }: ServerFacts): readonly string[] => [
  'postgres',
  ...settings({
    ...common,
    ...sizesFor(memoryBytes),
    // A clone survives the crash of its server and of its host; the last half second of commits may be lost.
    synchronous_commit: 'off',
    max_wal_size: '256MB',
    min_wal_size: '32MB',
    wal_buffers: '1MB',
    max_worker_processes: 4,
    autovacuum_naptime: '5min',
    // Since 16, who makes a role has not what it has, unless he says so.
    ...(Number(series) >= 16 && { createrole_self_grant: 'set, inherit' }),
    password_encryption: 'scram-sha-256',
  }),
];

export const importCommand = ({ memoryBytes }: ServerFacts): readonly string[] => [
  'postgres',
  ...settings({
    ...common,
    shared_buffers: `${String(clamp(memoryBytes / 4 / mib, 64, 8192))}MB`,
    maintenance_work_mem: `${String(clamp(memoryBytes / 8 / mib, 64, 2048))}MB`,
    work_mem: '64MB',
    // Nothing is durable before the shutdown, which an import that dies does not come to.
    fsync: 'off',
    synchronous_commit: 'off',
    max_wal_size: '64GB',
    checkpoint_timeout: '1d',
    wal_buffers: '16MB',
    autovacuum: 'off',
    max_connections: 64,
    max_worker_processes: 8,
    // Passwords of the dump stay as they are; every role is locked afterwards.
    password_encryption: 'scram-sha-256',
  }),
];

/** Variables by which PostgreSQL's programs find the import's server. A server has no use for them. */
export const clientEnvironment = { PGHOST: inContainer.run, PGPORT: String(port), PGUSER: loader } as const;
