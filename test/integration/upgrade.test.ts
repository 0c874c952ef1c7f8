/** Instances with a newer server than their template's. */
import assert from 'node:assert/strict';
import type { ErrorBody } from '../../daemon/contract/contract.ts';
import type { Instance } from '../../daemon/contract/instances.ts';
import type { Status } from '../../daemon/contract/status.ts';
import type { Template } from '../../daemon/contract/templates.ts';
import { askOf } from '../support/ask.ts';
import { startHost, type TestHost } from '../support/daemon.ts';
import { loginOf, products } from '../support/products.ts';
import { person } from './cli-process.ts';

const source = `
create table customers (id int primary key, name varchar(60), at timestamp not null default '2001-02-03', key (name));
insert into customers (id, name) select seq, concat('customer ', seq) from seq_1_to_5000;
create function shout(t text) returns text deterministic return upper(t);
create view loud as select id, shout(name) as name from customers;
create table memories (a varchar(20)) engine=Aria;
insert into memories values ('kept');
`;

describe('an instance with a newer server than its template', function () {
  this.timeout(300_000);
  let host: TestHost;
  let upgraded: Instance;

  before(async () => {
    host = await startHost({ MYAAS_POSTGRES_IMAGE: '' });
    await host.writeDump('shop.engine', 'mariadb 10.11');
    await host.importDump('shop', source);
    upgraded = await host.create('shop', 'upgraded', { engineVersion: '11.8' });
  });
  after(() => host.stop());

  const ask = (instance: Instance, sql: string) => askOf(host, instance, sql);
  const versionOf = async (instance: Instance): Promise<string> =>
    String((await ask(instance, 'select version() as version'))[0]?.['version']);
  /** When nothing is left to be removed in the background: the daemon's end waits for that. */
  const settledCensus = async () => {
    await host.serve.stop();
    await host.serve.start();
    return host.census();
  };
  const refusal = async (template: string, engineVersion: string) => {
    const { status, body } = await host.api<ErrorBody>('POST', '/v1/instances', {
      body: { template, name: 'refused', engineVersion },
    });
    assert.deepEqual([status, body.error.code], [422, 'MYAAS_ENGINE_VERSION']);
    return body.error;
  };

  it('has the data of the template, upgraded, behind credentials of its own', async () => {
    assert.deepEqual([upgraded.engineSeries, upgraded.upgradedFrom], ['11.8', '10.11']);
    assert.match(await versionOf(upgraded), /^11\.8\./);
    const sums = 'checksum table customers, memories';
    const plain = await host.create('shop', 'plain');
    assert.deepEqual([plain.engineSeries, plain.upgradedFrom], ['10.11', undefined]);
    assert.match(await versionOf(plain), /^10\.11\./);
    assert.deepEqual(await ask(upgraded, sums), await ask(plain, sums));
    assert.deepEqual(await ask(upgraded, 'select name from loud where id = 7'), [{ name: 'CUSTOMER 7' }]);
    // 11.8's own system tables, not those of 10.11.
    const [checked] = await ask(upgraded, 'check table mysql.proc for upgrade');
    assert.equal(checked?.['Msg_text'], 'OK');
    const privilege = 'show grants for current_user()';
    const [grants] = await ask(upgraded, privilege);
    assert.match(JSON.stringify(grants), /ALL PRIVILEGES ON \*\.\*/);
    for (const [user, password] of [
      ['root', ''],
      ['myaas', ''],
      ['myaas', 'wrong'],
    ] as const)
      await assert.rejects(host.connect({ ...upgraded, user, password }));
    const { engines } = (await host.api<Status>('GET', '/v1/status')).body;
    assert.ok(engines.some(({ series, upgrades }) => series === '11.8' && upgrades));
  });

  it('is shown with both versions', async () => {
    const user = person(host);
    assert.match(
      (await user.run('ls', '--all')).stdout,
      /^shop\/upgraded\s.*mariadb 11\.8, upgraded from 10\.11/m,
    );
    assert.match(
      (await user.run('show', 'shop/upgraded')).stdout,
      /^engine\s+mariadb 11\.8, upgraded from 10\.11$/m,
    );
  });

  it('is made by the command line, which tells how far it is', async () => {
    const user = person(host);
    const { exitCode, stdout, stderr } = await user.run('new', 'shop', 'typed', '--engine-version', '11');
    assert.equal(exitCode, 0, stderr);
    assert.equal(stdout, 'shop/typed');
    assert.match(
      stderr,
      /^shop\/typed: starting the newer server$.*^shop\/typed: \d\/\d: .*^shop\/typed: shutdown$/ms,
    );
    assert.match(stderr, /^Its server: mariadb 11\.8, upgraded from 10\.11\.$/m);
    assert.equal((await user.run('rm', 'shop/typed')).exitCode, 0);
  });

  it('sleeps, wakes, and is a fresh upgraded clone after a reset', async () => {
    await ask(upgraded, "insert into customers (id, name) values (0, 'mine')");
    const asleep = await host.api('POST', `/v1/instances/${upgraded.id}/sleep`);
    assert.equal(asleep.status, 200, asleep.text);
    assert.deepEqual(await ask(upgraded, 'select name from customers where id = 0'), [{ name: 'mine' }]);
    const { status, body } = await host.api<Instance>('POST', `/v1/instances/${upgraded.id}/reset`);
    assert.equal(status, 200);
    assert.deepEqual(
      [body.port, body.engineSeries, body.upgradedFrom, body.progress],
      [upgraded.port, '11.8', '10.11', undefined],
    );
    assert.match(await versionOf(upgraded), /^11\.8\./);
    assert.deepEqual(await ask(upgraded, 'select count(*) as n from customers'), [{ n: 5000 }]);
  });

  it('is as any other where its template has that server already', async () => {
    const same = await host.create('shop', 'same', { engineVersion: '10.11' });
    assert.deepEqual([same.engineSeries, same.upgradedFrom], ['10.11', undefined]);
    const series = await host.create('shop', 'series', { engineVersion: '10' });
    assert.deepEqual([series.engineSeries, series.upgradedFrom], ['10.11', undefined]);
  });

  it('is refused, with what there is, when it asks for what cannot be', async () => {
    const older = await refusal('shop', '10.6');
    assert.match(older.message, /"shop" is of MariaDB 10\.11, whose data 10\.6 does not open/);
    assert.match(older.hint, /this host has MariaDB 10\.11, 11\.8\..*"mariadb 10\.6" in shop\.engine/);
    const none = await refusal('shop', 'newest; drop');
    assert.match(none.message, /"newest; drop" is no version/);
    const unknown = await refusal('shop', '99.9');
    assert.match(unknown.message, /99\.9 can't be had/);
    assert.match(unknown.hint, /MariaDB 10\.11, 11\.8\./);
    const { containers } = await host.census();
    assert.deepEqual(
      containers.filter((each) => !each.startsWith('server ')),
      [],
    );
  });

  it('is refused where a product has no way to upgrade data by itself', async () => {
    const postgres = products.find(({ name }) => name === 'postgres');
    assert.ok(postgres);
    await host.writeDump('elephants.sql', postgres.dump);
    await host.update(['elephants']);
    const { message, hint } = await refusal('elephants', '99');
    assert.match(message, /PostgreSQL 17.*programs of both versions/);
    assert.match(hint, /"postgres 99" in elephants\.engine/);
    const own = await host.create('elephants', 'own', { engineVersion: '17' });
    assert.deepEqual(await postgres.customers(loginOf(own)), ['Ada', 'Grace', 'Edsger']);
  });

  it('is not there, nor anything of it, after a kill in the middle of its upgrade', async () => {
    const before = await settledCensus();
    const events = await host.watch();
    const making = host
      .api('POST', '/v1/instances', { body: { template: 'shop', name: 'cut', engineVersion: '11.8' } })
      .catch(() => undefined);
    await events.until((event) => event.type === 'instance' && /^\d\/\d/.test(event.instance.progress ?? ''));
    await host.serve.stop('SIGKILL');
    await making;
    await host.serve.start();
    assert.deepEqual(await settledCensus(), before);
    assert.match(await versionOf(upgraded), /^11\.8\./);
  });

  it('stays what it was when a kill cuts its reset short', async () => {
    await ask(upgraded, "insert into customers (id, name) values (-1, 'stays')");
    const events = await host.watch();
    const resetting = host.api('POST', `/v1/instances/${upgraded.id}/reset`).catch(() => undefined);
    await events.until((event) => event.type === 'instance' && event.instance.progress === 'accounts');
    await host.serve.stop('SIGKILL');
    await resetting;
    await host.serve.start();
    assert.deepEqual(await ask(upgraded, 'select name from customers where id = -1'), [{ name: 'stays' }]);
    const { containers, rows, directories } = await settledCensus();
    assert.deepEqual(
      containers.filter((each) => !each.startsWith('server ')),
      [],
    );
    assert.equal(directories.length, rows.length);
  });

  it('is undone when nobody waits for it any more', async () => {
    const before = await settledCensus();
    const [begun, ended] = [await host.watch(), await host.watch()];
    const leaving = new AbortController();
    const body = { template: 'shop', name: 'left', engineVersion: '11.8' };
    const making = host.api('POST', '/v1/instances', { body, signal: leaving.signal }).catch(() => undefined);
    await begun.until((event) => event.type === 'instance' && event.instance.progress !== undefined);
    leaving.abort();
    await making;
    await ended.until((event) => event.type === 'instance-deleted' && event.name === 'left');
    assert.deepEqual(await settledCensus(), before);
  });

  it('does not come from a pool, which is of the template', async () => {
    await host.serve.stop();
    await host.serve.start({ MYAAS_POOL: '1' });
    try {
      const filled = await host.watch();
      const { body } = await host.api<Template>('GET', '/v1/templates/shop');
      if (body.pool.ready === 0)
        await filled.until(
          (event) =>
            event.type === 'template' && event.template.name === 'shop' && event.template.pool.ready > 0,
        );
      const [newer, usual] = [
        await host.create('shop', 'newer', { engineVersion: '11.8' }),
        await host.create('shop', 'usual'),
      ];
      assert.deepEqual([newer.from, usual.from], ['snapshot', 'pool']);
    } finally {
      await host.serve.stop();
      await host.serve.start();
    }
  });
});
