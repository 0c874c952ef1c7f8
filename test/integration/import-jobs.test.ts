import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { cp, mkdir, readdir, readFile, rename } from 'node:fs/promises';
import type { MyaasEvent } from '../../daemon/contract/contract.ts';
import type { Job, Template } from '../../daemon/contract/templates.ts';
import { startHost, type TestHost } from '../support/daemon.ts';
import { startPlainServer } from '../support/plain.ts';

const good = 'create table t (a int);\ninsert into t values (1);\n';
const slow = `${good}do sleep(600);\n`;

const importOf = (event: MyaasEvent, template: string) =>
  event.type === 'job' ? event.job.imports.find((each) => each.template === template) : undefined;
const isLoading = (event: MyaasEvent, template: string): boolean =>
  importOf(event, template)?.progress?.phase === 'loading';

async function start(host: TestHost, ...templates: string[]): Promise<Job> {
  const { status, body } = await host.api<Job>('POST', '/v1/templates/refresh', { body: { templates } });
  assert.equal(status, 202);
  return body;
}

describe('import jobs', function () {
  this.timeout(60_000);
  let host: TestHost;

  before(async () => {
    host = await startHost({ MYAAS_IMPORT_JOBS: '2' });
  });
  after(() => host.stop());

  async function startSlow(...templates: string[]): Promise<Job> {
    for (const template of templates) await host.writeDump(`${template}.sql`, slow);
    return start(host, ...templates);
  }

  it('run so many imports at a time, and cancelling what waits does not wait for what runs', async () => {
    const events = await host.watch();
    const first = await startSlow('slow1', 'slow2', 'slow3');
    const running = new Set<string>();
    await events.until((event) => {
      for (const template of ['slow1', 'slow2']) if (isLoading(event, template)) running.add(template);
      return running.size === 2;
    });
    const { body: job } = await host.api<Job>('GET', `/v1/jobs/${first.id}`);
    assert.deepEqual(
      job.imports.map(({ state }) => state),
      ['running', 'running', 'queued'],
    );

    const second = await startSlow('slow4');
    const same = await start(host, 'slow1');
    for (const { id } of [second, same]) {
      const { body } = await host.api<Job>('DELETE', `/v1/jobs/${id}`);
      assert.equal(body.state, 'cancelled');
    }
    const { body: still } = await host.api<Job>('GET', `/v1/jobs/${first.id}`);
    assert.equal(still.state, 'running');
    const { body: ended } = await host.api<Job>('DELETE', `/v1/jobs/${first.id}`);
    assert.deepEqual(
      ended.imports.map(({ state }) => state),
      ['cancelled', 'cancelled', 'cancelled'],
    );
    assert.deepEqual((await host.census()).containers, []);
  });

  it('begin when a dump, or what lies beside it, has arrived', async () => {
    await using watching = await startHost({ MYAAS_WATCH_DUMPS: '1' });
    const events = await watching.watch();
    await watching.writeDump('arrived.sql.part', good);
    await rename(`${watching.dumpsDir}/arrived.sql.part`, `${watching.dumpsDir}/arrived.sql`);
    const imported = (event: MyaasEvent) => importOf(event, 'arrived')?.state === 'imported';
    const first = await events.until(imported);
    const later = await watching.watch();
    await watching.writeDump('arrived.after-import.sql', 'insert into t values (2);');
    const second = await later.until(imported);
    assert.notEqual(importOf(second, 'arrived')?.version, importOf(first, 'arrived')?.version);
  });
});

describe('a kill of the daemon', function () {
  this.timeout(600_000);
  const rounds = 12;
  const chinook = new URL('../data/chinook.sql', import.meta.url);
  let host: TestHost;

  before(async () => {
    host = await startHost({ MYAAS_IMPORT_JOBS: '2' });
  });
  after(() => host.stop());

  it('at any point of an import harms no published version, and leaves nothing', async () => {
    await using plain = await startPlainServer();
    await plain.load(good, 'backup');
    const backup = await plain.makeDirectory('backup');
    await plain.run(`mariadb-backup --no-defaults --backup -S /plain/s --user=root --target-dir=${backup}`);
    await mkdir(`${host.dumpsDir}/backup`);
    await cp(backup, `${host.dumpsDir}/backup`, { recursive: true });
    const sql = await readFile(chinook, 'utf8');
    const mask = { tables: { Customer: { Email: 'e-mail', LastName: 'last name' } } };
    await host.writeDump('chinook.sql', sql);
    await host.writeDump('chinook.mask.json', JSON.stringify(mask));
    const first = await host.update();
    assert.equal(first.state, 'succeeded', JSON.stringify(first.imports));
    const census = await host.census();
    const templates = ['backup', 'chinook'];

    for (let round = 0; round < rounds; round++) {
      const events = await host.watch();
      await host.api('POST', '/v1/templates/refresh', { body: { force: true } });
      // An import tells of itself some 25 times; each is another point.
      let left = randomInt(1, 50);
      await events.until((event) => event.type === 'job' && (--left === 0 || event.job.state !== 'running'));
      await host.serve.stop('SIGKILL');
      await host.serve.start();
      assert.deepEqual(await host.census(), census);
      for (const name of templates) {
        const { body: template } = await host.api<Template>('GET', `/v1/templates/${name}`);
        const versions = await readdir(`${host.paths.templates}/${name}`);
        assert.deepEqual(versions.sort(), template.versions.map(({ version }) => version).sort());
        for (const version of versions)
          assert.deepEqual((await readdir(host.paths.version(name, version))).sort(), [
            'datadir',
            'manifest.json',
          ]);
        const instance = await host.create(name, 'look');
        const connection = await host.connect(instance);
        const [rows] = await connection.query(
          name === 'backup'
            ? 'select a from t'
            : `select count(*) as a from Customer where Email like '%@example.com'`,
        );
        connection.destroy();
        assert.deepEqual(rows, [{ a: name === 'backup' ? 1 : 59 }]);
        await host.api('DELETE', `/v1/instances/${instance.id}`);
      }
    }
  });
});
