/** Masks of other products than MariaDB: the same file, the same promises. */
import assert from 'node:assert/strict';
import { chmod, rm } from 'node:fs/promises';
import { execa } from 'execa';
import mysqlClient, { type RowDataPacket } from 'mysql2/promise';
import pg from 'pg';
import type { Instance } from '../../daemon/contract/instances.ts';
import type { Import } from '../../daemon/contract/templates.ts';
import { startHost, type TestHost } from '../support/daemon.ts';

/** What nobody may find anywhere. */
const secret = 'zq7-clear-value';

/** What is the same for both: people, whom orders refer to by a column that is masked. */
const mask = {
  people: {
    email: 'e-mail',
    name: 'name',
    first_name: 'first name',
    last_name: 'last name',
    phone: 'phone',
    note: 'null',
    salary: { fixed: 1000 },
    born: { fixed: '2000-01-01' },
    number: 'hash',
    raw: 'hash',
  },
  orders: { email: 'e-mail' },
  codes: { code: 'hash' },
};

type Row = Readonly<Record<string, unknown>>;

interface Product {
  readonly name: string;
  readonly dump: string;
  /** What only this product has. */
  readonly more: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly small: string;
  /** Runs a statement for a hook. */
  readonly client: string;
  ask(instance: Instance, sql: string): Promise<readonly Row[]>;
  /** More that must be true of the masked template. */
  check(ask: (sql: string) => Promise<readonly Row[]>): Promise<void>;
}

const columns = (raw: string, more: string): string => `
create table people (id int primary key, email varchar(80) not null unique, name varchar(60), first_name varchar(20),
  last_name varchar(20), phone varchar(20), note text, salary int, born date, number bigint, raw ${raw},
  loud varchar(60) generated always as (upper(name)) stored${more});
create index by_name on people (name);
create table orders (id int primary key, email varchar(80) references people (email));
create table codes (code varchar(40) primary key);
create table audit (a text);
`;

const mysql: Product = {
  name: 'mysql',
  dump: `${columns('varbinary(60)', ', fulltext (note)')}
    set @@cte_max_recursion_depth = 10000;
    insert into people (id, email, name, first_name, last_name, phone, note, salary, born, number, raw)
      with recursive seq (n) as (select 1 union all select n + 1 from seq where n < 5000)
      select n, concat('${secret}', n, '@private.example'), concat('${secret} ', n), '${secret}', '${secret}', '${secret}',
        concat('about ${secret} ', n, repeat(' and more', 50)), n, '1980-01-01', n, concat('${secret}', n) from seq;
    insert into people (id, email) values (0, '');
    insert into orders select id, email from people where id between 1 and 100;
    insert into codes select concat('${secret}', id) from people;
    create trigger audited after update on people for each row insert into audit values (old.email);
    create table old_engine (name varchar(60)) engine=MyISAM;
    insert into old_engine select name from people;
    analyze table people update histogram on name, phone with 100 buckets;\n`,
  more: { old_engine: { name: 'name' } },
  small: `create table people (id int primary key, email varchar(80) not null unique, short varchar(10), born date,
      loud varchar(80) generated always as (upper(email)) stored);
    create table orders (id int primary key, email varchar(80), constraint mailed foreign key (email) references people (email));
    create view shown as select * from people;
    create table checked (name varchar(60), constraint named check (name like 'x%'));
    insert into checked values ('xy');
    create table lone (code varchar(40) primary key);
    insert into lone values ('one');\n`,
  client: 'mysql "$MYAAS_DATABASE" -e',
  async ask({ host, port, user, password = '', database }, sql) {
    const connection = await mysqlClient.createConnection({ host, port, user, password, database });
    try {
      return (await connection.query<RowDataPacket[]>(sql))[0];
    } finally {
      connection.destroy();
    }
  },
  async check(ask) {
    const [joined] = await ask('select count(*) as n from people join old_engine using (name) where id = 1');
    assert.ok(Number(joined?.['n']) > 0);
    assert.deepEqual(
      await ask(
        "select trigger_name as name from information_schema.triggers where trigger_schema = 'masked_mysql'",
      ),
      [{ name: 'audited' }],
    );
  },
};

