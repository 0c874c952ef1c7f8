import assert from 'node:assert/strict';
import type { Instance } from '../../daemon/contract/instances.ts';
import { startHost, type TestHost } from '../support/daemon.ts';
import { member, person, type Person } from './cli-process.ts';

describe('the command line and servers that do not run', function () {
  let host: TestHost;
  let root: Person;

  before(async () => {
    host = await startHost();
    await host.importDump(
      'shop',
      "create table test (name varchar(9)); insert into test values ('alice'), ('bob');",
    );
    root = person(host);
  });
  after(() => host.stop());
  afterEach(async () => {
    const { instances } = await root.json<{ instances: Instance[] }>('ls', '--all');
    for (const { id } of instances) await host.api('DELETE', `/v1/instances/${id}?force=1`);
  });

  const stateOf = async (reference: string) => (await root.json<Instance>('show', reference)).state;

  it('puts to sleep what it can of several, fails when one could not be, and wakes them', async () => {
    await root.run('new', 'shop', 'first');
    await root.run('new', 'shop', 'second');
    const { exitCode, stdout, stderr } = await root.run('sleep', 'first', 'absent', 'shop/second');
    assert.equal(exitCode, 1);
    assert.equal(
      stdout,
      'shop/first is asleep; the first connection wakes it.\nshop/second is asleep; the first connection wakes it.',
    );
    assert.match(stderr, /^myaas: .*"absent".*\n {2}hint: /);
    assert.match((await root.run('ls')).stdout, /^shop\/first +asleep +mariadb 11\.8 +127\.0\.0\.1:\d+/m);
    assert.match((await root.run('status')).stdout, /^databases +2 asleep$/m);
    assert.match(
      (await root.run('show', 'first')).stdout,
      /^state +asleep, the first connection wakes it$[^]*^made .* from a snapshot in \d+ ms$/m,
    );

    assert.match((await root.run('wake', 'first')).stdout, /^shop\/first is awake at 127\.0\.0\.1:\d+\.$/);
    const { instances } = await root.json<{ instances: Instance[] }>('wake', 'first', 'second');
    assert.deepEqual(
      instances.map(({ name, state }) => [name, state]),
      [
        ['first', 'ready'],
        ['second', 'ready'],
      ],
    );
  });

  it('needs no waking for a shell, and wakes nothing for what only asks', async () => {
    await root.run('new', 'shop', 'dozing');
    await root.run('sleep', 'dozing');
    for (const command of ['env', 'url', 'show', 'logs'])
      assert.equal((await root.run(command, 'dozing')).exitCode, 0, command);
    assert.equal(await stateOf('dozing'), 'asleep');
    const { stdout } = await root.run('shell', 'dozing', '-N', '-e', 'select count(*) from test');
    assert.equal(stdout, '2');
    assert.equal(await stateOf('dozing'), 'ready');
  });

  it('puts nothing to sleep that somebody works in, and says so', async () => {
    const instance = await root.json<Instance>('new', 'shop', 'busy');
    const connection = await host.connect(instance);
    try {
      await connection.query("begin; insert into test values ('carol')");
      const { exitCode, stderr } = await root.run('sleep', 'busy');
      assert.equal(exitCode, 1);
      assert.match(stderr, /^myaas: Instance "shop\/busy" stays awake: .*\n {2}hint: /);
      assert.equal(await stateOf('busy'), 'ready');
      await connection.query('commit');
      assert.equal((await root.run('sleep', 'busy')).exitCode, 0);
    } finally {
      connection.destroy();
    }
  });

  it('leaves alone what belongs to another', async () => {
    await root.run('new', 'shop', 'theirs');
    const alice = member(host, 'alice');
    for (const command of ['sleep', 'wake']) {
      const { exitCode, stderr } = await alice.run(command, 'shop/theirs');
      assert.equal(exitCode, 1);
      assert.match(stderr, /belongs to root/);
    }
    assert.equal(await stateOf('theirs'), 'ready');
  });

  it('says to all who are refused that memory is short, and what to do', async () => {
    await root.run('new', 'shop', 'waiting');
    await root.run('sleep', 'waiting');
    await host.serve.stop();
    await host.serve.start({ MYAAS_MEMORY_RESERVE: '1024t' });
    try {
      for (const args of [
        ['wake', 'waiting'],
        ['new', 'shop', 'more'],
      ]) {
        const { exitCode, stderr } = await root.run(...args);
        assert.equal(exitCode, 1);
        assert.match(stderr, /^myaas: The host has \d+ MiB of memory left.*\n {2}hint: .*myaas sleep/);
      }
      const shell = await root.run('shell', 'waiting', '-e', 'select 1');
      assert.equal(shell.exitCode, 1);
      assert.match(shell.stderr, /could not be woken\. The host has \d+ MiB of memory left.*myaas sleep/);
      assert.match((await root.run('status')).stdout, /^memory +.*: no server is started$/m);
      assert.match(
        (await root.run('doctor')).stdout,
        /^warning memory: .*no server is started\. .*myaas sleep/m,
      );
    } finally {
      await host.serve.stop();
      await host.serve.start();
    }
    assert.equal((await root.run('shell', 'waiting', '-e', 'select 1')).exitCode, 0);
  });

  it('shows what the pool holds, and what came from it', async () => {
    await host.serve.stop();
    await host.serve.start({ MYAAS_POOL: '1-1' });
    try {
      const events = await host.watch();
      if (!/^pool +1 ready$/m.test((await root.run('status')).stdout))
        await events.until((event) => event.type === 'template' && event.template.pool.ready === 1);
      assert.match((await root.run('templates')).stdout, /^shop .* 1 ready /m);
      assert.match((await root.run('templates', 'shop')).stdout, /^pool +1 ready \(1 wanted\)$/m);
      await root.run('new', 'shop', 'claimed');
      assert.match((await root.run('show', 'claimed')).stdout, /^made .* from the pool in \d+ ms$/m);
    } finally {
      await host.serve.stop();
      await host.serve.start();
    }
  });
});
