/** What the daemon, the gate and the host commands are told by environment variables. Read once, at start. */
import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { hasErrno, messageOf } from './errors/error.ts';
import { errors } from './errors/errors.ts';
import { passwordPattern } from './instances/passwords.ts';
import { defaultLimits, parsePool, type PoolSettings } from './instances/pool-size.ts';
import { isName } from './names.ts';
import { limits, unlimited, type Quota } from './quota.ts';
import * as kinds from './settings.ts';
import type { DiskLimitSetting, Kind } from './settings.ts';

interface Setting<T> {
  readonly variable: string;
  readonly fallback: T;
  readonly kind: Kind<T>;
}

const setting = <T>(variable: string, fallback: T, kind: Kind<T>): Setting<T> => ({
  variable,
  fallback,
  kind,
});

const optional = <T>(variable: string, kind: Kind<T>): Setting<T | undefined> =>
  setting<T | undefined>(variable, undefined, kind);

const quota = (variable: string, limit: keyof Quota): Setting<number> =>
  setting(variable, unlimited, kinds.kind(limits[limit].expected, limits[limit].parse));

const pool = kinds.kind<PoolSettings>(
  '"min-max" or a number, at most 100, and for some templates their own: "1-4,shop=2-10,archive=0"',
  (text) => {
    const settings = parsePool(text);
    return [...(settings?.of.keys() ?? [])].every((name) => isName('template', name)) ? settings : undefined;
  },
);

const seconds = (min: number, max: number) => kinds.integer(min, max, 'a number of seconds');

