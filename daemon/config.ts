import { isIP } from 'node:net';
import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { errors, hasErrno, messageOf } from './errors.ts';
import { defaultLimits, parsePool, type PoolSettings } from './instances/pool-size.ts';
import { parseTtlSeconds } from './instances/leases.ts';
import { passwordPattern } from './instances/passwords.ts';
import { isName } from './names.ts';
import { limits, unlimited, type Quota } from './quota.ts';
import { parseSizeBytes } from './sizes.ts';

/** What the daemon, the gate and the host commands are told by environment variables. Read once, at start. */
export interface Config {
  /** The btrfs directory that holds dumps, templates, instances and the registry. */
  readonly baseDir: string;
  /** Sockets and the instances' run directories. Short: 107 bytes is all a socket address holds. */
  readonly runDir: string;
  /** The host name or address that clients are told to connect to. */
  readonly hostname: string;
  readonly mysqlImage: string | undefined;
  readonly postgresImage: string | undefined;
  readonly valkeyImage: string | undefined;
  /** Name of the database inside, where the dump does not create its own; default: the template's name. */
  readonly dbDatabase: string | undefined;
  readonly dbUsername: string;
  /** When set, every instance has this password; otherwise each has one of its own. */
  readonly dbPassword: string | undefined;
  /** Lease of an instance that asks for none; 0 is for ever. */
  readonly containerTtlSeconds: number;
  readonly memoryLimitBytes: number;
  /** How many CPU cores each server is pinned to; 0 is all. */
  readonly cpuPinningCores: number;
  /** Container names begin with it. */
  readonly prefix: string;
  /** `unix:///path` or `tcp://host:port`. */
  readonly dockerHost: string;
  /** How long Docker Engine has for an answer. */
  readonly dockerTimeoutMs: number;
  readonly debug: boolean;
  /** Where the HTTP API listens besides its Unix socket. */
  readonly listen: { readonly host: string; readonly port: number };
  /** PEM files with which the API speaks TLS on TCP: the certificate with those that lead to its issuer, and its key. */
  readonly tlsCert: string | undefined;
  readonly tlsKey: string | undefined;
  /** Whether the API may be had by plain HTTP from the network. */
  readonly allowPlainHttp: boolean;
  /** What the API's host is also called, such as by a proxy before it. */
  readonly apiNames: readonly string[];
  /** Requests of one token; 0: no limits. */
  readonly requestsPerMinute: number;
  /** How long the audit log is kept. */
  readonly auditDays: number;
  /** Inclusive range of instance ports. */
  readonly ports: { readonly from: number; readonly to: number };
  /** The address instance ports are bound to. */
  readonly bind: string;
  /** Who requests of the original API without a token count as. */
  readonly legacyUser: string | undefined;
  /** What Docker calls the driver of volumes that are clones; undefined: there is none. */
  readonly volumeDriver: string | undefined;
  readonly pool: PoolSettings;
  /** An instance without connections sleeps after this; undefined: never. */
  readonly sleepAfterMs: number | undefined;
  /** One whose connections have been silent for so long, too, if nothing runs in it. */
  readonly sleepConnectedAfterMs: number | undefined;
  /** Memory that is left to the rest of the host; undefined: a share of it. */
  readonly memoryReserveBytes: number | undefined;
  /** Below it nothing new is made, so that instances can go on writing, and deleting stays possible. */
  readonly diskReserveBytes: number;
  /** How much one instance may write besides its template's data; undefined: a share of the disk. */
  readonly diskLimit: DiskLimitSetting | undefined;
  /** What a user may have whose own quota does not say it; see `Quota`. */
  readonly maxInstances: number;
  readonly maxLeaseSeconds: number;
  readonly maxDiskBytes: number;
  /** How many versions of a template are kept besides those in use. */
  readonly keepVersions: number;
  /** Templates that are not published without a mask. */
  readonly maskedTemplates: readonly string[];
  /** How long a program of an import may run. */
  readonly hookTimeoutSeconds: number;
  /** How many dumps are imported at a time. */
  readonly importJobs: number;
  /** A dump that has not changed for so long after it has is imported; 0: only when that is asked for. */
  readonly watchDumpsSeconds: number;
  /** Size of the file that `myaas init` makes a btrfs in when there is none. */
  readonly diskSizeBytes: number;
}

export type DiskLimitSetting =
  | { readonly kind: 'bytes'; readonly bytes: number }
  /** Of the whole file system. */
  | { readonly kind: 'share'; readonly share: number }
  | { readonly kind: 'off' };

const defaults = {
  baseDir: '/srv/myaas',
  runDir: '/run/myaas',
  dockerHost: 'unix:///var/run/docker.sock',
  ports: '23000-23999',
} as const;

