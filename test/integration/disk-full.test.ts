import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { execa } from 'execa';
import type { ErrorBody } from '../../daemon/contract/contract.ts';
import type { Instance } from '../../daemon/contract/instances.ts';
import { diskSpace, syncFilesystem } from '../../daemon/drivers/btrfs.ts';
import { startHost, type Answer, type TestHost } from '../support/daemon.ts';
import { smallDisk } from '../support/small-disk.ts';

const mib = 2 ** 20;
const diskSizeBytes = 2500 * mib;
const dump = 'create table t (a int primary key); insert into t values (1), (2), (3);';
const manyChanges = 50;

/** Takes all that there is of a disk for data, to the last block. */
async function fillData(path: string): Promise<void> {
  await mkdir(`${path}/filling`, { recursive: true });
  for (let sizeBytes = 256 * mib; sizeBytes >= 4096;) {
    const file = `${path}/filling/${randomUUID()}`;
    const { failed } = await execa('fallocate', ['--length', String(sizeBytes), file], { reject: false });
    if (failed) sizeBytes /= 2;
  }
  await syncFilesystem(path);
}

describe('a disk that is full to the last block', function () {
  this.timeout(300_000);
  let disk: Awaited<ReturnType<typeof smallDisk>>;
  let host: TestHost;
  let instances: Instance[];

  before(async () => {
    disk = await smallDisk(diskSizeBytes);
    host = await startHost({ MYAAS_BASE_DIR: `${disk.path}/host` });
    await host.importDump('shop', dump);
    instances = [];
    for (const name of ['a', 'b', 'stays']) instances.push(await host.create('shop', name, { ttl: 'never' }));
    await fillData(disk.path);
  });
  after(async () => {
    await host.stop();
    await disk[Symbol.asyncDispose]();
  });

  const next = (): Instance => {
    const instance = instances.shift();
    assert.ok(instance);
    return instance;
  };
  const deleteOne = async (): Promise<void> => {
    const { id } = next();
    const { status, text } = await host.api('DELETE', `/v1/instances/${id}`);
    assert.equal(status, 204, `${text}\n${host.serve.log}`);
    assert.equal((await host.api('GET', `/v1/instances/${id}`)).status, 404);
  };
  it('takes no new instance, says why, and nothing is left of it', async () => {
    assert.equal((await diskSpace(disk.path)).freeBytes, 0);
    const before = await host.census();
    const body = { template: 'shop', name: 'more' };
    const answer = await host.api<ErrorBody>('POST', '/v1/instances', { body });
    assert.deepEqual([answer.status, answer.body.error.code], [507, 'MYAAS_DISK_FULL'], answer.text);
    assert.match(answer.body.error.message, /Only 0 MiB are free/);
    assert.deepEqual(await host.census(), before);
  });

  it('lets the instances that are there be used and changed', async () => {
    const [instance] = instances;
    assert.ok(instance);
    const connection = await host.connect(instance);
    assert.deepEqual((await connection.query('select count(*) as n from t'))[0], [{ n: 3 }]);
    await connection.end();
    for (let count = 1; count <= manyChanges; count++) {
      const body = { ttl: `${String(count)}d` };
      const changed: Answer = await host.api('PATCH', `/v1/instances/${instance.id}`, { body });
      assert.equal(changed.status, 200, changed.text);
    }
  });

  it('lets instances be deleted', async () => {
    await deleteOne();
  });

  it('lets instances be deleted by a daemon that was killed on it and started again', async () => {
    // Others would have taken what the last one has freed.
    await fillData(disk.path);
    await host.serve.stop('SIGKILL');
    await host.serve.start();
    await deleteOne();
  });

  it('serves again as soon as there is room', async () => {
    await rm(`${disk.path}/filling`, { recursive: true });
    await syncFilesystem(disk.path);
    const fresh = await host.create('shop', 'again');
    for (const instance of [fresh, next()]) {
      const connection = await host.connect(instance);
      await connection.query('insert into t values (4)');
      await connection.end();
    }
    const { rows, containers, directories } = await host.census();
    assert.deepEqual([rows.length, containers.length, directories.length], [2, 2, 2]);
  });
});
