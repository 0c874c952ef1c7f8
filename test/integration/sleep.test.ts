import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { Connection, RowDataPacket } from 'mysql2/promise';
import type { ErrorBody } from '../../daemon/contract/contract.ts';
import type { Instance, InstanceState } from '../../daemon/contract/instances.ts';
import { startHost, type TestHost, type Watch } from '../support/daemon.ts';

const people = `
create table test (id int primary key, name varchar(32));
insert into test values (1, 'alice'), (2, 'bob');
`;

async function names(host: TestHost, instance: Instance): Promise<string[]> {
  const connection = await host.connect(instance);
  try {
    const [rows] = await connection.query<RowDataPacket[]>('select name from test order by id');
    return rows.map((row) => String(row['name']));
  } finally {
    connection.destroy();
  }
}

const post = <T = Instance>(host: TestHost, { id }: Instance, what: 'sleep' | 'wake' | 'reset') =>
  host.api<T>('POST', `/v1/instances/${id}/${what}`);
const look = async (host: TestHost, { id }: Instance) =>
  (await host.api<Instance>('GET', `/v1/instances/${id}`)).body;
const remove = (host: TestHost, { id }: Instance) => host.api('DELETE', `/v1/instances/${id}`);
const becomes = (events: Watch, { id }: Instance, state: InstanceState) =>
  events.until(
    (event) => event.type === 'instance' && event.instance.id === id && event.instance.state === state,
  );

async function isRunning(host: TestHost, { id }: Instance): Promise<boolean> {
  const [container] = await host.docker.list(host.registry.instance(id)?.clone);
  return container?.running ?? false;
}