/** Reads one variable after the other, and collects what is wrong with them, so that all is told at once. */
class Reader {
  readonly problems: string[] = [];
  readonly #env: NodeJS.ProcessEnv;

  constructor(env: NodeJS.ProcessEnv) {
    this.#env = env;
  }

  read<T>(name: string, fallback: T, parse: (text: string) => T | undefined, expected: string): T {
    const text = this.#env[name];
    if (text === undefined || text === '') return fallback;
    const value = parse(text);
    if (value !== undefined) return value;
    // A password never stands in an error.
    const shown = name.includes('PASSWORD') ? 'its value' : JSON.stringify(text);
    this.problems.push(`${name}: ${shown} is not ${expected}.`);
    return fallback;
  }
}

function parseInteger(min: number, max: number): (text: string) => number | undefined {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : NaN;
    return value >= min && value <= max ? value : undefined;
  };
}

const longestSleepSeconds = 7 * 86_400;
const idleTime = 'a length of time of at most 7 days, such as "30m" or "8h", or "never"';

/** Milliseconds of "30m", "1800", "never"; "never" is one of the right answers, so the whole stands in an object. */
function parseIdleTime(text: string): { readonly ms: number | undefined } | undefined {
  try {
    const seconds = parseTtlSeconds(text);
    if (seconds === null) return { ms: undefined };
    return seconds <= longestSleepSeconds ? { ms: seconds * 1000 } : undefined;
  } catch {
    return undefined;
  }
}

function parseVolumeDriver(text: string): { readonly name: string | undefined } | undefined {
  if (text === 'off') return { name: undefined };
  return /^[a-z0-9][a-z0-9_.-]{0,62}$/.test(text) ? { name: text } : undefined;
}

function parsePoolOfNames(text: string): PoolSettings | undefined {
  const settings = parsePool(text);
  return [...(settings?.of.keys() ?? [])].every((name) => isName('template', name)) ? settings : undefined;
}

function parseSizeFrom(leastBytes: number): (text: string) => number | undefined {
  return (text) => {
    const bytes = parseSizeBytes(text);
    return bytes !== undefined && bytes >= leastBytes ? bytes : undefined;
  };
}

/** What a server needs to start and recover. */
const leastDiskLimitBytes = 128 * 2 ** 20;

function parseDiskLimit(text: string): DiskLimitSetting | undefined {
  if (/^(off|none|0)$/i.test(text)) return { kind: 'off' };
  const percent = Number(/^(\d{1,3})%$/.exec(text)?.[1]);
  if (percent >= 1 && percent <= 100) return { kind: 'share', share: percent / 100 };
  const bytes = parseSizeFrom(leastDiskLimitBytes)(text);
  return bytes === undefined ? undefined : { kind: 'bytes', bytes };
}

function parseBoolean(text: string): boolean | undefined {
  if (/^(1|true|yes|on)$/i.test(text)) return true;
  if (/^(0|false|no|off)$/i.test(text)) return false;
  return undefined;
}

function parsePorts(text: string): Config['ports'] | undefined {
  const match = /^(\d+)-(\d+)$/.exec(text);
  const [from, to] = [Number(match?.[1]), Number(match?.[2])];
  return from >= 1 && from <= to && to <= 65535 ? { from, to } : undefined;
}

function parseNames(text: string): string[] | undefined {
  const names = text.split(/[\s,]+/).filter((name) => name !== '');
  return names.every((name) => isName('template', name)) ? names : undefined;
}

function parseHostNames(text: string): string[] | undefined {
  const names = text.split(/[\s,]+/).filter((name) => name !== '');
  return names.every((name) => /^[a-z0-9.-]{1,253}$/i.test(name)) ? names : undefined;
}

function parseListen(text: string): Config['listen'] | undefined {
  const match = /^(?:(\[[0-9a-f:]+\]|[a-z0-9.-]+):)?(\d+)$/i.exec(text);
  const port = Number(match?.[2]);
  if (!match || port < 1 || port > 65535) return undefined;
  return { host: (match[1] ?? '127.0.0.1').replace(/^\[|\]$/g, ''), port };
}

function parseAbsolutePath(text: string): string | undefined {
  // "," and ":" separate the fields of Docker's mounts.
  return text.startsWith('/') && !/[\0\n,:]/.test(text) ? text.replace(/(.)\/+$/, '$1') : undefined;
}

