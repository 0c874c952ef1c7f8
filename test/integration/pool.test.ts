import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectSocket } from 'node:net';
import type { RowDataPacket } from 'mysql2/promise';
import type { ErrorBody } from '../../daemon/contract/contract.ts';
import type { Instance } from '../../daemon/contract/instances.ts';
import type { Status } from '../../daemon/contract/status.ts';
import type { Template } from '../../daemon/contract/templates.ts';
import { startHost, type TestHost } from '../support/daemon.ts';

const people = `
create table test (id int primary key, name varchar(32));
insert into test values (1, 'alice'), (2, 'bob');
`;

/** Waits until the pool of a template has as many spares as it should, and tells their version. */
async function filled(host: TestHost, template = 'shop', count?: number): Promise<string> {
  const isFull = ({ pool, current }: Template) =>
    current !== null && pool.making === 0 && pool.ready === (count ?? pool.target);
  const events = await host.watch();
  let state = (await host.api<Template>('GET', `/v1/templates/${template}`)).body;
  if (!isFull(state)) {
    const event = await events.until(
      (each) => each.type === 'template' && each.template.name === template && isFull(each.template),
    );
    state = (event as Extract<typeof event, { type: 'template' }>).template;
  }
  return state.current ?? '';
}

async function rows(host: TestHost, instance: Instance, sql: string): Promise<RowDataPacket[]> {
  const connection = await host.connect(instance);
  try {
    return (await connection.query<RowDataPacket[]>(sql))[0];
  } finally {
    connection.destroy();
  }
}

const names = async (host: TestHost, instance: Instance) =>
  (await rows(host, instance, 'select name from test order by id')).map((row) => String(row['name']));

const remove = (host: TestHost, { id }: Instance) => host.api('DELETE', `/v1/instances/${id}`);
const reset = (host: TestHost, { id }: Instance, body?: unknown) =>
  host.api<Instance>('POST', `/v1/instances/${id}/reset`, body === undefined ? {} : { body });

