import assert from 'node:assert/strict';
import { mkdir, rm } from 'node:fs/promises';
import { execa } from 'execa';
import type { ErrorBody } from '../../daemon/contract/contract.ts';
import type { Instance } from '../../daemon/contract/instances.ts';
import { diskSpace, makeFilesystem, mountFile, syncFilesystem, unmount } from '../../daemon/drivers/btrfs.ts';
import { startHost, type TestHost } from '../support/daemon.ts';
import { smallDisk } from '../support/small-disk.ts';

const outerSizeBytes = 3000 * 2 ** 20;
const innerSizeBytes = 2500 * 2 ** 20;

describe('a disk that fails, and has become read-only by that', function () {
  this.timeout(300_000);
  /** Holds the file of the other, which is sparse: when that can't grow any more, writing to the disk in it fails. */
  let outer: Awaited<ReturnType<typeof smallDisk>>;
  let inner: string;
  let filling: string;
  let host: TestHost;
  let instance: Instance;

  before(async () => {
    outer = await smallDisk(outerSizeBytes);
    [inner, filling] = [`${outer.path}/inner`, `${outer.path}/filling`];
    await mkdir(inner);
    await mkdir(filling);
    await makeFilesystem(`${outer.path}/disk`, innerSizeBytes);
    await mountFile(`${outer.path}/disk`, inner);
    host = await startHost({ MYAAS_BASE_DIR: `${inner}/host` });
    await host.importDump('shop', 'create table t (a int primary key); insert into t values (1), (2);');
    instance = await host.create('shop', 'stays', { ttl: 'never' });
    // It is mapped here, too.
    host.registry.close();
    await syncFilesystem(inner);
    await breakDown();
  });
  after(async () => {
    await takeDown();
    await unmount(inner);
    await outer[Symbol.asyncDispose]();
    await rm(host.config.runDir, { recursive: true });
  });

  /** The kernel makes a btrfs read-only when it can't commit. */
  async function breakDown(): Promise<void> {
    const { freeBytes } = await diskSpace(outer.path);
    for (let sizeBytes = freeBytes; sizeBytes >= 4096; sizeBytes = Math.floor(sizeBytes / 2)) {
      const file = `${filling}/${String(sizeBytes)}`;
      await execa('fallocate', ['--length', String(sizeBytes), file], { reject: false });
    }
    await syncFilesystem(outer.path);
    for (let isReadOnly = false, name = 0; !isReadOnly; name++) {
      const { failed } = await execa('mkdir', [`${inner}/${String(name)}`], { reject: false });
      isReadOnly = failed;
      await execa('btrfs', ['filesystem', 'sync', inner], { reject: false });
    }
  }

  /** All that has a file of it open. */
  async function takeDown(): Promise<void> {
    await host.serve.stop();
    await host.gate.stop();
    for (const { containerId } of await host.docker.list()) await host.docker.remove(containerId);
  }

  it('has nothing changed that is not on it, and says why, as long as the kernel lets the daemon live', async () => {
    const path = `/v1/instances/${instance.id}`;
    for (const [method, to, body] of [
      ['POST', '/v1/instances', { template: 'shop', name: 'more' }],
      ['PATCH', path, { ttl: '3d' }],
      ['POST', `${path}/reset`, undefined],
      ['DELETE', path, undefined],
    ] as const) {
      // Who maps a file of such a disk may be ended by SIGBUS, and SQLite does.
      const ended = host.serve.exit.then(() => undefined);
      const answer = await Promise.race([
        host.api<ErrorBody>(method, to, { body }).catch(() => ended),
        ended,
      ]);
      if (answer) assert.deepEqual([answer.status, answer.body.error.code], [503, 'MYAAS_DISK_FAILED']);
    }
  });

  it('has lost nothing when it is mounted again, and all goes on', async () => {
    await takeDown();
    await unmount(inner);
    await rm(filling, { recursive: true });
    await mountFile(`${outer.path}/disk`, inner);
    await host.serve.start();
    await host.gate.start();
    const connection = await host.connect(instance);
    assert.deepEqual((await connection.query('select count(*) as n from t'))[0], [{ n: 2 }]);
    await connection.end();
    await host.create('shop', 'more');
    assert.equal((await host.api('DELETE', `/v1/instances/${instance.id}`)).status, 204);
  });
});
