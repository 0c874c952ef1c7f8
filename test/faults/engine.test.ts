/** What becomes of MyAAS while Docker Engine hangs or dies, and of what the engine forgets when it does. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { access, mkdir, mkdtemp, rmdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { readConfig } from '../../daemon/config.ts';
import type { ErrorBody } from '../../daemon/contract/contract.ts';
import type { Instance } from '../../daemon/contract/instances.ts';
import { endLost } from '../../daemon/drivers/lost-processes.ts';
import { MyaasError } from '../../daemon/errors/error.ts';
import { Changes } from '../support/changes.ts';
import { startHost, type Answer, type TestHost } from '../support/daemon.ts';
import { testImage } from '../support/machine.ts';
import { engineAt } from '../support/workshop.ts';
import { Engine } from './engine.ts';
import { leaks } from './leaks.ts';

/** What has not failed by then hangs as Docker does. */
const patienceMs = 60_000;

describe('when Docker Engine', function () {
  this.timeout(240_000);
  let engine: Engine;
  let host: TestHost;

  before(async () => {
    engine = new Engine(await mkdtemp(`${tmpdir()}/engine-`));
    await engine.start();
    await engine.copyImage(testImage(), engineAt(readConfig().dockerHost));
    host = await startHost({
      MYAAS_DOCKER_HOST: engine.host,
      MYAAS_DOCKER_TIMEOUT: '5',
      MYAAS_SLEEP_AFTER: 'never',
    });
    await host.importDump('shop', 'create table t (n int); insert into t values (1), (2);');
  });
  after(() => host.stop().finally(() => engine[Symbol.asyncDispose]()));

  const ask = (method: string, path: string, body?: unknown): Promise<Answer<Instance>> =>
    host.api(method, path, { body, signal: AbortSignal.timeout(patienceMs) });
  const rowsOf = async (instance: Instance): Promise<number> => {
    const connection = await host.connect(instance);
    try {
      const [rows] = await connection.query('select n from t');
      return (rows as unknown[]).length;
    } finally {
      connection.destroy();
    }
  };

  it('hangs, what needs it fails in time, the rest goes on, and all works when it goes on', async () => {
    const [used, spent, tired] = await Promise.all(
      ['used', 'spent', 'tired'].map((name) => host.create('shop', name)),
    );
    assert.ok(used && spent && tired);
    assert.equal((await ask('POST', `/v1/instances/${tired.id}/sleep`)).status, 200);
    const session = await host.connect(used);
    engine.hang();
    try {
      const refused = Promise.all([
        ask('POST', '/v1/instances', { template: 'shop', name: 'late' }),
        ask('POST', `/v1/instances/${spent.id}/reset`),
        ask('POST', `/v1/instances/${tired.id}/wake`),
      ]);
      await session.query('insert into t values (3)');
      assert.equal(await rowsOf(used), 3);
      assert.equal((await ask('GET', '/v1/instances')).status, 200);
      for (const answer of await refused) {
        const { error } = (answer as unknown as Answer<ErrorBody>).body;
        assert.deepEqual([answer.status, error.code], [503, 'MYAAS_DOCKER_UNAVAILABLE'], answer.text);
      }
      assert.equal(await rowsOf(spent), 2);
      await session.query('select 1');
    } finally {
      engine.goOn();
      session.destroy();
    }
    using changes = await Changes.follow(host);
    const {
      status,
      text,
      body: late,
    } = await ask('POST', '/v1/instances', { template: 'shop', name: 'later' });
    assert.equal(status, 201, text);
    assert.equal(await rowsOf(late), 2);
    assert.equal((await ask('POST', `/v1/instances/${spent.id}/reset`)).status, 200);
    assert.equal((await ask('POST', `/v1/instances/${tired.id}/wake`)).status, 200);
    assert.deepEqual(await Promise.all([used, spent, tired].map(rowsOf)), [3, 2, 2]);
    assert.equal(await changes.until(async () => (await leaks(host)).join('; ') || undefined), undefined);
  });

  it('is killed, who waits for the end of a container is told', async () => {
    const [namespace] = (await host.docker.list()).filter(({ role }) => role === 'namespace');
    const waiting = host.docker.wait(namespace?.containerId ?? '');
    waiting.catch(() => undefined);
    await host.docker.ping();
    await engine.kill();
    try {
      await assert.rejects(
        waiting,
        (error) => error instanceof MyaasError && error.code === 'MYAAS_DOCKER_UNAVAILABLE',
      );
    } finally {
      await engine.start();
    }
  });

  it('has forgotten a container that runs, its program ends before its remains are removed', async () => {
    const containerId = randomBytes(32).toString('hex');
    const groups = '/sys/fs/cgroup';
    const isUnified = await access(`${groups}/cgroup.procs`).then(
      () => true,
      () => false,
    );
    const group = `${groups}/${isUnified ? '' : 'pids/'}${containerId}`;
    await mkdir(group);
    const forgotten = spawn('sleep', ['infinity'], { stdio: 'ignore' });
    const ended = once(forgotten, 'exit');
    try {
      await writeFile(`${group}/cgroup.procs`, String(forgotten.pid));
      await endLost(containerId);
      assert.deepEqual(await ended, [null, 'SIGKILL']);
    } finally {
      forgotten.kill('SIGKILL');
      await rmdir(group);
    }
  });
});