const settings = {
  // Places
  /** The btrfs directory that holds dumps, templates, instances and the registry. */
  baseDir: setting('MYAAS_BASE_DIR', '/srv/myaas', kinds.absolutePath),
  /** Sockets and the instances' run directories. Short: 107 bytes is all a socket address holds. */
  runDir: setting('MYAAS_RUN_DIR', '/run/myaas', kinds.absolutePath),
  /** Size of the file that `myaas init` makes a btrfs in when there is none. */
  diskSizeBytes: setting(
    'MYAAS_DISK_SIZE',
    100 * 2 ** 30,
    kinds.size(2 ** 30, 'a size of at least 1g, such as "100g"'),
  ),

  // Servers
  mysqlImage: optional('MYAAS_MYSQL_IMAGE', kinds.imageReference),
  postgresImage: optional('MYAAS_POSTGRES_IMAGE', kinds.imageReference),
  valkeyImage: optional('MYAAS_VALKEY_IMAGE', kinds.imageReference),
  /** Name of the database inside, where the dump does not create its own; default: the template's name. */
  dbDatabase: optional('MYAAS_DB_DATABASE', kinds.matching(/^\w[\w-]{0,62}$/, 'a database name')),
  dbUsername: setting(
    'MYAAS_DB_USERNAME',
    'myaas',
    kinds.matching(/^\w{1,32}$/, 'a user name of letters, digits and "_"'),
  ),
  /** When set, every instance has this password; otherwise each has one of its own. */
  dbPassword: optional(
    'MYAAS_DB_PASSWORD',
    kinds.matching(
      passwordPattern,
      'of letters, digits, ".", "_", "~" and "-" only (so that it needs no quoting anywhere)',
    ),
  ),
  memoryLimitBytes: setting(
    'MYAAS_MEMORY_LIMIT',
    2 * 2 ** 30,
    kinds.size(256 * 2 ** 20, 'a size of at least 256m, such as "2g"'),
  ),
  /** How many CPU cores each server is pinned to; 0 is all. */
  cpuPinningCores: setting('MYAAS_CPU_PINNING_CORES', 0, kinds.integer(0, 1024, 'a number of cores')),

  // Docker Engine
  /** Container names begin with it. */
  prefix: setting(
    'MYAAS_PREFIX',
    'myaas',
    kinds.matching(/^[a-z0-9][\w.-]{0,40}$/i, 'a container name prefix'),
  ),
  /** `unix:///path` or `tcp://host:port`. */
  dockerHost: setting(
    'MYAAS_DOCKER_HOST',
    'unix:///var/run/docker.sock',
    kinds.matching(/^(unix:\/\/\/?\S+|tcp:\/\/[^\s/]+:\d+)$/, '"unix:///path" or "tcp://host:port"'),
  ),
  /** How long Docker Engine has for an answer. */
  dockerTimeoutSeconds: setting(
    'MYAAS_DOCKER_TIMEOUT',
    30,
    kinds.integer(1, 3600, 'a number of seconds from 1 to 3600'),
  ),
  /** What Docker calls the driver of volumes that are clones; undefined: there is none. */
  volumeDriver: setting<string | undefined>('MYAAS_VOLUME_DRIVER', 'myaas', kinds.volumeDriver),

  // The API and who may use it
  /** Where the HTTP API listens besides its Unix socket. */
  listen: setting('MYAAS_LISTEN', { host: '127.0.0.1', port: 5001 }, kinds.address),
  /** PEM files with which the API speaks TLS on TCP: the certificate with those that lead to its issuer, and its key. */
  tlsCert: optional('MYAAS_TLS_CERT', kinds.absolutePath),
  tlsKey: optional('MYAAS_TLS_KEY', kinds.absolutePath),
  /** Whether clients of databases that do not use TLS are turned away. */
  requireTls: setting('MYAAS_REQUIRE_TLS', false, kinds.boolean),
  /** Whether the API may be had by plain HTTP from the network. */
  allowPlainHttp: setting('MYAAS_ALLOW_PLAIN_HTTP', false, kinds.boolean),
  /** What the API's host is also called, such as by a proxy before it. */
  apiNames: setting<readonly string[]>('MYAAS_API_NAMES', [], kinds.hostNames),
  /** Requests of one token; 0: no limits. */
  requestsPerMinute: setting('MYAAS_RATE_LIMIT', 6000, kinds.integer(0, 1_000_000, 'a number of requests')),
  /** How long the audit log is kept. */
  auditDays: setting('MYAAS_AUDIT_DAYS', 90, kinds.integer(1, 3660, 'a number of days')),
  /** Who requests of the original API without a token count as. */
  legacyUser: optional('MYAAS_LEGACY_USER', kinds.matching(/^[a-z0-9][\w-]{0,62}$/i, 'a user name')),
  debug: setting('MYAAS_DEBUG', false, kinds.boolean),

  // Where instances are reached
  /** The host name or address that clients are told to connect to. */
  hostname: setting(
    'MYAAS_HOSTNAME',
    '127.0.0.1',
    kinds.matching(/^[a-z0-9.:-]{1,253}$/i, 'a host name or address'),
  ),
  /** The ports that instances get. */
  ports: setting('MYAAS_PORTS', { from: 23000, to: 23999 }, kinds.portRange),
  /** The address instance ports are bound to. */
  bind: setting('MYAAS_BIND', '127.0.0.1', kinds.ipAddress),

  // The life of instances
  /** Lease of an instance that asks for none; 0 is for ever. */
  containerTtlSeconds: setting('MYAAS_CONTAINER_TTL', 86_400, seconds(0, 10 * 366 * 86_400)),
  pool: setting<PoolSettings>('MYAAS_POOL', { all: defaultLimits, of: new Map() }, pool),
  /** An instance without connections sleeps after this; undefined: never. */
  sleepAfterMs: setting<number | undefined>('MYAAS_SLEEP_AFTER', 30 * 60_000, kinds.idleTime),
  /** One whose connections have been silent for so long, too, if nothing runs in it. */
  sleepConnectedAfterMs: setting<number | undefined>(
    'MYAAS_SLEEP_CONNECTED_AFTER',
    4 * 3_600_000,
    kinds.idleTime,
  ),

  // What is left to others
  /** Memory that is left to the rest of the host; undefined: a share of it. */
  memoryReserveBytes: optional('MYAAS_MEMORY_RESERVE', kinds.size(0, 'a size such as "2g"')),
  /** Below it nothing new is made, so that instances can go on writing, and deleting stays possible. */
  diskReserveBytes: setting(
    'MYAAS_DISK_RESERVE',
    256 * 2 ** 20,
    kinds.size(64 * 2 ** 20, 'a size of at least 64m, such as "1g"'),
  ),
  /** How much one instance may write besides its template's data; undefined: a share of the disk. */
  diskLimit: optional<DiskLimitSetting>('MYAAS_DISK_LIMIT', kinds.diskLimit),
  /** What a user may have whose own quota does not say it; see `Quota`. */
  maxInstances: quota('MYAAS_QUOTA_INSTANCES', 'maxInstances'),
  maxLeaseSeconds: quota('MYAAS_QUOTA_LEASE', 'maxLeaseSeconds'),
  maxDiskBytes: quota('MYAAS_QUOTA_DISK', 'maxDiskBytes'),

  // Imports
  /** How many versions of a template are kept besides those in use. */
  keepVersions: setting('MYAAS_KEEP_VERSIONS', 2, kinds.integer(1, 1000)),
  /** Templates that are not published without a mask. */
  maskedTemplates: setting<readonly string[]>('MYAAS_MASKED_TEMPLATES', [], kinds.templateNames),
  /** How long a program of an import may run. */
  hookTimeoutSeconds: setting('MYAAS_HOOK_TIMEOUT', 3600, seconds(1, 7 * 86_400)),
  /** How many dumps are imported at a time. */
  importJobs: setting('MYAAS_IMPORT_JOBS', 1, kinds.integer(1, 64)),
  /** A dump that has not changed for so long after it has is imported; 0: only when that is asked for. */
  watchDumpsSeconds: setting('MYAAS_WATCH_DUMPS', 0, seconds(0, 86_400)),
};