const postgres: Product = {
  name: 'postgres',
  dump: `${columns('bytea', ", uid uuid default '123e4567-e89b-12d3-a456-426614174000'")}
    insert into people (id, email, name, first_name, last_name, phone, note, salary, born, number, raw)
      select n, '${secret}' || n || '@private.example', '${secret} ' || n, '${secret}', '${secret}', '${secret}',
        'about ${secret} ' || n || repeat(' and more', 50), n, '1980-01-01', n, convert_to('${secret}' || n, 'UTF8')
      from generate_series(1, 5000) as n;
    insert into people (id, email) values (0, '');
    insert into orders select id, email from people where id between 1 and 100;
    insert into codes select '${secret}' || id from people;
    create function note_down() returns trigger language plpgsql as
      $$ begin insert into public.audit values (old.email); return new; end $$;
    create trigger audited before update on people for each row execute function note_down();
    create trigger stubborn before update on people for each row execute function note_down();
    alter table people enable always trigger stubborn;
    create materialized view listed as select name, email from people;
    create materialized view shorter as select name from listed where email <> '';
    create schema sales;
    create table sales.leads (id int primary key, mail text);
    insert into sales.leads select id, email from people;
    create table parted (id int, mail text) partition by range (id);
    create table parted_1 partition of parted for values from (0) to (1000000);
    insert into parted select id, email from people;
    analyze;\n`,
  more: {
    'sales.leads': { mail: 'e-mail' },
    parted: { mail: 'e-mail' },
    'masked_postgres.people': { uid: 'hash' },
  },
  small: `create table people (id int primary key, email varchar(80) not null unique, short varchar(10), born date,
      loud varchar(80) generated always as (upper(email)) stored);
    create table orders (id int primary key, email varchar(80) constraint mailed references people (email));
    create view shown as select * from people;
    create table checked (name varchar(60) constraint named check (name like 'x%'));
    insert into checked values ('xy');
    create table lone (code varchar(40) primary key);
    insert into lone values ('one');\n`,
  client: 'psql -X -v ON_ERROR_STOP=1 -d "$MYAAS_DATABASE" -c',
  async ask({ host, port, user, password, database }, sql) {
    const client = new pg.Client({ host, port, user, password, database });
    await client.connect();
    try {
      return (await client.query<Row>(sql)).rows;
    } finally {
      await client.end();
    }
  },
  async check(ask) {
    const [same] = await ask(
      `select (select count(*)::int from people join sales.leads on mail = email) as leads,
         (select count(*)::int from people join parted on mail = email) as parted,
         (select count(*)::int from people join listed using (email)) as listed,
         (select count(*)::int from shorter) as shorter,
         (select uid::text from people where id = 7) as uid`,
    );
    const { uid, ...counts } = same ?? {};
    assert.deepEqual(counts, { leads: 5001, parted: 5001, listed: 5001, shorter: 5000 });
    assert.match(String(uid), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8/);
    assert.deepEqual(
      await ask('select tgname as name, tgenabled as how from pg_trigger where not tgisinternal order by 1'),
      [
        { name: 'audited', how: 'O' },
        { name: 'stubborn', how: 'A' },
      ],
    );
  },
};

