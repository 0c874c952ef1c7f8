import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { open } from 'node:fs/promises';
import { execa } from 'execa';
import type { Connection } from 'mysql2/promise';
import type { ErrorBody, MyaasEvent } from '../../daemon/contract/contract.ts';
import type { Instance } from '../../daemon/contract/instances.ts';
import type { Status } from '../../daemon/contract/status.ts';
import { diskSpace, syncFilesystem } from '../../daemon/drivers/btrfs.ts';
import { startHost, type TestHost } from '../support/daemon.ts';
import { testPrefix } from '../support/machine.ts';
import { smallDisk } from '../support/small-disk.ts';

const mib = 2 ** 20;
const diskSizeBytes = 3000 * mib;
const limitBytes = 192 * mib;
/** EDQUOT of Linux, for which Node has no name. */
const quotaExceeded = 122;
/** Docker Engine looks for all drivers in one place. */
const driver = `${testPrefix()}-limited`.toLowerCase();
const dump = `
  create table kept (a int primary key);
  insert into kept values (1), (2), (3);
  create table inno (a longblob) engine=InnoDB;
  create table aria (a longblob) engine=Aria;
`;

/** What the server says to it differs: an error, its end, or, while it waits for room, nothing. */
async function writeBomb(connection: Connection, statement: string): Promise<void> {
  for (;;) await connection.query(statement);
}

