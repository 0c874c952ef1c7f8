/** What operators and clients write in small languages of ours: understood, or refused by an error of the catalogue. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import fc from 'fast-check';
import { readConfig } from '../../daemon/config.ts';
import { MyaasError } from '../../daemon/errors/error.ts';
import { parsePool } from '../../daemon/instances/pool-size.ts';
import { isName } from '../../daemon/names.ts';
import { readMask } from '../../daemon/templates/mask.ts';
import { readChoice } from '../../daemon/templates/server-choice.ts';
import { parseVolumeOptions, readPassword } from '../../daemon/volumes/options.ts';
import { fuzzRuns } from '../support/fuzz-runs.ts';

/** The outcome of `work`; undefined when it was refused with one of `codes`. */
async function outcomeOf<T>(codes: readonly string[], work: () => T | Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    assert.ok(error instanceof MyaasError && codes.includes(error.code), String(error));
    return undefined;
  }
}

const numbers = fc.oneof(fc.integer().map(String), fc.double().map(String), fc.bigInt().map(String));
/** What stands in settings, put together as it should be and as it should not. */
const tokens = fc.oneof(
  fc.constantFrom(...'-=,.:/ %@\n\0'.split(''), 'off', 'never', 'true', '1-4', 'shop', '127.0.0.1', '[::1]'),
  fc.constantFrom('k', 'm', '2g', '30m', '8h', '/srv', '..', 'unix://', 'tcp://', '__proto__', 'ü'),
  numbers,
  fc.string({ unit: 'binary', maxLength: 5 }),
);
const settings = fc.array(tokens, { maxLength: 6 }).map((parts) => parts.join(''));

const variables = (
  'BASE_DIR RUN_DIR HOSTNAME MYSQL_IMAGE VALKEY_IMAGE DB_DATABASE DB_USERNAME DB_PASSWORD CONTAINER_TTL MEMORY_LIMIT ' +
  'CPU_PINNING_CORES PREFIX DOCKER_HOST DEBUG LISTEN TLS_CERT API_NAMES RATE_LIMIT AUDIT_DAYS PORTS BIND LEGACY_USER ' +
  'VOLUME_DRIVER POOL SLEEP_AFTER REQUIRE_TLS MEMORY_RESERVE DISK_RESERVE DISK_LIMIT KEEP_VERSIONS MASKED_TEMPLATES IMPORT_JOBS ' +
  'WATCH_DUMPS DISK_SIZE'
).split(' ');

describe('any setting', () => {
  it('is one that the daemon can work with, or a bad configuration that names it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...variables), settings, async (variable, text) => {
        const name = `MYAAS_${variable}`;
        const env = { MYAAS_ENV_FILE: '/dev/null', [name]: text };
        const config = await outcomeOf(['MYAAS_BAD_CONFIG'], () => readConfig(env));
        if (!config) {
          assert.throws(
            () => readConfig(env),
            (error: Error) => error.message.includes(name),
          );
          return;
        }
        const { ports, listen, baseDir, runDir, pool, prefix } = config;
        assert.ok(1 <= ports.from && ports.from <= ports.to && ports.to <= 65_535);
        assert.ok(Number.isInteger(listen.port) && listen.port >= 1 && listen.port <= 65_535);
        for (const path of [baseDir, runDir]) assert.match(path, /^\/[^\0\n,:]*$/);
        assert.ok([...pool.of.keys()].every((template) => isName('template', template)));
        assert.match(prefix, /^[\w.-]+$/);
        for (const [key, value] of Object.entries(config))
          if (typeof value === 'number') assert.ok(Number.isSafeInteger(value) && value >= 0, key);
      }),
      fuzzRuns(1000),
    );
  });

  it('of the pool has limits that hold, or is none', () => {
    const limits = fc
      .tuple(fc.nat(120), fc.option(fc.nat(120)))
      .map(([from, to]) => (to === null ? `${from}` : `${from}-${to}`));
    const part = fc.oneof(
      limits,
      fc.tuple(settings, limits).map(([name, text]) => `${name}=${text}`),
      settings,
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 5 }), (parts) => {
        const pool = parsePool(parts.join(','));
        for (const { min, max } of pool ? [pool.all, ...pool.of.values()] : [])
          assert.ok(Number.isInteger(min) && 0 <= min && min <= max && max <= 100);
      }),
      fuzzRuns(1000),
    );
  });

  it('of a volume names a template and an account, or is refused', async () => {
    const options = fc.dictionary(
      fc.oneof(fc.constantFrom('template', 'version', 'user', 'password-file', '__proto__'), settings),
      fc.oneof(fc.constantFrom('shop', '999', '999:999', '/run/password'), settings),
    );
    await fc.assert(
      fc.asyncProperty(options, async (given) => {
        const understood = await outcomeOf(['MYAAS_BAD_REQUEST', 'MYAAS_BAD_NAME'], () =>
          parseVolumeOptions(given),
        );
        if (!understood) return;
        assert.ok(isName('template', understood.template));
        const { uid = 0, gid = 0 } = understood.owner ?? {};
        assert.ok(Number.isSafeInteger(uid) && Number.isSafeInteger(gid) && uid >= 0 && gid >= 0);
        assert.ok(understood.passwordFile?.startsWith('/') ?? true);
      }),
      fuzzRuns(1000),
    );
  });
});

