import assert from 'node:assert/strict';
import { readConfig, type Config } from '../../daemon/config.ts';
import { pathsOf } from '../../daemon/paths.ts';
import { MyaasError } from '../../daemon/errors/error.ts';

const problemsOf = (env: NodeJS.ProcessEnv): string => {
  try {
    readConfig(env);
  } catch (error) {
    assert.ok(error instanceof MyaasError);
    assert.equal(error.code, 'MYAAS_BAD_CONFIG');
    return error.message;
  }
  return '';
};

const gib = 2 ** 30;

interface Variable {
  readonly field: keyof Config;
  readonly good: readonly (readonly [text: string, value: unknown])[];
  readonly bad: readonly string[];
}

const variables: Readonly<Record<string, Variable>> = {
  MYAAS_BASE_DIR: {
    field: 'baseDir',
    good: [
      ['/data/myaas', '/data/myaas'],
      ['/data/myaas//', '/data/myaas'],
    ],
    bad: ['data', './x', '/a,b', '/a:b', '/a\nb'],
  },
  MYAAS_RUN_DIR: {
    field: 'runDir',
    good: [['/run/other', '/run/other']],
    bad: ['run', `/run/${'x'.repeat(80)}`],
  },
  MYAAS_HOSTNAME: {
    field: 'hostname',
    good: [
      ['db.example.org', 'db.example.org'],
      ['10.0.0.7', '10.0.0.7'],
    ],
    bad: ['a b', 'a/b', 'x'.repeat(300)],
  },
  MYAAS_MYSQL_IMAGE: {
    field: 'mysqlImage',
    good: [['registry.example.org:5000/team/mariadb:11.8', 'registry.example.org:5000/team/mariadb:11.8']],
    bad: ['maria db', 'mariadb;id'],
  },
  MYAAS_POSTGRES_IMAGE: { field: 'postgresImage', good: [['postgres:17', 'postgres:17']], bad: ['a b'] },
  MYAAS_VALKEY_IMAGE: { field: 'valkeyImage', good: [['valkey/valkey:8', 'valkey/valkey:8']], bad: ['a b'] },
  MYAAS_DB_DATABASE: { field: 'dbDatabase', good: [['default', 'default']], bad: ['a b', 'a`b', '-a'] },
  MYAAS_DB_USERNAME: { field: 'dbUsername', good: [['root', 'root']], bad: ["o'neill", 'x'.repeat(33)] },
  MYAAS_DB_PASSWORD: {
    field: 'dbPassword',
    good: [['secret', 'secret']],
    bad: ['with space', "o'neill", '@'],
  },
  MYAAS_CONTAINER_TTL: {
    field: 'containerTtlSeconds',
    good: [
      ['3600', 3600],
      ['0', 0],
    ],
    bad: ['-1', '1.5', '8 hours', '1e3', '99999999999'],
  },
  MYAAS_MEMORY_LIMIT: {
    field: 'memoryLimitBytes',
    good: [
      ['2g', 2 * gib],
      ['1.5G', 1.5 * gib],
      ['512m', gib / 2],
      ['512MiB', gib / 2],
      ['1073741824', gib],
    ],
    bad: ['2 potatoes', '1m', '-1g', ''.padEnd(400, '9')],
  },
  MYAAS_CPU_PINNING_CORES: { field: 'cpuPinningCores', good: [['2', 2]], bad: ['two', '-1', '9999'] },
  MYAAS_PREFIX: { field: 'prefix', good: [['team_a', 'team_a']], bad: ['-a', 'a b', 'ä'] },
  MYAAS_DOCKER_HOST: {
    field: 'dockerHost',
    good: [
      ['unix:///run/docker.sock', 'unix:///run/docker.sock'],
      // The original's default.
      ['unix://var/run/docker.sock', 'unix://var/run/docker.sock'],
      ['tcp://127.0.0.1:2375', 'tcp://127.0.0.1:2375'],
    ],
    bad: ['/run/docker.sock', 'http://x', 'tcp://host'],
  },
  MYAAS_DOCKER_TIMEOUT: {
    field: 'dockerTimeoutSeconds',
    good: [['90', 90]],
    bad: ['0', '1.5', '3601', '30s'],
  },
  MYAAS_DEBUG: {
    field: 'debug',
    good: [
      ['1', true],
      ['True', true],
      ['0', false],
      ['no', false],
    ],
    bad: ['maybe'],
  },
  MYAAS_LISTEN: {
    field: 'listen',
    good: [
      ['5002', { host: '127.0.0.1', port: 5002 }],
      ['0.0.0.0:5001', { host: '0.0.0.0', port: 5001 }],
      ['[::1]:5001', { host: '::1', port: 5001 }],
    ],
    bad: ['localhost', '127.0.0.1:70000', ':5001', '1:2:3', '0'],
  },
  MYAAS_TLS_CERT: {
    field: 'tlsCert',
    good: [['/etc/myaas/cert.pem', '/etc/myaas/cert.pem']],
    bad: ['cert.pem'],
  },
  MYAAS_TLS_KEY: {
    field: 'tlsKey',
    good: [['/etc/myaas/key.pem', '/etc/myaas/key.pem']],
    bad: ['key.pem'],
  },
  MYAAS_REQUIRE_TLS: { field: 'requireTls', good: [['true', true]], bad: ['perhaps'] },
  MYAAS_ALLOW_PLAIN_HTTP: { field: 'allowPlainHttp', good: [['true', true]], bad: ['perhaps'] },
  MYAAS_API_NAMES: {
    field: 'apiNames',
    good: [['db.example, dbs', ['db.example', 'dbs']]],
    bad: ['https://db.example', 'a/b'],
  },
  MYAAS_RATE_LIMIT: {
    field: 'requestsPerMinute',
    good: [
      ['0', 0],
      ['600', 600],
    ],
    bad: ['-1', 'many'],
  },
  MYAAS_AUDIT_DAYS: { field: 'auditDays', good: [['30', 30]], bad: ['0', 'ever'] },
  MYAAS_PORTS: {
    field: 'ports',
    good: [
      ['24000-24999', { from: 24_000, to: 24_999 }],
      ['24000-24000', { from: 24_000, to: 24_000 }],
    ],
    bad: ['24000', '24999-24000', '0-10', '60000-70000', 'a-b'],
  },
  MYAAS_BIND: {
    field: 'bind',
    good: [
      ['0.0.0.0', '0.0.0.0'],
      ['::1', '::1'],
    ],
    bad: ['localhost', '999.1.1.1', 'beef'],
  },
  MYAAS_VOLUME_DRIVER: {
    field: 'volumeDriver',
    good: [
      ['team-db', 'team-db'],
      ['off', undefined],
    ],
    bad: ['../x', 'A', 'a b', '/x'],
  },
  MYAAS_LEGACY_USER: { field: 'legacyUser', good: [['scripts', 'scripts']], bad: ['a b', '../x'] },
  MYAAS_POOL: {
    field: 'pool',
    good: [
      ['0', { all: { min: 0, max: 0 }, of: new Map() }],
      ['2', { all: { min: 2, max: 2 }, of: new Map() }],
      [
        '1-4, shop=2-10,archive=0',
        {
          all: { min: 1, max: 4 },
          of: new Map([
            ['shop', { min: 2, max: 10 }],
            ['archive', { min: 0, max: 0 }],
          ]),
        },
      ],
      ['shop=3', { all: { min: 1, max: 4 }, of: new Map([['shop', { min: 3, max: 3 }]]) }],
    ],
    bad: ['-1', '4-1', '101', '1-4,2', 'shop=', '=3', 'shop=1,shop=2', '../x=1', 'a=b=1', 'many'],
  },
  MYAAS_SLEEP_AFTER: {
    field: 'sleepAfterMs',
    good: [
      ['30m', 1_800_000],
      ['90', 90_000],
      ['never', undefined],
    ],
    bad: ['0', 'soon', '8d', '-5'],
  },
  MYAAS_SLEEP_CONNECTED_AFTER: {
    field: 'sleepConnectedAfterMs',
    good: [
      ['8h', 28_800_000],
      ['never', undefined],
    ],
    bad: ['0', 'soon', '8d'],
  },
  MYAAS_MEMORY_RESERVE: {
    field: 'memoryReserveBytes',
    good: [
      ['4g', 4 * gib],
      ['0', 0],
    ],
    bad: ['some', '-1g'],
  },
  MYAAS_DISK_RESERVE: { field: 'diskReserveBytes', good: [['1g', gib]], bad: ['1m', 'some'] },
  MYAAS_DISK_LIMIT: {
    field: 'diskLimit',
    good: [
      ['10g', { kind: 'bytes', bytes: 10 * gib }],
      ['25%', { kind: 'share', share: 0.25 }],
      ['off', { kind: 'off' }],
    ],
    bad: ['1m', '0%', '101%', 'some'],
  },
  MYAAS_QUOTA_INSTANCES: {
    field: 'maxInstances',
    good: [
      ['5', 5],
      ['0', 0],
      ['none', Number.MAX_SAFE_INTEGER],
    ],
    bad: ['-1', 'many', '1.5'],
  },
  MYAAS_QUOTA_LEASE: {
    field: 'maxLeaseSeconds',
    good: [
      ['7d', 604_800],
      ['none', Number.MAX_SAFE_INTEGER],
    ],
    bad: ['0', 'long', '-1d'],
  },
  MYAAS_QUOTA_DISK: {
    field: 'maxDiskBytes',
    good: [
      ['50g', 50 * gib],
      ['none', Number.MAX_SAFE_INTEGER],
    ],
    bad: ['much', '-1g'],
  },
  MYAAS_KEEP_VERSIONS: { field: 'keepVersions', good: [['5', 5]], bad: ['0', 'all'] },
  MYAAS_MASKED_TEMPLATES: {
    field: 'maskedTemplates',
    good: [['shop, blog', ['shop', 'blog']]],
    bad: ['sh/op', 'shop;blog'],
  },
  MYAAS_HOOK_TIMEOUT: { field: 'hookTimeoutSeconds', good: [['60', 60]], bad: ['0', '1h'] },
  MYAAS_IMPORT_JOBS: { field: 'importJobs', good: [['4', 4]], bad: ['0', 'many'] },
  MYAAS_WATCH_DUMPS: { field: 'watchDumpsSeconds', good: [['30', 30]], bad: ['-1', 'yes'] },
  MYAAS_DISK_SIZE: { field: 'diskSizeBytes', good: [['20g', 20 * gib]], bad: ['1m', 'large'] },
};

