import assert from 'node:assert/strict';
import mysql from 'mysql2/promise';
import type { Instance } from '../../daemon/contract/instances.ts';
import type { Job, Template } from '../../daemon/contract/templates.ts';
import { askOf } from '../support/ask.ts';
import { contentsOf, type Contents } from '../support/contents.ts';
import { optionSets, toolDumpName, toolDumps, writtenDumps, type CorpusDump } from '../support/corpus.ts';
import { startHost, type TestHost } from '../support/daemon.ts';
import { packedDumps } from '../support/packed.ts';
import { startPlainServer, type PlainServer } from '../support/plain.ts';

const packable = `create table t (a int primary key, b text);\ninsert into t values (1, 'ü');\n-- it's the end\n`;

async function loadPlain(server: PlainServer, template: string, dump: CorpusDump): Promise<Contents> {
  await server.load(dump.plainContent ?? dump.content, dump.makesItself ? undefined : template);
  if (dump.inMemory) await server.restart();
  const contents = await server.contents();
  await server.dropDatabases();
  return contents;
}

describe('dumps', function () {
  this.timeout(60_000);
  let host: TestHost;
  let job: Job;
  const expected = new Map<string, Contents>();

  before('import all of them, and load them by the plain client', async function () {
    this.timeout(600_000);
    await using plain = await startPlainServer();
    const corpus = Object.entries({ ...writtenDumps, ...(await toolDumps(plain)) });
    const packed = Object.entries(await packedDumps(packable));
    host = await startHost();
    for (const [template, { content }] of corpus) await host.writeDump(`${template}.sql`, content);
    for (const [file, content] of packed) await host.writeDump(file, content);
    const loadAll = async () => {
      for (const [template, dump] of corpus) expected.set(template, await loadPlain(plain, template, dump));
    };
    [job] = await Promise.all([host.update(), loadAll()]);
  });
  after(() => host.stop());

  async function withInstance<T>(template: string, use: (instance: Instance) => Promise<T>): Promise<T> {
    const instance = await host.create(template, 'look');
    try {
      return await use(instance);
    } finally {
      await host.api('DELETE', `/v1/instances/${instance.id}`);
    }
  }

  const ask = (instance: Instance, sql: string) => askOf(host, instance, sql);

  async function contentsOfInstance(instance: Instance): Promise<Contents> {
    const connection = await host.connect(instance);
    try {
      return await contentsOf(connection);
    } finally {
      connection.destroy();
    }
  }

  const importOf = (template: string) => job.imports.find((each) => each.template === template);

  describe('are loaded exactly as by the plain client', () => {
    const titles = [
      ...Object.entries(writtenDumps).map(([template, { what }]) => [template, what] as const),
      ...Object.entries(optionSets).map(([template, options]) => [template, toolDumpName(options)] as const),
    ];
    for (const [template, title] of titles) {
      it(title, async () => {
        assert.equal(importOf(template)?.error, null);
        assert.deepEqual(await withInstance(template, contentsOfInstance), expected.get(template));
      });
    }
  });

  describe('are unpacked', () => {
    for (const [what, template] of [
      ['from gzip', 'gz'],
      ['from zstd', 'zst'],
      ['from xz', 'xz'],
      ['from bzip2', 'bz2'],
      ['whatever the case of the extension', 'upper'],
      ['from gzip of several members', 'members_gz'],
      ['from zstd of several frames', 'members_zst'],
      ['from bzip2 of several streams', 'members_bz2'],
      ['when the name does not tell that they are packed', 'secret_gzip'],
      ['when the name tells another archive', 'misnamed'],
    ] as const) {
      it(what, async () => {
        assert.equal(importOf(template)?.error, null);
        const rows = await withInstance(template, (instance) => ask(instance, 'select * from t'));
        assert.deepEqual(rows, [{ a: 1, b: 'ü' }]);
      });
    }
  });

  describe('bring their databases', () => {
    for (const [template, database, databases] of [
      ['test_db', 'test_db', ['test_db']],
      // Named alike, but for the case.
      ['chinook', 'Chinook', ['Chinook']],
      ['phpmyadmin', 'forum', ['forum']],
      ['tool_databases', 'odd-näme 2', ['odd-näme 2', 'shop']],
      ['itself', 'itself', ['itself']],
    ] as const) {
      it(`${databases.join(' and ')} of ${template}, and clients are given ${database}`, async () => {
        assert.equal(
          await withInstance(template, async (instance) => Promise.resolve(instance.database)),
          database,
        );
        const { body } = await host.api<Template>('GET', `/v1/templates/${template}`);
        assert.deepEqual(body.versions[0]?.databases, databases);
      });
    }
  });

  it('have views, routines and triggers that work, though their DEFINERs are accounts of another server', async () => {
    await withInstance('tool', async (instance) => {
      assert.equal((await ask(instance, 'select * from a_view_on_view')).length, 4);
      await ask(instance, 'update customers set level = level');
      await ask(instance, 'call `do it`(1, @b)');
      const [row] = await ask(instance, `select greet('you') as greeting`);
      assert.equal(row?.['greeting'], 'Grüße, you! 😀');
    });
  });

  it('of all databases bring accounts that let nobody in: root neither', async () => {
    await withInstance('tool_all', async ({ host: address, port, database }) => {
      const logins = [
        ['root', ''],
        ['app', 'app-secret'],
        ['empty', ''],
        ['gone', ''],
        ['mariadb.sys', ''],
        ['reporting', ''],
        ['', ''],
      ] as const;
      for (const [user, password] of logins) {
        const login = mysql.createConnection({ host: address, port, user, password, database });
        // Access denied, or: the account is locked.
        await assert.rejects(
          login,
          ({ errno }: { errno?: number }) => errno === 1045 || errno === 4151,
          user,
        );
      }
    });
  });
});
