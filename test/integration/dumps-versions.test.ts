import assert from 'node:assert/strict';
import { rename, rm, utimes } from 'node:fs/promises';
import type { RowDataPacket } from 'mysql2/promise';
import type { ErrorBody, MyaasEvent } from '../../daemon/contract/contract.ts';
import type { Instance } from '../../daemon/contract/instances.ts';
import type { Import, Template } from '../../daemon/contract/templates.ts';
import { startHost, type TestHost } from '../support/daemon.ts';

const dumpOf = (value: string) => `create table t (a varchar(40));\ninsert into t values ('${value}');\n`;
/** Time enough to look at an import that runs. */
const slowly = 'do sleep(2);\n';

describe('versions of a template', function () {
  this.timeout(60_000);
  let host: TestHost;

  before(async () => {
    host = await startHost({ MYAAS_KEEP_VERSIONS: '2', MYAAS_DB_DATABASE: 'app' });
  });
  after(() => host.stop());

  async function valueIn(instance: Instance): Promise<unknown> {
    const connection = await host.connect(instance);
    try {
      const [rows] = await connection.query<RowDataPacket[]>('select a from t');
      return rows[0]?.['a'];
    } finally {
      connection.destroy();
    }
  }

  async function update(template: string, force = false): Promise<Import> {
    const [only] = (await host.update([template], force)).imports;
    assert.ok(only);
    return only;
  }

  async function valueInNew(template: string): Promise<unknown> {
    const instance = await host.create(template, 'look');
    const value = await valueIn(instance);
    await host.api('DELETE', `/v1/instances/${instance.id}`);
    return value;
  }

  const template = async (name: string) => (await host.api<Template>('GET', `/v1/templates/${name}`)).body;
  const isLoading = (event: MyaasEvent) =>
    event.type === 'job' && event.job.imports.some(({ progress }) => progress?.phase === 'loading');

  it('are made of changed dumps alone, or by force', async () => {
    const path = `${host.dumpsDir}/skip.sql`;
    await host.writeDump('skip.sql', dumpOf('one'));
    const first = await update('skip');
    assert.equal(first.state, 'imported');
    assert.equal((await update('skip')).state, 'unchanged');
    await utimes(path, new Date(), new Date());
    assert.equal((await update('skip')).state, 'unchanged', 'touched');
    await rename(path, `${host.dumpsDir}/skip.SQL`);
    assert.equal((await update('skip')).state, 'unchanged', 'renamed');
    // As long as before: it is the content that counts.
    await host.writeDump('skip.SQL', dumpOf('two'));
    assert.equal((await update('skip')).state, 'imported', 'changed');
    const forced = await update('skip', true);
    assert.equal(forced.state, 'imported', 'forced');
    assert.equal((await template('skip')).current, forced.version);
    assert.equal(await valueInNew('skip'), 'two');
  });

  it('are pruned but for the last ones and those in use, whose instances keep their data', async () => {
    const made: (string | null)[] = [];
    const importVersion = async (value: string) => {
      await host.writeDump('prune.sql', dumpOf(value));
      made.unshift((await update('prune')).version);
    };
    const kept = async () => (await template('prune')).versions.map(({ version }) => version);

    await importVersion('v1');
    const old = await host.create('prune', 'old');
    for (const value of ['v2', 'v3', 'v4']) await importVersion(value);
    assert.deepEqual(await kept(), [made[0], made[1], made[3]]);
    assert.equal(await valueIn(old), 'v1');
    await host.api('POST', `/v1/instances/${old.id}/reset`);
    assert.equal(await valueIn(old), 'v1');
    assert.equal(await valueInNew('prune'), 'v4');
    await host.api('DELETE', `/v1/instances/${old.id}`);
    await importVersion('v5');
    assert.deepEqual(await kept(), [made[0], made[1]]);
  });

  it('hold the data as a hook has left it', async () => {
    const hook = `${host.dumpsDir}/masked.after-import.sql`;
    await host.writeDump('masked.sql', dumpOf('secret'));
    await host.writeDump('masked.after-import.sql', `update t set a = 'masked';`);
    assert.equal((await update('masked')).state, 'imported');
    assert.equal(await valueInNew('masked'), 'masked');
    assert.equal((await update('masked')).state, 'unchanged');
    await host.writeDump('masked.after-import.sql', `update t set a = 'hidden';`);
    assert.equal((await update('masked')).state, 'imported', 'the hook changed');
    assert.equal(await valueInNew('masked'), 'hidden');
    await rm(hook);
    assert.equal((await update('masked')).state, 'imported', 'the hook is gone');
    assert.equal(await valueInNew('masked'), 'secret');
  });

  it('have the database that MYAAS_DB_DATABASE names, unless the dump makes its own', async () => {
    await host.writeDump('plain.sql', dumpOf('x'));
    await host.writeDump('own.sql', `create database mine; use mine; ${dumpOf('x')}`);
    await host.writeDump('many.sql', `${dumpOf('x')} create database other; use other; ${dumpOf('y')}`);
    await host.update(['plain', 'own', 'many']);
    for (const [name, database, databases] of [
      ['plain', 'app', ['app']],
      ['own', 'mine', ['mine']],
      ['many', 'app', ['app', 'other']],
    ] as const) {
      assert.deepEqual((await template(name)).versions[0]?.databases, databases);
      const instance = await host.create(name, 'look');
      assert.equal(instance.database, database);
      assert.equal(await valueIn(instance), 'x');
      await host.api('DELETE', `/v1/instances/${instance.id}`);
    }
  });

  it('are cloned while the next one is made', async () => {
    await host.writeDump('busy.sql', dumpOf('before'));
    await update('busy');
    await host.writeDump('busy.sql', dumpOf('after') + slowly);
    const events = await host.watch();
    const updating = update('busy');
    await events.until(isLoading);
    assert.equal(await valueInNew('busy'), 'before');
    assert.equal((await template('busy')).import?.state, 'running');
    assert.equal((await updating).state, 'imported');
    assert.equal(await valueInNew('busy'), 'after');
  });

  it('cannot be cloned before there is one, which both APIs say in their way', async () => {
    await host.writeDump('first.sql', dumpOf('x') + slowly);
    const events = await host.watch();
    const updating = update('first');
    await events.until(isLoading);
    const request = { template: 'first', name: 'early' };
    const { status, body } = await host.api<ErrorBody>('POST', '/v1/instances', { body: request });
    assert.deepEqual([status, body.error.code], [409, 'MYAAS_TEMPLATE_IMPORTING']);
    const original = await host.api('POST', '/db/first/early');
    assert.equal(original.status, 423);
    assert.deepEqual(original.body, { status: 'Database not available, content is being imported.' });
    const { body: listed } = await host.api<{ templates: string[] }>('GET', '/templates');
    assert.ok(!listed.templates.includes('first'));
    assert.equal((await updating).state, 'imported');
    assert.equal(await valueInNew('first'), 'x');
  });
});
