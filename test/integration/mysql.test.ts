import assert from 'node:assert/strict';
import { cp, mkdir, readdir, stat } from 'node:fs/promises';
import { execa } from 'execa';
import type { Instance } from '../../daemon/contract/instances.ts';
import { askOf } from '../support/ask.ts';
import { startHost, type TestHost } from '../support/daemon.ts';

/** What is awkward to write as text: every kind of character, values that are computed, and what no file says. */
const source = `
-- MySQL dump 10.13  Distrib 9.7.0, for Linux (x86_64)
create table people (
  id int primary key, name varchar(60) character set utf8mb4, old varchar(60) character set latin1,
  facts json, raw blob, bits bit(9), at timestamp(3) null, made datetime default (now()), place point,
  loud varchar(60) generated always as (upper(name)) virtual, kept int generated always as (id * 2) stored);
insert into people (id, name, old, facts, raw, bits, at, place) values
  (1, 'Ada\\tLovelace\\n😀', 'Grüße', '{"a": [1, "ü\\\\"\\\\n"]}', x'00090a5c27ff', b'101', '2001-02-03 04:05:06.789', point(1, 2)),
  (2, null, '', null, '', null, null, null), (3, '\\\\N', 'NULL', '"\\\\\\\\"', '\\\\', 0, '1971-01-01', null);
create table nothing (a int);
create view shown as select id, name from people;
-- Dump completed on 2026-01-01  0:00:00
`;
const everything = `select id, hex(name) as name, hex(old) as old, cast(facts as char) as facts, hex(raw) as raw,
  bits + 0 as bits, at, made, st_astext(place) as place, hex(loud) as loud, kept from people order by id`;

describe('MySQL', function () {
  this.timeout(300_000);
  let host: TestHost;
  let first: Instance;

  before(async () => {
    host = await startHost({ MYAAS_MYSQL_IMAGE: '' });
    await host.importDump('people', source);
    first = await host.create('people', 'first');
  });
  after(() => host.stop());

  const ask = (instance: Instance, sql: string) => askOf(host, instance, sql);

  it('has its dumps of one file for each table read as they are', async () => {
    const server = (await host.docker.list()).find(({ role }) => role === 'server');
    const directory = '/var/lib/myaas/datadir/.tmp';
    const written = `${host.paths.instances}/${first.id}/datadir/.tmp`;
    // Who may write there, and get to the socket.
    const [{ uid }, { gid }] = [await stat(written), await stat(host.paths.run(first.id))];
    const exec = [
      'exec',
      '--user',
      `${String(uid)}:${String(gid)}`,
      '-e',
      'MYSQL_PWD',
      server?.containerId ?? '',
    ];
    const dump = [
      'mysqldump',
      '--socket=/run/myaas/mysqld.sock',
      '--user=myaas',
      `--tab=${directory}`,
      'people',
    ];
    await execa('docker', [...exec, ...dump], { env: { MYSQL_PWD: first.password } });
    const files = (await readdir(written)).filter((name) => /\.(?:sql|txt)$/.test(name)).sort();
    assert.deepEqual(files, ['nothing.sql', 'nothing.txt', 'people.sql', 'people.txt', 'shown.sql']);
    await mkdir(`${host.dumpsDir}/tabbed`);
    for (const name of files) await cp(`${written}/${name}`, `${host.dumpsDir}/tabbed/${name}`);
    const [only] = (await host.update(['tabbed'])).imports;
    assert.equal(only?.error, null);
    const instance = await host.create('tabbed', 'look');
    assert.equal(instance.engine, 'mysql');
    assert.deepEqual(await ask(instance, everything), await ask(first, everything));
    assert.deepEqual(await ask(instance, 'select count(*) as n from shown'), [{ n: 3 }]);
  });

  it('of another series is had by name where a registry answers, and refused with the ways out where none does', async () => {
    await host.writeDump('older.sql', source);
    await host.writeDump('older.engine', 'mysql 8.4');
    const [only] = (await host.update(['older'])).imports;
    if (only?.state === 'imported') {
      const [{ version } = { version: '' }] = await ask(
        await host.create('older', 'look'),
        'select version() as version',
      );
      assert.match(String(version), /^8\.4\./);
      return;
    }
    assert.equal(only?.error?.code, 'MYAAS_IMPORT_FAILED');
    assert.match(
      only.error.message,
      /older\.sql is for MySQL.*mysql:8\.4.*Debian has no packages of that series/s,
    );
    assert.match(only.error.hint, /MYAAS_MYSQL_IMAGE.*older\.engine/s);
  });
});
