/** Somebody else's hand on containers, data and registry: what is ours is mended, what is not is left alone. */
import assert from 'node:assert/strict';
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { DatabaseSync } from 'node:sqlite';
import type { RowDataPacket } from 'mysql2/promise';
import type { Instance } from '../../daemon/contract/instances.ts';
import type { Finding, Status } from '../../daemon/contract/status.ts';
import { createSubvolume, deleteSubvolume } from '../../daemon/drivers/btrfs.ts';
import { messageOf } from '../../daemon/errors/error.ts';
import { examine } from '../../daemon/host/doctor.ts';
import { Changes } from '../support/changes.ts';
import { startHost, type TestHost } from '../support/daemon.ts';
import { testImage, testPrefix } from '../support/machine.ts';
import { engineAt } from '../support/workshop.ts';
import { person } from './cli-process.ts';

const people = 'create table people (name varchar(32)); insert into people values ("alice"), ("bob");';

describe('reconcile', function () {
  this.timeout(300_000);
  let host: TestHost;

  before(async () => {
    host = await startHost();
    await host.importDump('shop', people);
  });
  after(() => host.stop());
  afterEach(async () => {
    const { instances } = (await host.api<{ instances: Instance[] }>('GET', '/v1/instances')).body;
    for (const { id } of instances) await host.api('DELETE', `/v1/instances/${id}?force=1`);
  });

  const restart = async (env: NodeJS.ProcessEnv = {}) => {
    await host.serve.stop();
    await host.serve.start(env);
  };
  const findings = async () => (await host.api<Status>('GET', '/v1/status')).body.reconciled.findings;
  const kindsOf = (found: readonly Finding[]) => found.map(({ kind, outcome }) => `${kind} ${outcome}`);
  const clone = ({ id }: Instance) => host.registry.instance(id)?.clone ?? '';

  /** Who is in the table, once the server answers. */
  async function names(instance: Instance): Promise<string[]> {
    using changes = await Changes.follow(host);
    let found: string[] = [];
    const wrong = await changes.until(async () => {
      try {
        const connection = await host.connect(instance);
        connection.on('error', () => undefined);
        try {
          const [rows] = await connection.query<RowDataPacket[]>('select name from people order by name');
          found = rows.map(({ name }) => String(name));
          return undefined;
        } finally {
          connection.destroy();
        }
      } catch (error) {
        return messageOf(error);
      }
    });
    assert.equal(wrong, undefined, host.serve.log);
    return found;
  }

  async function insert(instance: Instance, name: string): Promise<void> {
    const connection = await host.connect(instance);
    await connection.query('insert into people values (?)', [name]);
    connection.destroy();
  }

  it('makes a container anew that somebody has removed, on the data it had', async () => {
    const instance = await host.create('shop', 'contained');
    await insert(instance, 'carol');
    for (const { containerId } of await host.docker.list(clone(instance)))
      await host.docker.remove(containerId);
    assert.deepEqual(await names(instance), ['alice', 'bob', 'carol']);
  });

  it('starts a server anew whose run directory somebody has removed', async () => {
    const instance = await host.create('shop', 'running');
    await insert(instance, 'carol');
    await rm(host.paths.run(clone(instance)), { recursive: true });
    await restart();
    assert.deepEqual(await names(instance), ['alice', 'bob', 'carol']);
    assert.ok(kindsOf(await findings()).includes('server-adrift mended'));
  });

  it('starts servers where their data is when the base directory is mounted elsewhere', async () => {
    const [awake, asleep] = [await host.create('shop', 'awake'), await host.create('shop', 'asleep')];
    await Promise.all([awake, asleep].map((each) => insert(each, 'carol')));
    await host.api('POST', `/v1/instances/${asleep.id}/sleep`);
    const { baseDir } = host.config;
    const elsewhere = `${baseDir}-elsewhere`;
    for (const [from, to] of [
      [baseDir, elsewhere],
      [elsewhere, baseDir],
    ] as const) {
      await host.serve.stop();
      await rename(from, to);
      await host.serve.start({ MYAAS_BASE_DIR: to });
      using changes = await Changes.follow(host);
      const wrong = await changes.until(async () => {
        const [server] = await host.docker.list(clone(awake));
        return server?.mounted.includes(`${to}/data/instances/${clone(awake)}`)
          ? undefined
          : 'at its old place';
      });
      assert.equal(wrong, undefined, host.serve.log);
      for (const instance of [awake, asleep])
        assert.deepEqual(await names(instance), ['alice', 'bob', 'carol']);
      const fresh = await host.create('shop', 'fresh');
      assert.deepEqual(await names(fresh), ['alice', 'bob']);
      await host.api('DELETE', `/v1/instances/${fresh.id}`);
    }
  });

  it('gives an instance up, with the reason, whose data somebody has removed; a reset brings it back', async () => {
    const instance = await host.create('shop', 'hollow');
    await host.serve.stop();
    await deleteSubvolume(`${host.paths.instance(clone(instance))}/datadir`);
    await host.serve.start();
    const { body } = await host.api<Instance>('GET', `/v1/instances/${instance.id}`);
    assert.equal(body.state, 'failed');
    assert.match(body.failure ?? '', /is not there any more.*Reset it/);
    await host.api('POST', `/v1/instances/${instance.id}/reset`);
    assert.deepEqual(await names(instance), ['alice', 'bob']);
  });

  it('leaves alone, and tells, whatever is not of its making', async () => {
    const { paths, docker } = host;
    const engine = engineAt(host.config.dockerHost);
    const foreign = await engine.createContainer({
      Image: testImage(),
      Cmd: ['true'],
      name: `${testPrefix()}-server-mine`,
    });
    await createSubvolume(`${paths.instances}/keep`);
    await writeFile(`${paths.instances}/backup.tar`, '');
    await mkdir(`${paths.templates}/shop/20200101T000000Z/received`, { recursive: true });
    try {
      await restart();
      const kept = (await findings()).filter(({ outcome }) => outcome === 'kept');
      assert.deepEqual(kept.map(({ subject }) => subject).sort(), [
        'data/instances/backup.tar',
        'data/instances/keep',
        'data/templates/shop/20200101T000000Z',
      ]);
      assert.ok(kept.every(({ remedy }) => remedy !== ''));
      const { stdout } = await person(host).run('status');
      assert.match(stdout, /^data +.*3 left as it is; compared/m);
      assert.match(stdout, /^data\/instances\/keep: not of our making.* Move it elsewhere\.$/m);
      const told = (await examine(host.config)).find(({ name }) => name === 'registry, Docker and disk');
      assert.ok(told?.result === 'warning');
      assert.match(told.remedy, /^Move it elsewhere.* "myaas status" has 2 more\.$/);
      await foreign.inspect();
      assert.deepEqual((await readdir(paths.instances)).sort(), ['backup.tar', 'keep']);
      assert.deepEqual(await readdir(`${paths.templates}/shop/20200101T000000Z`), ['received']);
      assert.equal((await docker.list()).filter(({ role }) => role === 'server').length, 0);
    } finally {
      await foreign.remove();
      await deleteSubvolume(`${paths.instances}/keep`);
      await rm(`${paths.instances}/backup.tar`);
      await rm(`${paths.templates}/shop/20200101T000000Z`, { recursive: true });
    }
  });

  it('loses nothing when an old registry is put back', async () => {
    const { paths } = host;
    const gone = await host.create('shop', 'deleted-since');
    using copied = new DatabaseSync(paths.registry);
    copied.exec(`vacuum into '${paths.registry}.old'`);
    await host.api('DELETE', `/v1/instances/${gone.id}`);
    const unknown = await host.create('shop', 'made-since');
    await insert(unknown, 'carol');
    const unknownClone = clone(unknown);
    await host.serve.stop();
    for (const file of ['', '-wal', '-shm']) {
      await rename(`${paths.registry}${file}`, `${paths.registry}${file}.new`).catch(() => undefined);
    }
    await rename(`${paths.registry}.old`, paths.registry);
    await host.serve.start();

    const { body } = await host.api<Instance>('GET', `/v1/instances/${gone.id}`);
    assert.equal(body.state, 'failed');
    const told = (await findings()).find(({ kind }) => kind === 'unknown-data');
    assert.equal(told?.subject, `data/instances/${unknownClone}`);
    assert.match(told.detail, /shop\/made-since/);
    assert.ok((await readdir(paths.instances)).includes(unknownClone));
    assert.deepEqual(await host.docker.list(unknownClone), []);
  });
});
