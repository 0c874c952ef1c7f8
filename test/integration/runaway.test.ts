import assert from 'node:assert/strict';
import type { Connection } from 'mysql2/promise';
import mysql from 'mysql2/promise';
import type { MyaasEvent } from '../../daemon/contract/contract.ts';
import type { Instance } from '../../daemon/contract/instances.ts';
import { startHost, type TestHost } from '../support/daemon.ts';

/** More than MariaDB's own limit of connections. */
const floodSize = 400;

describe('an instance that takes all it can get', function () {
  this.timeout(300_000);
  let host: TestHost;
  let instance: Instance;
  let neighbour: Connection;

  before(async () => {
    host = await startHost({ MYAAS_MEMORY_LIMIT: '512m' });
    await host.importDump('shop', 'create table t (a int primary key); insert into t values (1), (2);');
    instance = await host.create('shop', 'runaway');
    neighbour = await host.connect(await host.create('shop', 'neighbour'));
  });
  after(async () => {
    neighbour.destroy();
    await host.stop();
  });

  const rowsOf = async (connection: Connection): Promise<unknown> =>
    (await connection.query('select count(*) as n from t'))[0];
  const becomes = (state: Instance['state']) => (event: MyaasEvent) =>
    event.type === 'instance' && event.instance.id === instance.id && event.instance.state === state;
  /** Until its server is killed for it. */
  const eatMemory = async (): Promise<void> => {
    const connection = await host.connect(instance);
    connection.on('error', () => undefined);
    const eating = async () => {
      for (let count = 0; ; count++) await connection.query(`set @v${String(count)} = repeat('x', 15000000)`);
    };
    await assert.rejects(eating());
    connection.destroy();
  };

  it('of memory is ended alone, comes back by itself, and its neighbour keeps even its connection', async () => {
    const { pid } = host.serve;
    const events = await host.watch();
    const back = events.until(becomes('ready'));
    await eatMemory();
    assert.deepEqual(await rowsOf(neighbour), [{ n: 2 }]);
    await back;
    const again = await host.connect(instance);
    assert.deepEqual(await rowsOf(again), [{ n: 2 }]);
    await again.end();
    assert.equal(host.serve.pid, pid);
    assert.match(
      host.serve.log,
      /shop\/runaway again, which has ended by a kill, as the kernel does it .* MYAAS_MEMORY_LIMIT/,
    );
  });

  it('of memory again and again fails, says of what, and has fresh data after a reset', async () => {
    for (;;) {
      const events = await host.watch();
      const next = events.until((event) => becomes('ready')(event) || becomes('failed')(event));
      await eatMemory();
      const event = await next;
      if (becomes('failed')(event)) break;
    }
    const { body: failed } = await host.api<Instance>('GET', `/v1/instances/${instance.id}`);
    assert.match(
      failed.failure ?? '',
      /stopped 4 times by a kill, .* more memory than MYAAS_MEMORY_LIMIT; reset it/,
    );
    assert.deepEqual(await rowsOf(neighbour), [{ n: 2 }]);
    const reset = await host.api<Instance>('POST', `/v1/instances/${instance.id}/reset`);
    assert.deepEqual([reset.status, reset.body.state], [200, 'ready'], reset.text);
  });

  it('of connections runs out of them alone', async () => {
    const { host: address, port, user, password = '' } = instance;
    const flood = await Promise.allSettled(
      Array.from({ length: floodSize }, () =>
        mysql.createConnection({ host: address, port, user, password, connectTimeout: 120_000 }),
      ),
    );
    const [had, refused] = [
      flood.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : [])),
      flood.flatMap((each) => (each.status === 'rejected' ? [each.reason as unknown] : [])),
    ];
    assert.ok(had.length > 0 && refused.length > 0);
    assert.deepEqual(await rowsOf(neighbour), [{ n: 2 }]);
    const made = await host.create('shop', 'meanwhile');
    const connection = await host.connect(made);
    assert.deepEqual(await rowsOf(connection), [{ n: 2 }]);
    await connection.end();
    for (const each of had) each.destroy();
  });

  it('of processor and processes leaves enough to others for them to be made and answer', async () => {
    const hogs = await Promise.all(Array.from({ length: 8 }, () => host.connect(instance)));
    const hogging = hogs.map((hog) =>
      hog.query("do benchmark(1000000000, sha2('x', 512))").catch(() => undefined),
    );
    assert.deepEqual(await rowsOf(neighbour), [{ n: 2 }]);
    const made = await host.create('shop', 'beside');
    const connection = await host.connect(made);
    assert.deepEqual(await rowsOf(connection), [{ n: 2 }]);
    await connection.end();
    assert.equal((await host.api('POST', `/v1/instances/${instance.id}/reset`)).status, 200);
    for (const hog of hogs) hog.destroy();
    await Promise.all(hogging);
  });
});
