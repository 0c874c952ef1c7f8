import assert from 'node:assert/strict';
import type { AuditEntry } from '../../daemon/contract/audit.ts';
import type { ErrorBody } from '../../daemon/contract/contract.ts';
import type { Instance } from '../../daemon/contract/instances.ts';
import { startHost, type Answer, type TestHost } from '../support/daemon.ts';
import { smallDisk } from '../support/small-disk.ts';
import { person } from './cli-process.ts';

const day = 86_400;
const mib = 2 ** 20;

describe('what a user may have', function () {
  this.timeout(180_000);
  let disk: Awaited<ReturnType<typeof smallDisk>>;
  let host: TestHost;

  before(async () => {
    // Of its own, so that the kernel counts what is written.
    disk = await smallDisk(2000 * mib);
    host = await startHost({ MYAAS_BASE_DIR: `${disk.path}/host`, MYAAS_DISK_LIMIT: '256m' });
    await host.importDump('shop', 'create table test (a longblob);');
  });
  after(async () => {
    await host.stop();
    await disk[Symbol.asyncDispose]();
  });

  /** As an operator does it. */
  const set = async (user: string, ...limits: string[]) => {
    const { exitCode, stderr } = await person(host).run('user', 'set', user, ...limits);
    assert.equal(exitCode, 0, stderr);
  };

  const make = (token: string, name: string, more: object = {}) =>
    host.api<Instance & ErrorBody>('POST', '/v1/instances', {
      token,
      body: { template: 'shop', name, ...more },
    });

  const patch = (token: string, { id }: Instance, body: object) =>
    host.api<Instance & ErrorBody>('PATCH', `/v1/instances/${id}`, { token, body });

  const remove = async (...instances: readonly Instance[]) => {
    for (const { id } of instances) await host.api('DELETE', `/v1/instances/${id}?force=1`);
  };

  const made = ({ status, body, text }: Answer<Instance & ErrorBody>): Instance => {
    assert.ok(status === 200 || status === 201, text);
    return body;
  };

  const refused = (
    { status, body, text }: Answer<Instance & ErrorBody>,
    expected: readonly [number, string],
    words: RegExp,
  ) => {
    assert.deepEqual([status, body.error.code], expected, text);
    assert.match(`${body.error.message} ${body.error.hint}`, words);
  };
  const exceeded = [429, 'MYAAS_QUOTA_EXCEEDED'] as const;
  const tooLong = [403, 'MYAAS_LEASE_TOO_LONG'] as const;

  const secondsLeft = ({ expiresAt }: Instance): number =>
    expiresAt === null ? Infinity : (Date.parse(expiresAt) - Date.now()) / 1000;

  it('is so many databases, also when they ask for twenty at once', async () => {
    const ada = host.userToken('ada');
    await set('ada', '--instances', '2');
    const names = Array.from({ length: 20 }, (_, index) => `at-once-${String(index)}`);
    const answers = await Promise.all(names.map((name) => make(ada, name)));
    const good = answers.filter(({ status }) => status === 201).map(made);
    assert.equal(good.length, 2);
    for (const answer of answers)
      if (answer.status !== 201) refused(answer, exceeded, /"ada" has 2 instances, and may have 2/);
    assert.equal(host.registry.clonesOf('ada').length, 2);

    const old = await fetch(`${host.url}/db/shop/old`, {
      method: 'POST',
      headers: { authorization: `Bearer ${ada}` },
    });
    assert.equal(old.status, 429);
    assert.match(((await old.json()) as { status: string }).status, /may have 2 at a time/);

    const [first, second] = good;
    assert.ok(first && second);
    await remove(first);
    const third = made(await make(ada, 'third'));
    await set('ada', '--instances', 'none');
    await remove(second, third, made(await make(ada, 'fourth')));
  });

  it('is a lease so long: none longer, none without an end, and no protection from its end', async () => {
    const bob = host.userToken('bob');
    await set('bob', '--lease', '2h');
    const instance = made(await make(bob, 'short'));
    assert.ok(secondsLeft(instance) <= 7200, 'The usual lease is cut to it.');
    for (const ttl of ['3h', 'never'])
      refused(await make(bob, 'long', { ttl }), tooLong, /2h from now at most/);
    for (const change of [
      { ttl: '1d' },
      { ttl: 'never' },
      { expiresAt: null },
      { expiresAt: new Date(Date.now() + day * 1000).toISOString() },
      { protected: true },
    ])
      refused(await patch(bob, instance, change), tooLong, /myaas user set/);
    const old = await fetch(`${host.url}/db/shop/long`, {
      method: 'POST',
      headers: { authorization: `Bearer ${bob}`, 'content-type': 'application/x-www-form-urlencoded' },
      body: 'ttl=0',
    });
    assert.equal(old.status, 403, await old.text());
    assert.ok(secondsLeft(made(await patch(bob, instance, { ttl: '90m' }))) <= 5400);
    const longer = made(await patch(host.adminToken, instance, { ttl: '7d', protected: true }));
    assert.ok(secondsLeft(longer) > 6 * day, 'An admin may give more.');
    await remove(instance);
  });

  /** Returns when the daemon has seen that an instance has written more than 16 MiB. */
  const measured = async ({ id }: Instance) => {
    const isOver = (seen: Instance) => seen.id === id && (seen.disk?.usedBytes ?? 0) > 16 * mib;
    const events = await host.watch();
    const { body } = await host.api<Instance>('GET', `/v1/instances/${id}`);
    if (!isOver(body)) await events.until((event) => event.type === 'instance' && isOver(event.instance));
  };

  it('is so much written by all their databases, those asleep among them', async () => {
    const eve = host.userToken('eve');
    await set('eve', '--disk', '16m');
    const instance = made(await make(eve, 'writes'));
    const connection = await host.connect(instance);
    await connection.query('insert into test select random_bytes(1024) from seq_1_to_60000');
    await connection.end();
    await measured(instance);
    const tooMuch = /have written \d+ MiB besides .* may write 16m/;
    refused(await make(eve, 'more'), exceeded, tooMuch);

    const { status, text } = await host.api('POST', `/v1/instances/${instance.id}/sleep`, { token: eve });
    assert.equal(status, 200, text);
    await host.serve.stop();
    await host.serve.start();
    await measured(instance);
    refused(await make(eve, 'more'), exceeded, tooMuch);
    await set('eve', '--disk', 'default');
    await remove(instance, made(await make(eve, 'more')));
  });

  it('is what the configuration says, unless their own quota says otherwise or they are admins', async () => {
    await host.serve.stop();
    await host.serve.start({ MYAAS_QUOTA_INSTANCES: '0', MYAAS_QUOTA_LEASE: '1h', MYAAS_BIND: '0.0.0.0' });
    try {
      assert.match(host.serve.log, /MYAAS_BIND opens the databases' ports/);
      const dan = host.userToken('dan');
      refused(await make(dan, 'none'), exceeded, /may have 0 at a time/);
      await set('dan', '--instances', '1');
      const one = made(await make(dan, 'one'));
      assert.ok(secondsLeft(one) <= 3600);
      const scoped = host.registry.users.issueToken('admin', { templates: ['shop'] });
      const admins = made(await make(scoped, 'of-an-admin', { ttl: '30d' }));
      await remove(one, admins);
    } finally {
      await host.serve.stop();
      await host.serve.start();
    }
  });

  it('is listed, as it was given', async () => {
    const root = person(host);
    const { exitCode } = await root.run('user', 'add', 'pam', '--instances', '3', '--lease', '7d');
    assert.equal(exitCode, 0);
    await set('pam', '--disk', '50g', '--lease', 'none');
    const { stdout } = await root.run('user', 'list');
    assert.match(stdout, /pam +member +instances 3, lease none, disk 50g /);
    const users = await root.json<{ name: string; maxLeaseSeconds: unknown }[]>('user', 'list');
    assert.equal(users.find(({ name }) => name === 'pam')?.maxLeaseSeconds, 'none');
    for (const wrong of ['--instances=many', '--lease=-1d', '--disk=much'])
      assert.equal((await root.run('user', 'set', 'pam', wrong)).exitCode, 2, wrong);
  });

  it('ends with the lease, and the audit log has it', async () => {
    const instance = made(await make(host.adminToken, 'brief'));
    const { id } = instance;
    const events = await host.watch();
    // Not when it is made: that may take longer.
    made(await patch(host.adminToken, instance, { ttl: 1 }));
    await events.until((event) => event.type === 'instance-deleted' && event.id === id);
    const { body } = await host.api<{ entries: AuditEntry[] }>('GET', '/v1/audit?action=expire');
    const [entry] = body.entries;
    assert.deepEqual(
      [entry?.user, entry?.template, entry?.name, entry?.instance, entry?.status],
      [null, 'shop', 'brief', id, 204],
    );
  });
});