function matching(pattern: RegExp): (text: string) => string | undefined {
  return (text) => (pattern.test(text) ? text : undefined);
}

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
  const reader = new Reader(withEnvFile(env));
  const { ports } = defaults;
  const runDir = reader.read('MYAAS_RUN_DIR', defaults.runDir, parseAbsolutePath, 'an absolute path');
  // "/<12 characters of id>/mysqld.sock" follows.
  if (Buffer.byteLength(runDir) > 75) {
    reader.problems.push('MYAAS_RUN_DIR: longer than 75 bytes; a Unix socket address holds only 107.');
  }
  const readLimit = (name: string, limit: keyof Quota) =>
    reader.read(name, unlimited, limits[limit].parse, limits[limit].expected);
  const config: Config = {
    baseDir: reader.read('MYAAS_BASE_DIR', defaults.baseDir, parseAbsolutePath, 'an absolute path'),
    runDir,
    hostname: reader.read(
      'MYAAS_HOSTNAME',
      '127.0.0.1',
      matching(/^[a-z0-9.:-]{1,253}$/i),
      'a host name or address',
    ),
    mysqlImage: reader.read('MYAAS_MYSQL_IMAGE', undefined, matching(/^[\w.:/@-]+$/), 'an image reference'),
    postgresImage: reader.read(
      'MYAAS_POSTGRES_IMAGE',
      undefined,
      matching(/^[\w.:/@-]+$/),
      'an image reference',
    ),
    valkeyImage: reader.read('MYAAS_VALKEY_IMAGE', undefined, matching(/^[\w.:/@-]+$/), 'an image reference'),
    dbDatabase: reader.read('MYAAS_DB_DATABASE', undefined, matching(/^\w[\w-]{0,62}$/), 'a database name'),
    dbUsername: reader.read(
      'MYAAS_DB_USERNAME',
      'myaas',
      matching(/^\w{1,32}$/),
      'a user name of letters, digits and "_"',
    ),
    dbPassword: reader.read(
      'MYAAS_DB_PASSWORD',
      undefined,
      matching(passwordPattern),
      'of letters, digits, ".", "_", "~" and "-" only (so that it needs no quoting anywhere)',
    ),
    containerTtlSeconds: reader.read(
      'MYAAS_CONTAINER_TTL',
      86_400,
      parseInteger(0, 10 * 366 * 86_400),
      'a number of seconds',
    ),
    memoryLimitBytes: reader.read(
      'MYAAS_MEMORY_LIMIT',
      2 * 2 ** 30,
      parseSizeFrom(256 * 2 ** 20),
      'a size of at least 256m, such as "2g"',
    ),
    cpuPinningCores: reader.read('MYAAS_CPU_PINNING_CORES', 0, parseInteger(0, 1024), 'a number of cores'),
    prefix: reader.read(
      'MYAAS_PREFIX',
      'myaas',
      matching(/^[a-z0-9][\w.-]{0,40}$/i),
      'a container name prefix',
    ),
    dockerHost: reader.read(
      'MYAAS_DOCKER_HOST',
      defaults.dockerHost,
      matching(/^(unix:\/\/\/?\S+|tcp:\/\/[^\s/]+:\d+)$/),
      '"unix:///path" or "tcp://host:port"',
    ),
    dockerTimeoutMs:
      reader.read('MYAAS_DOCKER_TIMEOUT', 30, parseInteger(1, 3600), 'a number of seconds from 1 to 3600') *
      1000,
    debug: reader.read('MYAAS_DEBUG', false, parseBoolean, 'true or false'),
    listen: reader.read(
      'MYAAS_LISTEN',
      { host: '127.0.0.1', port: 5001 },
      parseListen,
      '"port" or "address:port"',
    ),
    tlsCert: reader.read('MYAAS_TLS_CERT', undefined, parseAbsolutePath, 'an absolute path'),
    tlsKey: reader.read('MYAAS_TLS_KEY', undefined, parseAbsolutePath, 'an absolute path'),
    allowPlainHttp: reader.read('MYAAS_ALLOW_PLAIN_HTTP', false, parseBoolean, 'true or false'),
    apiNames: reader.read('MYAAS_API_NAMES', [], parseHostNames, 'a list of host names'),
    requestsPerMinute: reader.read(
      'MYAAS_RATE_LIMIT',
      6000,
      parseInteger(0, 1_000_000),
      'a number of requests',
    ),
    auditDays: reader.read('MYAAS_AUDIT_DAYS', 90, parseInteger(1, 3660), 'a number of days'),
    ports: reader.read(
      'MYAAS_PORTS',
      { from: 23000, to: 23999 },
      parsePorts,
      `a range of ports such as "${ports}"`,
    ),
    bind: reader.read(
      'MYAAS_BIND',
      '127.0.0.1',
      (text) => (isIP(text) === 0 ? undefined : text),
      'an IP address',
    ),
    legacyUser: reader.read(
      'MYAAS_LEGACY_USER',
      undefined,
      matching(/^[a-z0-9][\w-]{0,62}$/i),
      'a user name',
    ),
    volumeDriver: reader.read(
      'MYAAS_VOLUME_DRIVER',
      { name: 'myaas' },
      parseVolumeDriver,
      'the name of a driver of lower-case letters, digits, "_", "." and "-", or "off"',
    ).name,
    pool: reader.read(
      'MYAAS_POOL',
      { all: defaultLimits, of: new Map() },
      parsePoolOfNames,
      '"min-max" or a number, at most 100, and for some templates their own: "1-4,shop=2-10,archive=0"',
    ),
    sleepAfterMs: reader.read('MYAAS_SLEEP_AFTER', { ms: 30 * 60_000 }, parseIdleTime, idleTime).ms,
    sleepConnectedAfterMs: reader.read(
      'MYAAS_SLEEP_CONNECTED_AFTER',
      { ms: 4 * 3_600_000 },
      parseIdleTime,
      idleTime,
    ).ms,
    memoryReserveBytes: reader.read(
      'MYAAS_MEMORY_RESERVE',
      undefined,
      parseSizeFrom(0),
      'a size such as "2g"',
    ),
    diskReserveBytes: reader.read(
      'MYAAS_DISK_RESERVE',
      256 * 2 ** 20,
      parseSizeFrom(64 * 2 ** 20),
      'a size of at least 64m, such as "1g"',
    ),
    diskLimit: reader.read<DiskLimitSetting | undefined>(
      'MYAAS_DISK_LIMIT',
      undefined,
      parseDiskLimit,
      'a size of at least 128m, a share such as "25%", or "off"',
    ),
    maxInstances: readLimit('MYAAS_QUOTA_INSTANCES', 'maxInstances'),
    maxLeaseSeconds: readLimit('MYAAS_QUOTA_LEASE', 'maxLeaseSeconds'),
    maxDiskBytes: readLimit('MYAAS_QUOTA_DISK', 'maxDiskBytes'),
    keepVersions: reader.read('MYAAS_KEEP_VERSIONS', 2, parseInteger(1, 1000), 'a number from 1 to 1000'),
    maskedTemplates: reader.read('MYAAS_MASKED_TEMPLATES', [], parseNames, 'a list of template names'),
    hookTimeoutSeconds: reader.read(
      'MYAAS_HOOK_TIMEOUT',
      3600,
      parseInteger(1, 7 * 86_400),
      'a number of seconds',
    ),
    importJobs: reader.read('MYAAS_IMPORT_JOBS', 1, parseInteger(1, 64), 'a number from 1 to 64'),
    watchDumpsSeconds: reader.read('MYAAS_WATCH_DUMPS', 0, parseInteger(0, 86_400), 'a number of seconds'),
    diskSizeBytes: reader.read(
      'MYAAS_DISK_SIZE',
      100 * 2 ** 30,
      parseSizeFrom(2 ** 30),
      'a size of at least 1g, such as "100g"',
    ),
  };
  if (reader.problems.length > 0) throw errors.badConfig(reader.problems);
  return config;
}