describe('a mask', function () {
  this.timeout(300_000);
  let host: TestHost;

  before(async () => {
    host = await startHost({ MYAAS_MYSQL_IMAGE: '', MYAAS_MASKED_TEMPLATES: 'listed_mysql,listed_postgres' });
  });
  after(() => host.stop());

  async function update(template: string): Promise<Import> {
    await host.writeDump(`${template}.engine`, template.split('_').at(-1) ?? '');
    const [only] = (await host.update([template])).imports;
    assert.ok(only);
    return only;
  }

  for (const product of [mysql, postgres]) {
    const { name, small } = product;
    describe(`of a template of ${name}`, () => {
      it('replaces every value, keeps equal what was equal, and leaves no trace of the old ones', async () => {
        const template = `masked_${name}`;
        await host.writeDump(`${template}.sql`, product.dump);
        const tables = { ...mask, ...product.more };
        await host.writeDump(`${template}.mask.json`, JSON.stringify({ tables }));
        const { error, version } = await update(template);
        assert.equal(error, null);
        const instance = await host.create(template, 'look');
        assert.equal(instance.engine, name);
        const ask = (sql: string) => product.ask(instance, sql);
        const [person] = await ask('select * from people where id = 7');
        assert.match(String(person?.['email']), /^[0-9a-f]{16}@example\.com$/);
        assert.match(String(person?.['name']), /^[A-Z][a-z]+ [A-Z][a-z]+$/);
        assert.match(String(person?.['first_name']), /^[A-Z][a-z]+$/);
        assert.match(String(person?.['last_name']), /^[A-Z][a-z]+$/);
        assert.match(String(person?.['phone']), /^\+1555\d{7}$/);
        assert.equal(person?.['note'], null);
        assert.equal(person['salary'], 1000);
        assert.equal((person['born'] as Date).getFullYear(), 2000);
        assert.match(String(person['number']), /^\d{8,}$/);
        assert.equal((person['raw'] as Buffer).length, 16);
        assert.equal(person['loud'], String(person['name']).toUpperCase());
        const [counts] = await ask(
          `select (select count(*) from orders join people using (email)) as orders,
             (select count(distinct email) from people) as people, (select count(*) from codes) as codes,
             (select count(*) from audit) as audited, (select email from people where id = 0) as nobody`,
        );
        assert.deepEqual(
          {
            ...counts,
            ...Object.fromEntries(
              Object.entries(counts ?? {})
                .filter(([key]) => key !== 'nobody')
                .map(([key, value]) => [key, Number(value)]),
            ),
          },
          { orders: 100, people: 5001, codes: 5001, audited: 0, nobody: '' },
        );
        await product.check(ask);
        const datadir = `${host.paths.version(template, version ?? '')}/datadir`;
        const { stdout } = await execa('grep', ['-rlia', secret, datadir], { reject: false });
        assert.equal(stdout, '');
      });

      it('that cannot be applied is told, with all that is in its way, and nothing is published', async () => {
        const template = `wrong_${name}`;
        await host.writeDump(`${template}.sql`, small);
        const tables = {
          people: { mail: 'e-mail', short: 'e-mail', email: 'null', born: 'name', loud: 'hash' },
          persons: { name: 'hash' },
          shown: { email: 'hash' },
          lone: { code: { fixed: 'x' } },
        };
        await host.writeDump(`${template}.mask.json`, JSON.stringify({ tables }));
        const { state, error } = await update(template);
        assert.deepEqual([state, error?.code], ['failed', 'MYAAS_DUMP_BAD']);
        for (const why of [
          /people\.mail: there is no such column/,
          /people\.short: it is too short for "e-mail": 10, where 28 are needed/,
          /people\.email: it is NOT NULL/,
          /people\.born: it is of type date, and "name" is text/,
          /people\.loud: it is generated from other columns/,
          /persons\.name: there is no such column/,
          /shown\.email: it belongs to a view/,
          /lone\.code: it is unique, and "fixed" gives many rows/,
          /give both the same rule, since foreign key mailed/,
        ])
          assert.match(error?.message ?? '', why);
        const { status } = await host.api('POST', '/v1/instances', { body: { template, name: 'x' } });
        assert.equal(status, 404);
      });

      it('that the data refuses is told, and nothing is published', async () => {
        const template = `refused_${name}`;
        await host.writeDump(`${template}.sql`, small);
        const tables = { checked: { name: { fixed: 'a' } } };
        await host.writeDump(`${template}.mask.json`, JSON.stringify({ tables }));
        const { state, error } = await update(template);
        assert.deepEqual([state, error?.code], ['failed', 'MYAAS_DUMP_BAD']);
        assert.match(error?.message ?? '', /checked: .*constraint.*\(error (?:3819|23514)\)/i);
      });

      it('comes after the hooks: statements, and a program with the client of the server image', async () => {
        const template = `hooked_${name}`;
        await host.writeDump(`${template}.sql`, small);
        await host.writeDump(`${template}.after-import.sql`, `insert into lone values ('${secret}');\n`);
        const program = `#!/bin/sh -e\n${product.client} "insert into lone values ('$MYAAS_TEMPLATE')"\n`;
        await host.writeDump(`${template}.after-import`, program);
        await chmod(`${host.dumpsDir}/${template}.after-import`, 0o755);
        await host.writeDump(`${template}.mask.json`, JSON.stringify({ tables: { lone: { code: 'hash' } } }));
        const { error, version } = await update(template);
        assert.equal(error, null);
        const instance = await host.create(template, 'look');
        const codes = (await product.ask(instance, 'select code from lone')).map(({ code }) => String(code));
        assert.equal(codes.length, 3);
        for (const code of codes) assert.match(code, /^[0-9a-f]{32}$/);
        const datadir = `${host.paths.version(template, version ?? '')}/datadir`;
        const { stdout } = await execa('grep', ['-rlia', secret, datadir], { reject: false });
        assert.equal(stdout, '');
      });

      it('is not come to when a hook fails, which is told with what it said', async () => {
        const template = `bad_${name}`;
        await host.writeDump(`${template}.sql`, small);
        await host.writeDump(`${template}.after-import.sql`, `select 1;\ninsert into nowhere values (1);\n`);
        const statement = await update(template);
        assert.deepEqual([statement.state, statement.error?.code], ['failed', 'MYAAS_DUMP_BAD']);
        assert.match(statement.error?.message ?? '', /after-import\.sql: line 2: .*nowhere/);
        await rm(`${host.dumpsDir}/${template}.after-import.sql`);
        const program = `#!/bin/sh -e\n${product.client} "insert into nowhere values (1)"\n`;
        await host.writeDump(`${template}.after-import`, program);
        await chmod(`${host.dumpsDir}/${template}.after-import`, 0o755);
        const { state, error } = await update(template);
        assert.deepEqual([state, error?.code], ['failed', 'MYAAS_DUMP_BAD']);
        assert.match(error?.message ?? '', /ended with exit code [1-9]\. It said last:.*nowhere/s);
      });

      it('that is missing, where the operator asks for one, keeps it from being published', async () => {
        const template = `listed_${name}`;
        await host.writeDump(`${template}.sql`, small);
        assert.equal((await update(template)).error?.code, 'MYAAS_MASK_MISSING');
      });
    });
  }
});
