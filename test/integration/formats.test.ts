import assert from 'node:assert/strict';
import { cp, readFile, rename, stat, utimes, writeFile } from 'node:fs/promises';
import { execa } from 'execa';
import type { Instance } from '../../daemon/contract/instances.ts';
import type { Job } from '../../daemon/contract/templates.ts';
import { contentsOf, type Contents } from '../support/contents.ts';
import { startHost, type TestHost } from '../support/daemon.ts';
import { startPlainServer } from '../support/plain.ts';

const source = new URL('../data/dumps/source.sql', import.meta.url);

/** Without what mydumper 0.10 forgets: modes of routines, generated columns, names with backticks. */
const forMydumper = `
create database \`the-shop\` character set utf8mb4 comment 'it''s; here';
use \`the-shop\`;
create table customers (id int primary key, name varchar(60) not null, born date, note text, photo blob, bits bit(9),
  boss int, key (name), constraint under foreign key (boss) references customers (id));
insert into customers select seq, concat('N; ''"\\\\ü😀', seq), '2001-02-03', if(seq % 3, null, repeat('x', seq)),
  char(seq using binary), seq % 512, null from seq_1_to_1000;
update customers set boss = 1000 where id < 10;
create table orders (id int primary key, customer int, constraint bought foreign key (customer) references customers (id));
insert into orders select seq, seq from seq_1_to_350;
create table \`odd.name;\` (a int);
create table nothing (a int);
delimiter $$
create function shout(t text) returns text deterministic return concat(upper(t), ';')$$
create procedure many(a int) begin declare b int; set b = a; if b > 1 then select 'x;'; end if; end$$
create trigger stamp before insert on customers for each row begin
  if new.name = 'x;' then set new.note = 'y'; end if;
end$$
create trigger clean before update on customers for each row set new.note = trim(new.note)$$
create event nightly on schedule every 1 day starts '2037-01-01' do begin delete from orders where id < 0; end$$
delimiter ;
create view rich as select id, shout(name) as name from customers where name <> 'a;b';
create view a_richer as select id from rich;
create database other;
use other;
create table t (a varchar(10) character set latin1);
insert into t values ('Grüße');
`;