/** Where this machine's clients find the API by TCP. */
export function listenAddressOf({ listen, tlsCert }: Pick<Config, 'listen' | 'tlsCert'>): string {
  const host = listen.host.includes(':') ? `[${listen.host}]` : listen.host;
  return `${tlsCert === undefined ? 'http' : 'https'}://${host}:${String(listen.port)}`;
}

/** The fixed places below the base and run directories. Ids and names in them have been validated before. */
export function pathsOf(config: Pick<Config, 'baseDir' | 'runDir'>) {
  const { baseDir, runDir } = config;
  return {
    dumps: `${baseDir}/dumps`,
    data: `${baseDir}/data`,
    templates: `${baseDir}/data/templates`,
    instances: `${baseDir}/data/instances`,
    volumes: `${baseDir}/data/volumes`,
    registry: `${baseDir}/registry.db`,
    version: (template: string, version: string) => `${baseDir}/data/templates/${template}/${version}`,
    instance: (id: string) => `${baseDir}/data/instances/${id}`,
    volume: (id: string) => `${baseDir}/data/volumes/${id}`,
    runs: runDir,
    run: (id: string) => `${runDir}/${id}`,
    apiSocket: `${runDir}/api.sock`,
    gateSocket: `${runDir}/gate.sock`,
    /** A token of full rights for root on this machine; made anew whenever `serve` starts. */
    rootToken: `${runDir}/root-token`,
  } as const;
}

export type Paths = ReturnType<typeof pathsOf>;

/** The system users and the group that `myaas init` makes; the servers never run as root. */
export const accounts = { apiGroup: 'myaas', gateUser: 'myaas-gate', serverUser: 'myaas-db' } as const;