describe('any file beside a dump', () => {
  let directory = '';
  before(async () => {
    directory = await mkdtemp(`${tmpdir()}/myaas-beside-`);
  });
  after(() => rm(directory, { recursive: true }));

  /** A file of that text, as the daemon finds it. */
  const fileOf = async (text: string) => {
    const found = { file: 'shop', path: `${directory}/shop` };
    await writeFile(found.path, text);
    return found;
  };

  it('says which server is meant, or is refused', async () => {
    const products = fc.constantFrom('mariadb', 'MySQL', 'valkey', 'oracle', 'constructor');
    const text = fc.oneof(
      fc.tuple(products, fc.constantFrom(' ', '\n', '\t ', ''), numbers).map((parts) => parts.join('')),
      settings,
    );
    await fc.assert(
      fc.asyncProperty(text, async (said) => {
        const choice = await outcomeOf(['MYAAS_DUMP_BAD'], async () => readChoice(await fileOf(said)));
        if (choice) assert.match(`${choice.engine.name} ${choice.series ?? '1'}`, /^[a-z]+ \d+(\.\d+)?$/);
      }),
      fuzzRuns(300),
    );
  });

  it('says what is masked, and how, or is refused', async () => {
    const rule = fc.oneof(
      fc.constantFrom('null', 'hash', 'e-mail', 'phone'),
      fc.record({ fixed: fc.anything() }),
      settings,
    );
    const columns = fc.dictionary(fc.oneof(fc.constant('__proto__'), settings), rule);
    const masks = fc.oneof(
      fc.record({ tables: fc.dictionary(settings, columns) }),
      fc.record({ required: fc.oneof(fc.boolean(), fc.string()), tables: fc.dictionary(settings, columns) }),
      fc.jsonValue(),
    );
    const text = fc.oneof(
      masks.map((mask) =>
        JSON.stringify(mask, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value)),
      ),
      settings,
    );
    await fc.assert(
      fc.asyncProperty(text, async (said) => {
        const mask = await outcomeOf(['MYAAS_DUMP_BAD'], async () => readMask(await fileOf(said)));
        if (mask) assert.deepEqual(mask, JSON.parse(said));
      }),
      fuzzRuns(300),
    );
  });

  it('with a password has one that needs no quoting anywhere, or is refused without a word of it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(settings, fc.stringMatching(/^[\w.~-]{8,40}$/)), async (said) => {
        const { path } = await fileOf(`${said}\nmore`);
        const password = await outcomeOf(['MYAAS_BAD_REQUEST'], () => readPassword(path));
        if (password !== undefined) assert.match(password, /^[A-Za-z0-9._~-]+$/);
      }),
      fuzzRuns(300),
    );
  });
});
