import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { execa } from 'execa';
import type { Connection, RowDataPacket } from 'mysql2/promise';
import type { Import } from '../../daemon/contract.ts';
import { startHost, type TestHost } from '../support/daemon.ts';

/** What nobody may find anywhere. */
const secret = 'zq7-clear-value';

const dump = `
create table people (
  id int primary key, email varchar(80) not null unique, name varchar(60), first varchar(20), last varchar(20),
  phone varchar(20), note text, salary int, code varchar(40) collate utf8mb4_bin, raw varbinary(60), uid uuid,
  shout varchar(60) generated always as (upper(name)) stored, fulltext (note), key (name),
  changed timestamp not null default '2001-01-01' on update current_timestamp);
insert into people (id, email, name, first, last, phone, note, salary, code, raw, uid)
  select seq, concat('${secret}', seq, '@private.example'), concat('${secret} ', seq), '${secret}', '${secret}',
    '${secret}', concat('about ${secret} ', seq, repeat(' and more', 50)), seq, concat('${secret}', seq),
    concat('${secret}', seq), '123e4567-e89b-12d3-a456-426614174000' from seq_1_to_5000;
insert into people (id, email) values (0, '');
create table orders (id int primary key, email varchar(120) character set latin1, constraint ordered foreign key (id) references people (id));
insert into orders select id, upper(email) from people where id between 1 and 100;
create table codes (code varchar(40) collate utf8mb4_bin primary key);
insert into codes select code from people where code is not null;
alter table people add constraint coded foreign key (code) references codes (code);
create table audit (a text);
create trigger audited after update on people for each row insert into audit values (old.email);
create table old_engine (name varchar(60)) engine=MyISAM;
insert into old_engine select name from people;
create table other_engine (name varchar(60)) engine=Aria;
insert into other_engine select name from people;
create table kept (id int primary key, name varchar(60)) with system versioning;
insert into kept select id, name from people where id < 100;
update kept set name = 'no more' where id < 50;
analyze table people persistent for all;
`;

const mask = {
  tables: {
    people: {
      email: 'e-mail',
      name: 'name',
      first: 'first name',
      last: 'last name',
      phone: 'phone',
      note: 'null',
      salary: { fixed: 1000 },
      code: 'hash',
      raw: 'hash',
      uid: 'hash',
    },
    orders: { email: 'e-mail' },
    codes: { code: 'hash' },
    old_engine: { name: 'name' },
    other_engine: { name: 'name' },
    'masked.kept': { name: 'name' },
  },
};

describe('a mask', function () {
  this.timeout(120_000);
  let host: TestHost;

  before(async function () {
    host = await startHost({ MYAAS_MASKED_TEMPLATES: 'listed' });
  });
  after(() => host.stop());

  async function update(template: string): Promise<Import> {
    const [only] = (await host.update([template])).imports;
    assert.ok(only);
    return only;
  }

  async function withInstance<T>(template: string, use: (connection: Connection) => Promise<T>): Promise<T> {
    const instance = await host.create(template, 'look');
    const connection = await host.connect(instance);
    try {
      return await use(connection);
    } finally {
      connection.destroy();
      await host.api('DELETE', `/v1/instances/${instance.id}`);
    }
  }

  const ask = async (connection: Connection, sql: string): Promise<RowDataPacket[]> =>
    (await connection.query<RowDataPacket[]>(sql))[0];

  it('replaces every value before anybody can clone it, and leaves no trace of the old ones', async () => {
    await host.writeDump('masked.sql', dump);
    await host.writeDump('masked.mask.json', JSON.stringify(mask));
    const { error, version } = await update('masked');
    assert.equal(error, null);
    await withInstance('masked', async (connection) => {
      const [person] = await ask(connection, 'select * from people where id = 7');
      assert.match(String(person?.['email']), /^[0-9a-f]{16}@example\.com$/);
      assert.match(String(person?.['name']), /^[A-Z][a-z]+ [A-Z][a-z]+$/);
      assert.match(String(person?.['first']), /^[A-Z][a-z]+$/);
      assert.match(String(person?.['last']), /^[A-Z][a-z]+$/);
      assert.match(String(person?.['phone']), /^\+1555\d{7}$/);
      assert.equal(person?.['note'], null);
      assert.equal(person['salary'], 1000);
      assert.match(String(person['code']), /^[0-9a-f]{32}$/);
      assert.equal((person['raw'] as Buffer).length, 16);
      assert.notEqual(person['uid'], '123e4567-e89b-12d3-a456-426614174000');
      assert.equal(person['shout'], String(person['name']).toUpperCase());
      const [{ year } = { year: undefined }] = await ask(
        connection,
        'select max(year(changed)) as year from people',
      );
      assert.equal(year, 2001, 'Being masked is no change.');
      const [empty] = await ask(connection, 'select email, name, code from people where id = 0');
      assert.deepEqual(empty, { email: '', name: null, code: null });
      assert.deepEqual(await ask(connection, 'select * from audit'), [], 'No trigger has seen it.');
      const triggers = await ask(connection, 'show triggers');
      assert.deepEqual(
        triggers.map(({ Trigger: name }) => name as unknown),
        ['audited'],
      );
    });
    const datadir = `${host.paths.version('masked', version ?? '')}/datadir`;
    const { stdout } = await execa('grep', ['-rlia', secret, datadir], { reject: false });
    assert.equal(stdout, '');
  });

  it('keeps equal what was equal, so that joins go on working', async () => {
    await withInstance('masked', async (connection) => {
      const [joined] = await ask(
        connection,
        `select count(*) as orders, (select count(distinct email) from people) as people,
           (select count(*) from people join codes using (code)) as coded,
           (select count(*) from people join old_engine using (name) where id = 1) > 0 as named
         from orders join people using (id) where convert(orders.email using utf8mb4) = people.email`,
      );
      assert.deepEqual(joined, { orders: 100, people: 5001, coded: 5000, named: 1 });
    });
  });
});