describe('the pool', function () {
  let host: TestHost;

  before(async () => {
    host = await startHost({ MYAAS_POOL: '1-2,cold=0' });
    await host.importDump('shop', people);
  });
  after(() => host.stop());

  it('hands out an instance that was there before it was asked for, and makes another', async () => {
    await filled(host);
    const instance = await host.create('shop', 'claimed', { ttl: '8h' });
    assert.equal(instance.from, 'pool');
    assert.equal(instance.state, 'ready');
    assert.deepEqual(await names(host, instance), ['alice', 'bob']);
    await filled(host);
    const next = await host.create('shop', 'next');
    assert.equal(next.from, 'pool');
    assert.notEqual(next.password, instance.password);
    await assert.rejects(host.connect({ ...next, password: instance.password ?? '' }), /Access denied/);
    await Promise.all([remove(host, instance), remove(host, next)]);
  });

  it('makes directly what it has not, also without any pool', async () => {
    await host.importDump('cold', people);
    const instance = await host.create('cold', 'direct');
    assert.equal(instance.from, 'snapshot');
    assert.deepEqual(await names(host, instance), ['alice', 'bob']);
    await remove(host, instance);
  });

  it('hands out what nobody can tell from an instance made directly', async () => {
    await filled(host);
    const { body: template } = await host.api<Template>('GET', '/v1/templates/cold');
    const claimed = await host.create('shop', 'same');
    const direct = await host.create('cold', 'same');
    assert.deepEqual([claimed.from, direct.from], ['pool', 'snapshot']);
    assert.deepEqual(Object.keys(claimed), Object.keys(direct));
    assert.equal(claimed.createdAt.slice(0, 13), direct.createdAt.slice(0, 13));

    const inspected = async (instance: Instance) => {
      const [container] = await host.docker.list(
        host.registry.instance(instance.id)?.clone ?? assert.fail('It has no row.'),
      );
      const { Config, HostConfig } =
        (await host.docker.inspect(container?.containerId ?? '')) ?? assert.fail();
      // What differs is where its own files are, and of what template it is.
      const text = JSON.stringify({ Config, HostConfig }).replaceAll(/[0-9a-f]{12}/g, 'id');
      return text.replaceAll(/"(shop|cold)"/g, '"template"').replaceAll(/"Hostname":"\w+"/g, '');
    };
    assert.equal(await inspected(claimed), await inspected(direct));
    for (const sql of ['show grants', 'show global variables', 'show create user']) {
      const seen = async (instance: Instance) =>
        JSON.stringify(await rows(host, instance, sql))
          .replaceAll(/\*[0-9A-F]{40}/g, 'hash')
          .replaceAll(/"(timestamp|hostname|pid_file)","Value":"[^"]*"/g, '');
      assert.equal(await seen(claimed), await seen(direct), sql);
    }
    assert.equal(template.pool.target, 0);
    await Promise.all([remove(host, claimed), remove(host, direct)]);
  });

  it('keeps spares to itself: they are no instances, and no port leads to them', async () => {
    await filled(host);
    const { body } = await host.api<{ instances: Instance[] }>('GET', '/v1/instances');
    assert.deepEqual(body.instances, []);
    const { body: status } = await host.api<Status>('GET', '/v1/status');
    assert.ok(status.pool.ready > 0);
    assert.deepEqual([status.counts.instances, status.capacity.portsFree], [{}, status.capacity.portsTotal]);
    const socket = connectSocket(host.config.ports.from, '127.0.0.1');
    const [error] = (await once(socket, 'error').catch((thrown: unknown) => [thrown])) as [{ code: string }];
    assert.equal(error.code, 'ECONNREFUSED');
    assert.match((await host.api('GET', '/metrics')).text, /^myaas_pool\{state="ready"\} [12]$/m);
  });

  it('grows with demand up to its maximum', async () => {
    const made = await Promise.all(['a', 'b', 'c'].map((name) => host.create('shop', name)));
    await filled(host, 'shop', 2);
    await Promise.all(made.map((instance) => remove(host, instance)));
  });

  it('resets from the pool, behind the same port and credentials, and cuts connections', async () => {
    const instance = await host.create('shop', 'again', { ttl: '8h' });
    const connection = await host.connect(instance);
    connection.on('error', () => undefined);
    await connection.query('delete from test');
    await filled(host);
    const before = (await host.api<Status>('GET', '/v1/status')).body.pool.ready;
    const { status, body } = await reset(host, instance);
    assert.equal(status, 200);
    assert.ok((await host.api<Status>('GET', '/v1/status')).body.pool.ready < before);
    await assert.rejects(connection.query('select 1'));
    connection.destroy();
    assert.deepEqual(
      [body.id, body.port, body.user, body.password, body.expiresAt, body.createdAt],
      [instance.id, instance.port, instance.user, instance.password, instance.expiresAt, instance.createdAt],
    );
    assert.deepEqual(await names(host, instance), ['alice', 'bob']);
    assert.match((await host.api('GET', '/metrics')).text, /^myaas_reset_seconds_count\{from="pool"\} 1$/m);
    await remove(host, instance);
  });

  it('leaves nothing of the data that a reset replaced', async () => {
    await filled(host);
    const before = await host.census();
    const instance = await host.create('shop', 'often');
    for (let i = 0; i < 3; i++) assert.equal((await reset(host, instance)).status, 200);
    await remove(host, instance);
    await filled(host);
    const after = await host.census();
    assert.deepEqual(
      [after.rows, after.containers.length, after.directories.length, after.runDirectories.length],
      [before.rows, before.containers.length, before.directories.length, before.runDirectories.length],
    );
  });

  it('is replaced by a new version, whose data the next claim has', async () => {
    const former = await filled(host);
    await host.importDump('shop', people.replace('bob', 'barbara'));
    assert.notEqual(await filled(host), former);
    const instance = await host.create('shop', 'newer');
    assert.deepEqual([instance.from, await names(host, instance)], ['pool', ['alice', 'barbara']]);
    const older = await host.create('shop', 'older', { version: former });
    assert.deepEqual([older.from, await names(host, older)], ['snapshot', ['alice', 'bob']]);
    await filled(host);
    const { body } = await reset(host, older);
    assert.deepEqual([body.version, await names(host, older)], [former, ['alice', 'bob']]);
    assert.deepEqual((await reset(host, older, { version: 'latest' })).body.version, instance.version);
    assert.deepEqual(await names(host, older), ['alice', 'barbara']);
    await Promise.all([remove(host, instance), remove(host, older)]);
  });

  it('hands out no spare whose server has died', async () => {
    await filled(host);
    for (const { role, containerId } of await host.docker.list())
      if (role === 'server') await host.docker.remove(containerId);
    const instance = await host.create('shop', 'alive');
    assert.deepEqual(await names(host, instance), ['alice', 'barbara']);
    await remove(host, instance);
  });

  it('goes with its template', async () => {
    await host.importDump('brief', people);
    await filled(host, 'brief', 1);
    assert.equal((await host.api('DELETE', '/v1/templates/brief')).status, 204);
    const { directories } = await host.census();
    const spares = host.registry.spares.list();
    assert.ok(spares.every(({ template }) => template !== 'brief'));
    assert.ok(directories.length <= spares.length, directories.join());
  });

  describe('when the daemon comes and goes', () => {
    it('is still there after a restart, and hands out what was made before', async () => {
      await filled(host);
      const before = host.registry.spares.list().map(({ id }) => id);
      await host.serve.stop();
      await host.serve.start();
      const instance = await host.create('shop', 'kept');
      assert.equal(instance.from, 'pool');
      assert.ok(before.includes(host.registry.instance(instance.id)?.clone ?? ''));
      await remove(host, instance);
    });

    it('is made anew when the settings of servers have changed', async () => {
      await filled(host);
      await host.serve.stop();
      await host.serve.start({ MYAAS_MEMORY_LIMIT: '512m' });
      await filled(host);
      const instance = await host.create('shop', 'small');
      const [container] = await host.docker.list(host.registry.instance(instance.id)?.clone);
      const { HostConfig } = (await host.docker.inspect(container?.containerId ?? '')) ?? assert.fail();
      assert.equal(HostConfig.Memory, 512 * 2 ** 20);
      await remove(host, instance);
      await host.serve.stop();
      await host.serve.start();
      await filled(host);
    });

    it('loses nobody’s instance and leaks nothing, wherever a kill hits claims, resets and refills', async () => {
      await filled(host);
      const survivors = new Map<string, Instance>();
      for (let round = 0; round < 6; round++) {
        const asked = [0, 1, 2].map(async (each) => {
          const instance = await host.create('shop', `k${String(round)}-${String(each)}`);
          survivors.set(instance.id, instance);
          if (each === 0) await reset(host, instance);
        });
        const [first] = asked;
        // Some are answered, some are not: what the kill hits differs from round to round.
        const hits = [Promise.resolve(), first, Promise.any(asked), Promise.allSettled(asked)];
        await (hits[round % hits.length] as Promise<unknown>);
        await host.serve.stop('SIGKILL');
        await Promise.allSettled(asked);
        await host.serve.start();
      }
      await filled(host);
      for (const instance of survivors.values())
        assert.deepEqual(await names(host, instance), ['alice', 'barbara']);
      const { body } = await host.api<{ instances: Instance[] }>('GET', '/v1/instances');
      assert.ok(body.instances.every(({ state }) => state === 'ready'));
      await Promise.all(body.instances.map((instance) => remove(host, instance)));
      await filled(host);
      await host.serve.stop();
      const { rows: left, containers, directories, runDirectories } = await host.census();
      const spares = host.registry.spares
        .list()
        .map(({ id }) => id)
        .sort();
      assert.deepEqual([left, host.registry.spares.discarded()], [[], []]);
      assert.deepEqual(
        containers,
        spares.map((id) => `server ${id} running`),
      );
      assert.deepEqual([directories, runDirectories], [spares, spares]);
      await host.serve.start();
    });
  });

  describe('when the host has no memory left', () => {
    const none = { MYAAS_MEMORY_RESERVE: '1000t' };

    it('gives up its spares; what can’t be borne is refused, and what is there goes on', async () => {
      const instance = await host.create('shop', 'there');
      const connection = await host.connect(instance);
      await host.serve.stop();
      await host.serve.start(none);
      await filled(host, 'shop', 0);
      const refused = await host.api<ErrorBody>('POST', '/v1/instances', {
        body: { template: 'shop', name: 'refused' },
      });
      assert.deepEqual([refused.status, refused.body.error.code], [507, 'MYAAS_MEMORY_FULL']);
      assert.match(refused.body.error.hint, /myaas sleep/);
      await connection.query('insert into test values (3, "carol")');
      connection.destroy();

      const failed = await host.api<ErrorBody>('POST', `/v1/instances/${instance.id}/reset`);
      assert.deepEqual([failed.status, failed.body.error.code], [507, 'MYAAS_MEMORY_FULL']);
      assert.deepEqual(
        await names(host, instance),
        ['alice', 'barbara', 'carol'],
        'a failed reset changes nothing',
      );
      const { body } = await host.api<{ instances: Instance[] }>('GET', '/v1/instances');
      assert.deepEqual(
        body.instances.map(({ name, state }) => [name, state]),
        [['there', 'ready']],
      );
      await host.serve.stop();
      await host.serve.start();
      await filled(host);
      await remove(host, instance);
    });
  });
});
