import assert from 'node:assert/strict';
import type { Job } from '../../daemon/contract/templates.ts';
import { startHost, type TestHost } from '../support/daemon.ts';
import { member, person, type Person } from './cli-process.ts';

describe('myaas update', function () {
  let host: TestHost;
  let root: Person;

  before(async () => {
    host = await startHost();
    root = person(host);
  });
  after(() => host.stop());
  beforeEach(() => host.writeDump('shop.sql', 'create table test (id int);'));

  it('imports a dump, says in plain lines how it goes, and skips it when it has not changed', async () => {
    const first = await root.run('update', 'shop', '--force');
    assert.equal(first.exitCode, 0);
    assert.match(first.stdout, /^shop: imported in .*, version \S+: 1 table, about 0 rows, \d+ MB$/);
    assert.match(first.stderr, /^shop: loading, 27 B of 27 B, 100 %/m);
    assert.equal((await root.run('update', 'shop')).stdout, 'shop: unchanged');
    assert.match((await root.run('update', 'shop', '--force')).stdout, /^shop: imported/);
  });

  it('prints the finished job for programs', async () => {
    const { state, imports } = await root.json<Job>('update', 'shop', '--force');
    assert.equal(state, 'succeeded');
    assert.deepEqual(
      imports.map((one) => [one.template, one.state]),
      [['shop', 'imported']],
    );
  });

  it('fails for a bad dump, says where and why, and imports the others', async () => {
    await host.writeDump('bad.sql', 'create table test (id int);\nselec nonsense;\n');
    const { exitCode, stdout, stderr } = await root.run('update', 'bad', 'shop', '--force');
    assert.equal(exitCode, 1);
    assert.match(stdout, /^shop: imported/m);
    assert.match(stderr, /^1 failed, 1 imported in \d+ s$/m);
    assert.match(
      stderr,
      /^myaas: bad was not imported: bad\.sql: line 2: .*\nThe statement: selec nonsense\n {2}hint: /m,
    );
  });

  it('fails for a dump that is not there', async () => {
    const { exitCode, stderr } = await root.run('update', 'nothing');
    assert.equal(exitCode, 1);
    assert.match(stderr, /"nothing"/);
  });

  for (const [signal, exitCode] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    it(`cancels the import at a ${signal} and waits until it is undone`, async () => {
      await host.writeDump('slow.sql', 'create table test (id int);\ndo sleep(600);\n');
      const before = await host.census();
      const outcome = await root.stop(signal, /^slow: loading/m, 'update', 'slow');
      assert.equal(outcome.exitCode, exitCode);
      assert.match(outcome.stdout, /^slow: cancelled$/m);
      assert.deepEqual(await host.census(), before);
    });
  }

  it('is for admins', async () => {
    const { exitCode, stderr } = await member(host, 'alice').run('update');
    assert.equal(exitCode, 1);
    assert.match(stderr, /admin/);
  });
});
