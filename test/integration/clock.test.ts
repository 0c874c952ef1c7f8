/** What becomes of leases when somebody sets the clock. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { MyaasEvent } from '../../daemon/contract/contract.ts';
import type { Instance } from '../../daemon/contract/instances.ts';
import type { Finding, Status } from '../../daemon/contract/status.ts';
import type { Template } from '../../daemon/contract/templates.ts';
import { startHost, type TestHost } from '../support/daemon.ts';

const dayMs = 86_400_000;

describe('when the clock is set', function () {
  this.timeout(180_000);
  let host: TestHost;

  before(async () => {
    host = await startHost();
    await host.importDump('shop', 'create table t (n int); insert into t values (1);');
  });
  after(() => host.stop());

  /** How far the daemon's clock is off. */
  const setClock = (offMs: number) => writeFile(`${host.config.baseDir}/clock`, String(offMs));
  const restart = async (offMs: number) => {
    await host.serve.stop();
    await setClock(offMs);
    await host.serve.start({
      NODE_OPTIONS: `--import=${join(import.meta.dirname, '../support/set-clock.ts')}`,
      TEST_CLOCK_FILE: `${host.config.baseDir}/clock`,
    });
  };
  const look = ({ id }: Instance) => host.api<Instance>('GET', `/v1/instances/${id}`);
  const leaps = async (): Promise<readonly Finding[]> => {
    const { findings } = (await host.api<Status>('GET', '/v1/status')).body.reconciled;
    return findings.filter(({ kind }) => kind === 'clock-leapt');
  };
  const isEnd = (name: string) => (event: MyaasEvent) =>
    event.type === 'instance-deleted' && event.name === name;
  const remove = ({ id }: Instance) => host.api('DELETE', `/v1/instances/${id}`);

  it('a day forward while the daemon runs, nothing is deleted at once, and nothing at all when it is set back', async () => {
    await restart(0);
    const instance = await host.create('shop', 'forward', { ttl: '1h' });
    await setClock(dayMs);
    // Whatever is asked for makes the daemon look at the clock.
    const other = await host.create('shop', 'other', { ttl: '1h' });
    assert.equal((await look(instance)).status, 200);
    const [told] = await leaps();
    assert.match(told?.detail ?? '', /1440 minutes forward.* deleted at /);
    assert.equal(told?.outcome, 'kept');
    await setClock(0);
    await remove(other);
    assert.deepEqual(await leaps(), []);
    const { status, body } = await look(instance);
    assert.deepEqual([status, body.expiresAt], [200, instance.expiresAt]);
    await remove(instance);
  });

  it('a day back, leases last as much longer, new ones end as they should, and the next version is the newest', async () => {
    await restart(0);
    const instance = await host.create('shop', 'back', { ttl: '1h' });
    await setClock(-dayMs);
    const events = await host.watch();
    await host.create('shop', 'brief', { ttl: 2 });
    await events.until(isEnd('brief'));
    const { status, body } = await look(instance);
    assert.deepEqual([status, body.expiresAt], [200, instance.expiresAt]);
    await host.importDump('shop', 'create table t (n int); insert into t values (2);');
    const { current } = (await host.api<Template>('GET', '/v1/templates/shop')).body;
    const fresh = await host.create('shop', 'fresh');
    assert.equal(fresh.version, current);
    assert.notEqual(fresh.version, instance.version);
    await Promise.all([instance, fresh].map(remove));
  });

  it('while the daemon is down, it is believed: a day back keeps all, a day forward ends leases', async () => {
    await restart(0);
    const brief = await host.create('shop', 'brief', { ttl: '1h' });
    const lasting = await host.create('shop', 'lasting', { ttl: 'never' });
    await restart(-dayMs);
    assert.equal((await look(brief)).status, 200);
    await restart(dayMs);
    const events = await host.watch();
    if ((await look(brief)).status !== 404) await events.until(isEnd('brief'));
    assert.equal((await look(brief)).status, 404);
    assert.equal((await look(lasting)).status, 200);
    await remove(lasting);
  });
});
