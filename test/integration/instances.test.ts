import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectSocket } from 'node:net';
import type { RowDataPacket } from 'mysql2/promise';
import mysql from 'mysql2/promise';
import type { ErrorBody } from '../../daemon/contract/contract.ts';
import type { Instance } from '../../daemon/contract/instances.ts';
import { startHost, type TestHost } from '../support/daemon.ts';

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

async function execute(host: TestHost, instance: Instance, sql: string): Promise<void> {
  const connection = await host.connect(instance);
  try {
    await connection.query(sql);
  } finally {
    connection.destroy();
  }
}

describe('instances', function () {
  let host: TestHost;

  before(async () => {
    host = await startHost();
    await host.importDump('shop', people);
  });
  after(() => host.stop());

  const remove = (ref: string) => host.api('DELETE', `/v1/instances/${encodeURIComponent(ref)}?force=1`);

  it('answers a create with credentials that work at once, and with all fields', async () => {
    const instance = await host.create('shop', 'first', { ttl: '8h' });
    assert.deepEqual(await names(host, instance), ['alice', 'bob']);
    assert.equal(instance.state, 'ready');
    assert.equal(instance.database, 'shop');
    assert.equal(instance.owner, 'admin');
    assert.match(instance.password ?? '', /^[A-Za-z0-9]{24,}$/);
    assert.equal(
      instance.url,
      `mysql://${instance.user}:${instance.password ?? ''}@127.0.0.1:${String(instance.port)}/shop`,
    );
    const leaseHours = (Date.parse(instance.expiresAt ?? '') - Date.parse(instance.createdAt)) / 3_600_000;
    assert.ok(Math.abs(leaseHours - 8) < 0.01);
    await remove(instance.id);
  });

  it('gives every instance a password of its own', async () => {
    const [one, two] = [await host.create('shop', 'one'), await host.create('shop', 'two')];
    assert.notEqual(one.password, two.password);
    await assert.rejects(host.connect({ ...one, password: two.password ?? '' }), /Access denied/);
    await Promise.all([remove(one.id), remove(two.id)]);
  });

  it('keeps what one instance does from all others and from the template', async () => {
    const [one, two] = [await host.create('shop', 'one'), await host.create('shop', 'two')];
    await execute(host, one, "update test set name = 'mallory'; drop database mysql");
    assert.deepEqual(await names(host, two), ['alice', 'bob']);
    const three = await host.create('shop', 'three');
    assert.deepEqual(await names(host, three), ['alice', 'bob']);
    await Promise.all([one, two, three].map(({ id }) => remove(id)));
  });

  it('resets to fresh data behind the same port and credentials', async () => {
    const instance = await host.create('shop', 'reset-me');
    await execute(host, instance, 'delete from test');
    const { status, body } = await host.api<Instance>('POST', `/v1/instances/${instance.id}/reset`);
    assert.equal(status, 200);
    assert.deepEqual(
      [body.port, body.user, body.password, body.id, body.expiresAt],
      [instance.port, instance.user, instance.password, instance.id, instance.expiresAt],
    );
    assert.deepEqual(await names(host, instance), ['alice', 'bob']);
    await remove(instance.id);
  });

  it('resets to the latest version when asked to, and stays with its own otherwise', async () => {
    await host.importDump('moving', people);
    const instance = await host.create('moving', 'm');
    await host.importDump('moving', people.replace('bob', 'barbara'));
    await host.api('POST', `/v1/instances/${instance.id}/reset`);
    assert.deepEqual(await names(host, instance), ['alice', 'bob']);
    const { body } = await host.api<Instance>('POST', `/v1/instances/${instance.id}/reset`, {
      body: { version: 'latest' },
    });
    assert.notEqual(body.version, instance.version);
    assert.deepEqual(await names(host, instance), ['alice', 'barbara']);
    await remove(instance.id);
  });

  it('cuts the connections of an instance that is reset', async () => {
    const instance = await host.create('shop', 'cut');
    const connection = await host.connect(instance);
    connection.on('error', () => undefined);
    await host.api('POST', `/v1/instances/${instance.id}/reset`);
    await assert.rejects(connection.query('select 1'));
    connection.destroy();
    await remove(instance.id);
  });

  it('frees container, port, run directory and snapshot when one is deleted', async () => {
    const before = await host.census();
    const instance = await host.create('shop', 'gone');
    const { status, text } = await host.api('DELETE', '/v1/instances/shop%2Fgone');
    assert.deepEqual([status, text], [204, '']);
    assert.deepEqual(await host.census(), before);
    const socket = connectSocket(instance.port, '127.0.0.1');
    const [error] = (await once(socket, 'error').catch((thrown: unknown) => [thrown])) as [{ code: string }];
    assert.equal(error.code, 'ECONNREFUSED');
    assert.equal((await host.api('GET', `/v1/instances/${instance.id}`)).status, 404);
  });

  it('deletes an instance within seconds of the end of its lease, and never one that never ends', async () => {
    const lasting = await host.create('shop', 'lasting', { ttl: 'never' });
    assert.equal(lasting.expiresAt, null);
    const events = await host.watch();
    const brief = await host.create('shop', 'brief', { ttl: 2 });
    await events.until((event) => event.type === 'instance-deleted' && event.name === 'brief');
    assert.ok(Date.now() - Date.parse(brief.expiresAt ?? '') < 5000);
    assert.equal((await host.api('GET', `/v1/instances/${lasting.id}`)).status, 200);
    await remove(lasting.id);
  });

  it('extends a lease, ends it never, and protects', async () => {
    const { id } = await host.create('shop', 'extend', { ttl: '1h' });
    const patch = (body: unknown) => host.api<Instance>('PATCH', `/v1/instances/${id}`, { body });
    const week = await patch({ ttl: '7d' });
    assert.ok(Date.parse(week.body.expiresAt ?? '') > Date.now() + 6.9 * 86_400_000);
    assert.equal((await patch({ ttl: 'never' })).body.expiresAt, null);
    const at = new Date(Date.now() + 3_600_000).toISOString();
    assert.equal((await patch({ expiresAt: at })).body.expiresAt, at);
    assert.equal((await patch({ protected: true })).body.protected, true);
    const refused = await host.api<ErrorBody>('DELETE', `/v1/instances/${id}`);
    assert.deepEqual([refused.status, refused.body.error.code], [409, 'MYAAS_INSTANCE_PROTECTED']);
    await patch({ protected: false });
    assert.equal((await host.api('DELETE', `/v1/instances/${id}`)).status, 204);
  });

  it('does not let root in without a password through the port', async () => {
    const instance = await host.create('shop', 'closed');
    const { host: address, port } = instance;
    for (const user of ['root', '', 'mysql', 'mariadb.sys', instance.user]) {
      await assert.rejects(
        mysql.createConnection({ host: address, port, user, password: '' }),
        /Access denied/,
        user,
      );
    }
    await remove(instance.id);
  });

  it('starts a server again that died, on its data', async () => {
    const instance = await host.create('shop', 'dies');
    await execute(host, instance, "insert into test values (3, 'carol')");
    const [container] = await host.docker.list(instance.id);
    assert.ok(container);
    const events = await host.watch();
    await host.docker.remove(container.containerId);
    await events.until((event) => event.type === 'instance' && event.instance.state === 'ready');
    assert.deepEqual(await names(host, instance), ['alice', 'bob', 'carol']);
    await remove(instance.id);
  });

  it('starts servers although the namespace they share has died', async () => {
    const instance = await host.create('shop', 'shared');
    const namespace = (await host.docker.list()).find(({ role }) => role === 'namespace');
    assert.ok(namespace);
    const [server] = await host.docker.list(instance.id);
    assert.ok(server);
    const events = await host.watch();
    await host.docker.remove(namespace.containerId);
    await host.docker.remove(server.containerId);
    await events.until((event) => event.type === 'instance' && event.instance.state === 'ready');
    assert.deepEqual(await names(host, instance), ['alice', 'bob']);
    await remove(instance.id);
  });

  describe('when processes come and go', () => {
    it('keeps connections, ports and credentials over a restart of serve', async () => {
      const instance = await host.create('shop', 'over-serve');
      const connection = await host.connect(instance);
      await host.serve.stop();
      await connection.query('select 1');
      assert.deepEqual(await names(host, instance), ['alice', 'bob']);
      await host.serve.start();
      await connection.query('select 1');
      connection.destroy();
      const { body } = await host.api<Instance>('GET', `/v1/instances/${instance.id}`);
      assert.deepEqual([body.port, body.password, body.state], [instance.port, instance.password, 'ready']);
      await remove(instance.id);
    });

    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      it(`lets a query and a transaction go on while one serve ends by ${signal} and the next takes over`, async () => {
        const instance = await host.create('shop', 'over-upgrade');
        const [holder, worker] = [await host.connect(instance), await host.connect(instance)];
        await holder.query("do get_lock('held', 0)");
        await worker.query("begin; insert into test values (3, 'carol')");
        // It runs until the other lets go, which is when another daemon serves.
        const running = worker.query<RowDataPacket[]>("select get_lock('held', 3600) as got");
        await host.serve.stop(signal);
        await host.serve.start();
        await holder.query("do release_lock('held')");
        const [[row]] = await running;
        assert.equal(row?.['got'], 1);
        await worker.query('commit');
        assert.deepEqual(await names(host, instance), ['alice', 'bob', 'carol']);
        for (const connection of [holder, worker]) connection.destroy();
        await remove(instance.id);
      });
    }

    it('serves under a umask that lets nobody else in', async () => {
      await host.serve.stop();
      const umask = process.umask(0o077);
      try {
        await host.serve.start();
      } finally {
        process.umask(umask);
      }
      const instance = await host.create('shop', 'umask');
      assert.deepEqual(await names(host, instance), ['alice', 'bob']);
      await remove(instance.id);
    });

    it('brings everything back after a restart of the host: containers gone, registry there', async () => {
      const instance = await host.create('shop', 'over-host');
      await execute(host, instance, "insert into test values (3, 'carol')");
      await host.serve.stop('SIGKILL');
      await host.gate.stop('SIGKILL');
      for (const { containerId } of await host.docker.list()) await host.docker.remove(containerId);
      await host.serve.start();
      await host.gate.start();
      // The gate holds this client until the server is up.
      assert.deepEqual(await names(host, instance), ['alice', 'bob', 'carol']);
      await remove(instance.id);
    });

    it('removes what expired while the daemon was down', async () => {
      const instance = await host.create('shop', 'expired', { ttl: 1 });
      await host.serve.stop();
      const left = Date.parse(instance.expiresAt ?? '') - Date.now();
      if (left > 0) await new Promise((resolve) => setTimeout(resolve, left));
      await host.serve.start();
      const events = await host.watch();
      if ((await host.api('GET', `/v1/instances/${instance.id}`)).status !== 404) {
        await events.until((event) => event.type === 'instance-deleted');
      }
      assert.equal((await host.api('GET', `/v1/instances/${instance.id}`)).status, 404);
    });

    it('undoes what a kill in the middle of a create has left half-made', async () => {
      const before = await host.census();
      const events = await host.watch();
      const create = host.create('shop', 'half').catch((error: unknown) => error);
      await events.until((event) => event.type === 'instance');
      await host.serve.stop('SIGKILL');
      await create;
      await host.serve.start();
      assert.deepEqual(await host.census(), before);
    });
  });
});