describe('an instance that writes without end', function () {
  this.timeout(180_000);
  let disk: Awaited<ReturnType<typeof smallDisk>>;
  let host: TestHost;

  before(async () => {
    disk = await smallDisk(diskSizeBytes);
    host = await startHost({
      MYAAS_BASE_DIR: `${disk.path}/host`,
      MYAAS_DISK_LIMIT: String(limitBytes),
      MYAAS_VOLUME_DRIVER: driver,
    });
    await host.importDump('shop', dump);
  });
  after(async () => {
    await host.stop();
    await disk[Symbol.asyncDispose]();
  });

  const shown = async ({ id }: Instance) => (await host.api<Instance>('GET', `/v1/instances/${id}`)).body;
  const isOver = (instance: Instance): boolean =>
    instance.state === 'failed' || (instance.disk?.full ?? false);

  it('is stopped by the kernel, where that has simple quotas', async () => {
    const { capacity } = (await host.api<Status>('GET', '/v1/status')).body;
    assert.deepEqual(capacity.diskLimit, { bytes: limitBytes, heldBy: 'kernel' });
  });

  for (const [what, name, statement] of [
    ['in small transactions', 'small', 'insert into inno select random_bytes(1024) from seq_1_to_10000'],
    ['in one large transaction', 'large', 'insert into inno select random_bytes(1024) from seq_1_to_5000000'],
    [
      'to a table whose engine waits for room',
      'aria',
      'insert into aria select random_bytes(1024) from seq_1_to_10000',
    ],
  ] as const) {
    it(`${what} takes its limit and no more, its owner is told, and neighbours go on`, async () => {
      const neighbour = await host.create('shop', `beside-${name}`);
      const instance = await host.create('shop', name);
      const { freeBytes } = await diskSpace(disk.path);
      const events = await host.watch();
      const told = events.until(
        (event: MyaasEvent) =>
          event.type === 'instance' && event.instance.id === instance.id && isOver(event.instance),
      );
      const bomber = await host.connect(instance);
      bomber.on('error', () => undefined);
      const bombing = writeBomb(bomber, statement).catch(() => undefined);
      await told;
      const query = await host.connect(neighbour);
      assert.deepEqual((await query.query('select count(*) as n from kept'))[0], [{ n: 3 }]);
      await query.query('insert into kept values (4)');
      await query.end();
      await syncFilesystem(disk.path);
      const takenBytes = freeBytes - (await diskSpace(disk.path)).freeBytes;
      // Metadata is there twice, and the neighbour has written, too.
      assert.ok(takenBytes < limitBytes + 64 * mib, `${String(takenBytes)} bytes are gone.`);
      assert.ok(!isOver(await shown(neighbour)));
      const { failure } = await shown(instance);
      if (failure !== undefined) assert.match(failure, /has written as much as one instance may, 192 MiB/);

      const reset = await host.api<Instance>('POST', `/v1/instances/${instance.id}/reset`);
      assert.deepEqual([reset.status, reset.body.state], [200, 'ready'], reset.text);
      bomber.destroy();
      await bombing;
      const fresh = await host.connect(instance);
      assert.deepEqual((await fresh.query(`select count(*) as n from inno`))[0], [{ n: 0 }]);
      await fresh.end();
      for (const { id } of [instance, neighbour])
        assert.equal((await host.api('DELETE', `/v1/instances/${id}`)).status, 204);
    });
  }

  it('in temporary tables gets an error, and goes on when they are gone', async () => {
    const instance = await host.create('shop', 'temporary');
    const connection = await host.connect(instance);
    try {
      const sort = 'select random_bytes(1000) as a from seq_1_to_600000 order by a';
      await assert.rejects(connection.query(sort));
      assert.deepEqual((await connection.query('select count(*) as n from kept'))[0], [{ n: 3 }]);
    } finally {
      connection.destroy();
    }
    await host.api('DELETE', `/v1/instances/${instance.id}`);
  });

  for (const [whose, options, mostBytes] of [
    ['that of instances', [], limitBytes],
    ['its own, when it has one', ['--opt', 'disk-limit=64m'], 64 * mib],
  ] as const) {
    it(`in a volume of Docker has a limit too: ${whose}`, async () => {
      const name = `volume-${String(mostBytes)}`;
      await execa('docker', [
        'volume',
        'create',
        '--driver',
        driver,
        '--opt',
        'template=shop',
        ...options,
        name,
      ]);
      try {
        const { stdout: data } = await execa('docker', [
          'volume',
          'inspect',
          '--format',
          '{{.Mountpoint}}',
          name,
        ]);
        let writtenBytes = 0;
        await using file = await open(`${data}/written`, 'w');
        const writing = async () => {
          for (; ; writtenBytes += mib) {
            await file.write(randomBytes(mib));
            await file.datasync();
          }
        };
        await assert.rejects(writing(), { errno: -quotaExceeded });
        assert.ok(
          writtenBytes > 0 && writtenBytes <= mostBytes,
          `${String(writtenBytes)} bytes were written.`,
        );
      } finally {
        await execa('docker', ['volume', 'rm', name]);
      }
    });
  }

  it('can be deleted although it hangs', async () => {
    const instance = await host.create('shop', 'hanging');
    const events = await host.watch();
    const told = events.until(
      (event: MyaasEvent) =>
        event.type === 'instance' && event.instance.id === instance.id && isOver(event.instance),
    );
    const bomber = await host.connect(instance);
    bomber.on('error', () => undefined);
    const bombing = writeBomb(bomber, 'insert into aria select random_bytes(1024) from seq_1_to_10000').catch(
      () => undefined,
    );
    await told;
    assert.equal((await host.api('DELETE', `/v1/instances/${instance.id}`)).status, 204);
    bomber.destroy();
    await bombing;
    const { status, body } = await host.api<ErrorBody>('GET', `/v1/instances/${instance.id}`);
    assert.deepEqual([status, body.error.code], [404, 'MYAAS_INSTANCE_NOT_FOUND']);
  });
});

describe('an instance that writes without end on a file system without quotas', function () {
  this.timeout(180_000);

  it('is stopped soon after it has exceeded its limit', async () => {
    await using disk = await smallDisk(diskSizeBytes);
    // Without a limit asked for, "myaas init" leaves the file system as it is.
    await using host = await startHost({ MYAAS_BASE_DIR: `${disk.path}/host` });
    await host.importDump('shop', dump);
    await host.serve.stop();
    await host.serve.start({ MYAAS_DISK_LIMIT: String(limitBytes) });
    const { capacity } = (await host.api<Status>('GET', '/v1/status')).body;
    assert.deepEqual(capacity.diskLimit, { bytes: limitBytes, heldBy: 'watch' });
    const instance = await host.create('shop', 'bomb');
    const events = await host.watch();
    const failed = events.until(
      (event) =>
        event.type === 'instance' && event.instance.id === instance.id && event.instance.state === 'failed',
    );
    const bomber = await host.connect(instance);
    bomber.on('error', () => undefined);
    const statement = 'insert into inno select random_bytes(1024) from seq_1_to_10000';
    await Promise.all([failed, assert.rejects(writeBomb(bomber, statement))]);
    const { body } = await host.api<Instance>('POST', `/v1/instances/${instance.id}/reset`);
    assert.equal(body.state, 'ready');
  });
});