describe('an instance that nobody uses', function () {
  let host: TestHost;

  before(async () => {
    host = await startHost({ MYAAS_SLEEP_AFTER: '1s', MYAAS_SLEEP_CONNECTED_AFTER: '5s' });
    await host.importDump('shop', people);
  });
  after(() => host.stop());

  it('falls asleep: its server is gone, its data and port are not, and a connection wakes it', async () => {
    const events = await host.watch();
    const instance = await host.create('shop', 'idle');
    await becomes(events, instance, 'asleep');
    assert.equal(await isRunning(host, instance), false);
    const { body: status } = await host.api<{ counts: { instances: unknown } }>('GET', '/v1/status');
    assert.deepEqual(status.counts.instances, { asleep: 1 });
    assert.deepEqual(await names(host, instance), ['alice', 'bob']);
    const awake = await look(host, instance);
    assert.deepEqual([awake.state, awake.port, awake.password], ['ready', instance.port, instance.password]);
    await remove(host, instance);
  });

  it('was shut down cleanly, so that nothing is recovered when it wakes', async () => {
    const instance = await host.create('shop', 'clean');
    await post(host, instance, 'sleep');
    const [container] = await host.docker.list(instance.id);
    const { State } = (await host.docker.inspect(container?.containerId ?? '')) ?? assert.fail();
    assert.deepEqual([State.ExitCode, State.OOMKilled], [0, false]);
    await names(host, instance);
    const { body } = await host.api<{ log: string }>('GET', `/v1/instances/${instance.id}/logs`);
    assert.match(body.log, /Shutdown complete/);
    assert.doesNotMatch(body.log, /crash recovery/i);
    await remove(host, instance);
  });

  it('is woken once by a hundred connections at once, all of which are served', async () => {
    const instance = await host.create('shop', 'crowd');
    assert.equal((await post(host, instance, 'sleep')).body.state, 'asleep');
    const before = wakes((await host.api('GET', '/metrics')).text);
    const answers = await Promise.all(Array.from({ length: 100 }, () => names(host, instance)));
    assert.ok(answers.every((answer) => answer.join() === 'alice,bob'));
    assert.equal(wakes((await host.api('GET', '/metrics')).text), before + 1);
    await remove(host, instance);
  });

  it('stays awake while a statement runs, and while a transaction is open', async () => {
    const [busy, idle] = [await host.create('shop', 'busy'), await host.create('shop', 'idle')];
    const connection = await host.connect(busy);
    await connection.query('begin');
    await connection.query('delete from test where id = 1');
    // Two rounds of somebody else's: long enough to be noticed as silent itself.
    for (let round = 0; round < 2; round++) {
      const events = await host.watch();
      await post(host, idle, 'wake');
      await becomes(events, idle, 'asleep');
    }
    const refused = await post<ErrorBody>(host, busy, 'sleep');
    assert.deepEqual([refused.status, refused.body.error.code], [409, 'MYAAS_INSTANCE_IN_USE']);
    assert.match(refused.body.error.message, /a transaction has been open for \d+ s/);
    await connection.query('commit');
    const [rows] = await connection.query<RowDataPacket[]>('select sleep(4) as slept');
    assert.deepEqual(rows, [{ slept: 0 }]);
    assert.equal((await look(host, busy)).state, 'ready');
    connection.destroy();
    await Promise.all([remove(host, busy), remove(host, idle)]);
  });

  it('is asleep some time after its connections have fallen silent, and these are cut', async () => {
    const instance = await host.create('shop', 'silent');
    const connection: Connection = await host.connect(instance);
    connection.on('error', () => undefined);
    const events = await host.watch();
    await becomes(events, instance, 'asleep');
    await assert.rejects(connection.query('select 1'));
    connection.destroy();
    assert.deepEqual(await names(host, instance), ['alice', 'bob']);
    await remove(host, instance);
  });

  it('is put to sleep and woken when its owner says so', async () => {
    const instance = await host.create('shop', 'manual');
    assert.equal((await post(host, instance, 'wake')).body.state, 'ready');
    for (let twice = 0; twice < 2; twice++)
      assert.equal((await post(host, instance, 'sleep')).body.state, 'asleep');
    const stranger = host.userToken('mallory');
    for (const what of ['sleep', 'wake'] as const) {
      const { status } = await host.api('POST', `/v1/instances/${instance.id}/${what}`, { token: stranger });
      assert.equal(status, 403);
    }
    assert.equal((await post(host, instance, 'wake')).body.state, 'ready');
    assert.ok(await isRunning(host, instance));
    await remove(host, instance);
  });

  it('leaves nothing when it is deleted asleep', async () => {
    const before = await host.census();
    const instance = await host.create('shop', 'gone');
    await post(host, instance, 'sleep');
    assert.equal((await remove(host, instance)).status, 204);
    assert.deepEqual(await host.census(), before);
  });

  it('has fresh data and is awake after a reset', async () => {
    const instance = await host.create('shop', 'fresh');
    const connection = await host.connect(instance);
    await connection.query('delete from test');
    connection.destroy();
    await post(host, instance, 'sleep');
    assert.equal((await post(host, instance, 'reset')).body.state, 'ready');
    assert.deepEqual(await names(host, instance), ['alice', 'bob']);
    await remove(host, instance);
  });

  it('tells who connects why it can’t be woken, in the words of its protocol', async () => {
    const instance = await host.create('shop', 'broken');
    await post(host, instance, 'sleep');
    await rm(`${host.paths.instance(instance.id)}/datadir/ibdata1`);
    await rm(`${host.paths.instance(instance.id)}/datadir/undo001`, { force: true });
    await assert.rejects(names(host, instance), {
      errno: 1053,
      message: /could not be woken.*stopped at its start/s,
    });
    assert.equal((await look(host, instance)).state, 'asleep');
    assert.equal(await isRunning(host, instance), false);
    assert.equal((await post(host, instance, 'reset')).status, 200);
    assert.deepEqual(await names(host, instance), ['alice', 'bob']);
    await remove(host, instance);
  });

  describe('when processes come and go', () => {
    it('waits asleep for serve: a client is held until it is back', async () => {
      const instance = await host.create('shop', 'patient');
      await post(host, instance, 'sleep');
      await host.serve.stop('SIGKILL');
      const answer = names(host, instance);
      await host.serve.start();
      assert.deepEqual(await answer, ['alice', 'bob']);
      await remove(host, instance);
    });

    it('wakes after a restart of the host: containers and run directories gone', async () => {
      const instance = await host.create('shop', 'rebooted');
      await post(host, instance, 'sleep');
      await host.serve.stop('SIGKILL');
      await host.gate.stop('SIGKILL');
      for (const { containerId } of await host.docker.list()) await host.docker.remove(containerId);
      await rm(host.paths.run(instance.id), { recursive: true });
      await host.serve.start();
      await host.gate.start();
      assert.equal((await look(host, instance)).state, 'asleep');
      assert.deepEqual(await names(host, instance), ['alice', 'bob']);
      await remove(host, instance);
    });

    it('wakes although the namespace its container was made with is gone', async () => {
      const instance = await host.create('shop', 'moved');
      await post(host, instance, 'sleep');
      for (const { containerId, role } of await host.docker.list())
        if (role === 'namespace') await host.docker.remove(containerId);
      assert.deepEqual(await names(host, instance), ['alice', 'bob']);
      await remove(host, instance);
    });

    it('is asleep or awake, and answers, wherever a kill hits it between the two', async () => {
      const instance = await host.create('shop', 'between');
      for (let round = 0; round < 8; round++) {
        const goal = round % 2 === 0 ? 'sleep' : 'wake';
        await post(host, instance, goal === 'sleep' ? 'wake' : 'sleep');
        const going = post(host, instance, goal).catch(() => undefined);
        // Either takes about 200 ms: the kills hit before, within and after.
        const hitMs = Math.round(Math.random() * 250);
        await delay(hitMs);
        await host.serve.stop('SIGKILL');
        await going;
        await host.serve.start();
        assert.deepEqual(
          await names(host, instance),
          ['alice', 'bob'],
          `${goal}, killed after ${String(hitMs)} ms`,
        );
      }
      await remove(host, instance);
      assert.deepEqual((await host.census()).containers, []);
    });

    it('is not woken when the host can’t bear it, and its client is told', async () => {
      const instance = await host.create('shop', 'crowded-out');
      await post(host, instance, 'sleep');
      await host.serve.stop();
      await host.serve.start({ MYAAS_MEMORY_RESERVE: '1000t' });
      await assert.rejects(names(host, instance), { errno: 1053, message: /MiB of memory left/ });
      const refused = await post<ErrorBody>(host, instance, 'wake');
      assert.deepEqual([refused.status, refused.body.error.code], [507, 'MYAAS_MEMORY_FULL']);
      await host.serve.stop();
      await host.serve.start();
      assert.deepEqual(await names(host, instance), ['alice', 'bob']);
      await remove(host, instance);
    });
  });
});

const wakes = (metrics: string): number => Number(/^myaas_wake_seconds_count (\d+)$/m.exec(metrics)?.[1]);
