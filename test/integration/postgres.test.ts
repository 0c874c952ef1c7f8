import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import pg from 'pg';
import type { Instance } from '../../daemon/contract/instances.ts';
import type { Template } from '../../daemon/contract/templates.ts';
import { startHost, type TestHost } from '../support/daemon.ts';

const addressOf = ({ host, port, user, password, database }: Instance): pg.ClientConfig => ({
  host,
  port,
  user,
  password,
  database,
});

/** As an application connects: through the port. */
async function query(
  instance: Instance,
  sql: string,
  more: Partial<pg.ClientConfig> = {},
): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ ...addressOf(instance), ...more });
  await client.connect();
  try {
    const { rows } = await client.query<Record<string, unknown>>(sql);
    return rows;
  } finally {
    await client.end();
  }
}

describe('PostgreSQL', function () {
  this.timeout(300_000);
  let host: TestHost;
  let chinook: Instance;

  before(async () => {
    host = await startHost();
    await host.importDump('chinook', await readFile('test/data/chinook_postgresql.sql', 'utf8'));
    chinook = await host.create('chinook', 'a');
  });
  after(() => host.stop());

  it('gives a clone with the data of the dump', async () => {
    const rows = await query(chinook, 'select count(*)::int as tracks from track');
    assert.deepEqual(rows, [{ tracks: 3503 }]);
    assert.match(chinook.url ?? '', /^postgresql:\/\/myaas:\w+@127\.0\.0\.1:\d+\/chinook$/);
    const { body } = await host.api<Template>('GET', '/v1/templates/chinook');
    assert.equal(body.engine, 'postgres');
  });

  it('lets nobody in without the password, the superuser not at all', async () => {
    for (const user of ['myaas', 'postgres', 'myaas-superuser', 'myaas-loader', 'root']) {
      for (const password of ['postgres', 'wrong'])
        await assert.rejects(query(chinook, 'select 1', { user, password }), { code: '28P01' }, user);
      // The server asks for one, and the client has none to give.
      for (const password of [undefined, ''])
        await assert.rejects(query(chinook, 'select 1', { user, password }), /SASL.*password/s, user);
    }
    await assert.rejects(query(chinook, 'select 1', { user: 'postgres' }), { code: '28P01' });
    const other = await host.create('chinook', 'other');
    await assert.rejects(query(chinook, 'select 1', { password: other.password }), { code: '28P01' });
    const rules = await query(
      chinook,
      'select count(*)::int as roles from pg_roles where rolsuper and rolcanlogin',
    );
    assert.deepEqual(rules, [{ roles: 0 }]);
  });

  it('gives all rights on the data, and none on files and programs', async () => {
    await query(
      chinook,
      'create table mine (a int); alter table album add column b int; drop table playlist_track',
    );
    await query(
      chinook,
      'create role someone; set role someone; reset role; create schema s authorization someone',
    );
    await query(chinook, 'create extension pg_trgm');
    await query(chinook, 'create database another');
    await query(chinook, 'vacuum artist');
    const forbidden = [
      `select pg_read_file('/etc/passwd')`,
      `copy artist to program 'id'`,
      `copy artist from '/etc/passwd'`,
      `select lo_import('/etc/passwd')`,
      `create function f() returns int language c as '/x', 'y'`,
      'create extension file_fdw',
      'alter system set work_mem = 1',
      'alter role postgres login',
      `alter role "myaas-superuser" login password 'x'`,
      'grant pg_execute_server_program to myaas',
      'set role "myaas-superuser"',
      'set session authorization "myaas-superuser"',
      'alter role myaas superuser',
      `select pg_ls_dir('.')`,
      `set session_preload_libraries = 'x'`,
    ];
    for (const sql of forbidden)
      await assert.rejects(query(chinook, sql), { code: /^(?:42501|0LP01|42704|22023)$/ }, sql);
    const withPassword = 'select rolname from pg_authid where rolpassword is not null';
    assert.deepEqual(await query(chinook, withPassword), [{ rolname: 'myaas' }]);
  });

  it('comes back as it was after a kill, asleep, and reset', async () => {
    const instance = await host.create('chinook', 'lives');
    await query(instance, `create table kept as select 1 as a`);
    await host.api('POST', `/v1/instances/${instance.id}/sleep`);
    assert.deepEqual(await query(instance, 'select a from kept'), [{ a: 1 }]);
    const { body } = await host.api<Instance>('POST', `/v1/instances/${instance.id}/reset`);
    assert.equal(body.state, 'ready');
    await assert.rejects(query(instance, 'select a from kept'), { code: '42P01' });
  });

  it('passes on cancel requests', async () => {
    const client = new pg.Client({ ...addressOf(chinook) });
    await client.connect();
    const { rows: found } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
    const sleeping = client.query('select pg_sleep(600)');
    const ended = assert.rejects(sleeping, { code: '57014' });
    const until = `select pg_cancel_backend(pid) as done from pg_stat_activity where pid = ${String(found[0]?.pid)} and query like '%pg_sleep(600)%' and state = 'active'`;
    while ((await query(chinook, until)).length === 0);
    await ended;
    await client.end();
  });
});