describe('the configuration', () => {
  it('has a default for everything, and takes an empty variable for one that is not set', () => {
    const config = readConfig({});
    assert.deepEqual(
      readConfig(Object.fromEntries(Object.keys(variables).map((name) => [name, '']))),
      config,
    );
    assert.equal(config.baseDir, '/srv/myaas');
    assert.equal(config.containerTtlSeconds, 86_400);
    assert.deepEqual(config.listen, { host: '127.0.0.1', port: 5001 });
    assert.equal(config.bind, '127.0.0.1');
    assert.equal(config.dbPassword, undefined);
  });

  for (const [name, { field, good, bad }] of Object.entries(variables)) {
    it(`takes ${name} as it is meant, or says what is wrong with it`, () => {
      for (const [text, value] of good) assert.deepEqual(readConfig({ [name]: text })[field], value, text);
      for (const text of bad) assert.match(problemsOf({ [name]: text }), new RegExp(`- ${name}: `), text);
    });
  }

  it('has no field that no variable sets', () => {
    const fields = Object.values(variables).map(({ field }) => field);
    assert.deepEqual(Object.keys(readConfig({})).sort(), fields.sort());
  });

  it('tells all that is wrong at once', () => {
    const problems = problemsOf(
      Object.fromEntries(Object.entries(variables).map(([name, { bad }]) => [name, bad[0]])),
    );
    for (const name of Object.keys(variables)) assert.ok(problems.includes(`- ${name}: `), name);
  });

  it('never shows the password', () => {
    const problems = problemsOf({ MYAAS_DB_PASSWORD: 'hunter two', MYAAS_PORTS: 'x' });
    assert.ok(problems.includes('MYAAS_DB_PASSWORD') && !problems.includes('hunter'));
  });

  it('keeps every Unix socket short enough for its address', () => {
    const longest = `/${'x'.repeat(74)}`;
    const paths = pathsOf(readConfig({ MYAAS_RUN_DIR: longest }));
    assert.ok(Buffer.byteLength(`${paths.run('0123456789ab')}/mysqld.sock`) <= 107);
    assert.match(problemsOf({ MYAAS_RUN_DIR: `${longest}x` }), /75 bytes/);
  });
});