describe('a template', function () {
  this.timeout(60_000);
  let host: TestHost;
  let job: Job;
  let expected: Contents;
  let expectedOfMydumper: Contents;

  before('is made of every kind of backup of one server', async function () {
    this.timeout(600_000);
    host = await startHost();
    await using plain = await startPlainServer();
    await plain.load(await readFile(source));
    // Written as text a float loses digits.
    await plain.run(`mariadb --no-defaults -uroot -S /plain/s shop -e 'update customers set weight = 1.5'`);
    // Tables in memory are empty from now on, as in a template.
    await plain.restart();
    const backup = 'mariadb-backup --no-defaults --backup --socket=/plain/s --user=root';
    const directory = await plain.makeDirectory('backup');
    await plain.run(`${backup} --target-dir=${directory}`);
    await cp(directory, `${host.dumpsDir}/backup`, { recursive: true });
    await plain.run(`mariadb-backup --no-defaults --prepare --target-dir=${directory}`);
    await cp(directory, `${host.dumpsDir}/prepared`, { recursive: true });
    const stream = await plain.run(`${backup} --stream=xbstream --target-dir=/tmp`);
    await host.writeDump('stream.xb', stream);
    const { stdout } = await execa('zstd', ['-c'], { input: stream, encoding: 'buffer' });
    await host.writeDump('packed.sql.zst', stdout);
    const tab = await plain.makeDirectory('tab');
    const written = await plain.dump([`--tab=${tab}`, '--triggers', '--ignore-table=shop.cyrillic', 'shop']);
    assert.match(written.toString(), /CREATE SEQUENCE/, 'What is no table goes to standard output.');
    await cp(tab, `${host.dumpsDir}/tab`, { recursive: true });
    await execa('gzip', [`${host.dumpsDir}/tab/customers.txt`, `${host.dumpsDir}/tab/parted.sql`]);
    expected = await plain.contents();

    await plain.dropDatabases();
    await plain.load(forMydumper);
    const dumper = ['--socket', plain.socketPath, '--user', 'root', '--regex', '^(?!mysql)', '--triggers'];
    for (const [name, options] of [
      ['dumper', ['--routines', '--events', '--rows', '100']],
      ['dumper_packed', ['--routines', '--events', '--compress']],
    ] as const) {
      await execa('mydumper', [...dumper, ...options, '--outputdir', `${host.dumpsDir}/${name}`]);
    }
    expectedOfMydumper = await plain.contents();
    job = await host.update();
  });
  after(() => host.stop());

  async function contentsOfTemplate(template: string): Promise<Contents> {
    const instance: Instance = await host.create(template, 'look');
    const connection = await host.connect(instance);
    try {
      return await contentsOf(connection);
    } finally {
      connection.destroy();
      await host.api('DELETE', `/v1/instances/${instance.id}`);
    }
  }

  for (const [template, what] of [
    ['backup', 'a directory of mariadb-backup'],
    ['prepared', 'one that was prepared already'],
    ['stream', 'a stream of mariadb-backup'],
    ['packed', 'a packed stream, whatever its name says'],
  ] as const) {
    it(`can be made of ${what}`, async () => {
      const made = job.imports.find((each) => each.template === template);
      assert.equal(made?.error, null);
      assert.equal(made.state, 'imported');
      assert.deepEqual(await contentsOfTemplate(template), expected);
    });
  }

  for (const [template, what] of [
    ['dumper', 'a directory of mydumper, with tables in pieces'],
    ['dumper_packed', 'a directory of mydumper, packed'],
  ] as const) {
    it(`can be made of ${what}`, async () => {
      const made = job.imports.find((each) => each.template === template);
      assert.equal(made?.error, null);
      const contents = Object.entries(await contentsOfTemplate(template));
      // mydumper adds a space where a statement inside of a routine ends a line.
      const mended = contents.map(([key, value]) => [key, value.replaceAll('; \n', ';\n')]);
      assert.deepEqual(Object.fromEntries(mended), expectedOfMydumper);
    });
  }

  it('can be made of a directory of mysqldump --tab', async () => {
    assert.equal(job.imports.find((each) => each.template === 'tab')?.error, null);
    const made = await contentsOfTemplate('tab');
    // What is no table, view or trigger is not in such a dump, nor is the past of a table.
    const inDump = Object.entries(expected).filter(
      ([key]) => /^(table|view|trigger) shop\./.test(key) && !/shop\.(tickets|kept|cyrillic): /.test(key),
    );
    assert.ok(inDump.length > 20);
    // Nor is the database itself.
    const comparable = (text = '') =>
      text.replaceAll('`shop`.', '`tab`.').replace(/^Database Collation: .*/m, '');
    for (const [key, value] of inDump)
      assert.equal(comparable(made[key.replace(' shop.', ' tab.')]), comparable(value), key);
  });

  it('is not made anew of a directory that has not changed', async () => {
    const stateOf = async (template: string) => (await host.update([template])).imports[0]?.state;
    for (const template of ['backup', 'stream', 'dumper', 'tab'])
      assert.equal(await stateOf(template), 'unchanged', template);
    const now = new Date();
    await utimes(`${host.dumpsDir}/dumper/metadata`, now, now);
    await utimes(`${host.dumpsDir}/backup/ibdata1`, now, now);
    assert.equal(await stateOf('dumper'), 'unchanged', 'touched');
    assert.equal(await stateOf('backup'), 'unchanged', 'touched');
    const file = `${host.dumpsDir}/dumper/other.t.sql`;
    const { atime, mtime } = await stat(file);
    await writeFile(file, (await readFile(file, 'utf8')).replace('Gr', 'gr'));
    assert.equal(await stateOf('dumper'), 'imported', 'as long as before, and another');
    await utimes(file, atime, mtime);
    await rename(`${host.dumpsDir}/tab/numbers.txt`, `${host.dumpsDir}/tab/number.txt`);
    assert.equal(await stateOf('tab'), 'failed', 'a file has another name');
  });
});
