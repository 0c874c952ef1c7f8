import assert from 'node:assert/strict';
import type { RowDataPacket } from 'mysql2/promise';
import type { Instance } from '../../daemon/contract/instances.ts';
import { freePorts, startHost, type TestHost } from '../support/daemon.ts';

const people = `
create table test (id int primary key, name varchar(32));
insert into test values (1, 'alice'), (2, 'bob');
`;
const count = 50;

async function countRows(host: TestHost, instance: Instance): Promise<number> {
  const connection = await host.connect(instance);
  try {
    const [[row]] = await connection.query<RowDataPacket[]>('select count(*) as n from test');
    return Number(row?.['n']);
  } finally {
    connection.destroy();
  }
}

describe('many at once', function () {
  let host: TestHost;

  before(async () => {
    const from = await freePorts(2 * count);
    host = await startHost({
      MYAAS_PORTS: `${String(from)}-${String(from + 2 * count - 1)}`,
      MYAAS_POOL: '2',
    });
    await host.importDump('shop', people);
  });
  after(() => host.stop());

  it(`answers ${String(count)} creates, mixed with resets and deletes of others, each with what it asked for`, async () => {
    const before = await Promise.all(
      [0, 1, 2, 3, 4, 5].map((each) => host.create('shop', `before-${String(each)}`)),
    );
    const [toReset, toDelete] = [before.slice(0, 3), before.slice(3)];
    for (const instance of toReset) {
      const connection = await host.connect(instance);
      await connection.query('delete from test');
      connection.destroy();
    }
    const [made, reset, deleted] = await Promise.all([
      Promise.all(Array.from({ length: count }, (_, each) => host.create('shop', `n${String(each)}`))),
      Promise.all(toReset.map(({ id }) => host.api('POST', `/v1/instances/${id}/reset`))),
      Promise.all(toDelete.map(({ id }) => host.api('DELETE', `/v1/instances/${id}`))),
    ]);
    assert.deepEqual(new Set(reset.map(({ status }) => status)), new Set([200]));
    assert.deepEqual(new Set(deleted.map(({ status }) => status)), new Set([204]));
    assert.equal(new Set(made.map(({ port }) => port)).size, count);
    assert.equal(new Set(made.map(({ password }) => password)).size, count);
    for (const instance of [...made, ...toReset])
      assert.equal(await countRows(host, instance), 2, instance.name);

    const gone = await Promise.all(
      [...made, ...toReset].map(({ id }) => host.api('DELETE', `/v1/instances/${id}`)),
    );
    assert.ok(gone.every(({ status }) => status === 204));
    await host.serve.stop();
    const { rows, directories } = await host.census();
    const spares = host.registry.spares.list().map(({ id }) => id);
    assert.deepEqual([rows, directories, host.registry.spares.discarded()], [[], spares.sort(), []]);
    await host.serve.start();
  });

  it('gives one name to one of those who ask for it at once, and leaves nothing of the others', async () => {
    const answers = await Promise.all(
      Array.from({ length: 10 }, () =>
        host.api('POST', '/v1/instances', { body: { template: 'shop', name: 'same' } }),
      ),
    );
    assert.deepEqual(answers.map(({ status }) => status).sort(), [
      201,
      ...Array.from({ length: 9 }, () => 409),
    ]);
    assert.equal((await host.api('DELETE', '/v1/instances/shop%2Fsame')).status, 204);
  });
});