type Settings = typeof settings;

export type Config = {
  readonly [Name in keyof Settings]: Settings[Name] extends Setting<infer T> ? T : never;
};

/** Where the services' settings are; commands by hand are to act on the same host as the services. */
const defaultEnvFile = '/etc/myaas/myaas.env';

/** The settings of the services' file, which the environment itself overrides. */
function withEnvFile(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const file = env['MYAAS_ENV_FILE'] ?? defaultEnvFile;
  try {
    return { ...parseEnv(readFileSync(file, 'utf8')), ...env };
  } catch (error) {
    // It may hold a password, so that only root can read it; what clients need is not in it.
    if (hasErrno(error, 'ENOENT') || hasErrno(error, 'EACCES')) return env;
    throw errors.badConfig([`${file} can't be read: ${messageOf(error)}.`]);
  }
}

/** Reads the configuration: the environment, and below it the services' file. Throws `MYAAS_BAD_CONFIG` with every problem there is. */
export function readConfig(env: NodeJS.ProcessEnv = process.env): Config {
  const given = withEnvFile(env);
  const problems: string[] = [];
  const read = <T>({ variable, fallback, kind }: Setting<T>): T => {
    const text = given[variable];
    if (text === undefined || text === '') return fallback;
    const found = kind.read(text);
    if (found) return found.value;
    // A password never stands in an error.
    const shown = variable.includes('PASSWORD') ? 'its value' : JSON.stringify(text);
    problems.push(`${variable}: ${shown} is not ${kind.expected}.`);
    return fallback;
  };
  const config = Object.fromEntries(
    Object.entries<Setting<unknown>>(settings).map(([name, one]) => [name, read(one)]),
  ) as Config;
  // "/<12 characters of id>/mysqld.sock" follows.
  if (Buffer.byteLength(config.runDir) > 75) {
    problems.push('MYAAS_RUN_DIR: longer than 75 bytes; a Unix socket address holds only 107.');
  }
  if (problems.length > 0) throw errors.badConfig(problems);
  return config;
}

/** Where this machine's clients find the API by TCP. */
export function listenAddressOf({ listen, tlsCert }: Pick<Config, 'listen' | 'tlsCert'>): string {
  const host = listen.host.includes(':') ? `[${listen.host}]` : listen.host;
  return `${tlsCert === undefined ? 'http' : 'https'}://${host}:${String(listen.port)}`;
}
