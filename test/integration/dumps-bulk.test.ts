import assert from 'node:assert/strict';
import { importAndCompare, long, many, type BulkCase } from '../support/compare.ts';
import { startHost, type TestHost } from '../support/daemon.ts';
import { oddDump, oddRowCount, type Form } from '../support/odd-dumps.ts';
import { startPlainServer, type PlainServer } from '../support/plain.ts';

const header = `/*!40101 SET NAMES utf8mb4 */;
/*!40103 SET TIME_ZONE='+00:00' */;
/*!40014 SET UNIQUE_CHECKS=0 */;
/*!40014 SET FOREIGN_KEY_CHECKS=0 */;
/*!40101 SET SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */;
`;

/** By the name of their template. */
const cases: Readonly<Record<string, BulkCase>> = {
  keys: {
    what: 'foreign keys, triggers, views and rows that come from other tables',
    sql: `${header}
create table parent (id int primary key, t varchar(50), unique key (t));
${many('insert into parent', (id) => `(${String(id)},'${long} ${String(id)}')`)}
create table child (id int primary key, parent_id int, t varchar(50), foreign key (parent_id) references parent (id));
${many('insert into child', (id) => `(${String(id)},${String(id)},'${long}')`)}
insert into child values (0, 1, 'small');
create table copied as select id, t from child where id < 100;
create trigger counted before insert on child for each row set new.t = concat(new.t, '!');
insert into child values (-1, 1, 'with a trigger');
${many('insert into child', (id) => `(${String(id + 100_000)},${String(id)},'${long}')`)}
create view seen as select count(*) from parent;
update parent set t = 'changed' where id = 5;
alter table parent add key (id, t);
`,
    tables: 2,
    plain: [/triggers/],
  },
  numbered: {
    what: 'numbers that the server gives',
    sql: `create table given (id int auto_increment primary key, t varchar(50)) auto_increment=500;
${many('insert into given', () => `(NULL,'${long}')`)}
${many('insert into given', (id) => `(${String(id + 90_000)},'${long}')`)}
create table zeros (id int auto_increment primary key, t varchar(50)) auto_increment=77;
${many('insert into zeros', () => `(0,'${long}')`)}
insert into zeros values (NULL, 'the next');`,
    tables: 2,
    plain: [/no value/, /numbered/],
  },
  doubtful: {
    what: 'values that only an INSERT understands',
    sql: `${header}
create table computed (id int primary key, t varchar(50));
${many('insert into computed', (id) => (id === 15_000 ? `(1+${String(id)},concat('x','y'))` : `(${String(id * 2)},'${long}')`))}
create table cut (id int primary key, t varchar(10));
${many('insert into cut', (id) => `(${String(id)},'${long}')`)}
create table whole (id int primary key, t varchar(50));
${many('insert into whole', (id) => `(${String(id)},'${long}')`)}`,
    tables: 3,
    plain: [/such as|no plain/, /warnings/],
  },
  turns: {
    what: 'tables that take turns, and one that is dropped and made anew',
    sql: `${header}
create table a (id int primary key, t varchar(50));
create table b (id int primary key, t varchar(50));
${many('insert into a', (id) => `(${String(id)},'${long}')`)}
${many('insert into b', (id) => `(${String(id)},'${long}')`)}
${many('insert into a', (id) => `(${String(id + 50_000)},'${long}')`)}
drop table if exists b;
create table b (id int primary key, t varchar(60));
${many('insert into b', (id) => `(${String(id)},'${long} again')`)}`,
    tables: 3,
    plain: [/more of its rows/],
  },
  session: {
    what: 'settings that change between tables',
    sql: `set names latin1; set time_zone = '+05:00';
create table latin (id int primary key, t varchar(50) character set utf8mb4, at timestamp);
${many('insert into latin', (id) => `(${String(id)},'Gr\xfc\xdfe','2024-01-01 00:00:00')`)}
set names utf8mb4; set time_zone = '-03:00'; set sql_mode = 'STRICT_ALL_TABLES,PAD_CHAR_TO_FULL_LENGTH';
create table utf8 (id int primary key, t char(50) character set latin1, at timestamp);
${many('insert into utf8', (id) => `(${String(id)},'\xc3\xbc','2024-01-01 00:00:00')`)}
set names cp1251;
create table cyrillic (id int primary key, t char(50) character set utf8mb4);
${many('insert into cyrillic', (id) => `(${String(id)},'\xcf\xf0 ${long}')`)}`,
    tables: 2,
    plain: [/character set/],
  },
  undone: {
    what: 'a transaction that is undone',
    sql: `create table kept (id int primary key, t varchar(50));
create table lost (id int primary key, t varchar(50));
start transaction;
${many('insert into kept', (id) => `(${String(id)},'${long}')`)}
commit;
set autocommit = 0;
${many('insert into lost', (id) => `(${String(id)},'${long}')`)}
rollback;
${many('insert into lost', (id) => `(${String(id + 5)},'${long}')`)}`,
    tables: 0,
    plain: [],
  },
};

const odd: readonly (readonly [template: string, form: Form, packed: boolean])[] = [
  ['odd_extended', 'extended', false],
  ['odd_lines', 'lines', true],
  ['odd_single', 'single', false],
  ['odd_spaced', 'spaced', true],
];

describe('tables loaded in bulk', function () {
  this.timeout(300_000);
  let host: TestHost;
  let plain: PlainServer;
  const seed = Math.floor(Math.random() * 2 ** 31);

  before(async () => {
    host = await startHost({ MYAAS_MEMORY_LIMIT: '2g' });
    plain = await startPlainServer();
  });
  after(async () => {
    await host.stop();
    await plain[Symbol.asyncDispose]();
  });

  const compare = (template: string, sql: Buffer, packed: boolean) =>
    importAndCompare(host, plain, template, sql, packed);

  for (const [template, { what, sql, tables, plain: reasons }] of Object.entries(cases)) {
    it(`are as the plain client makes them, with ${what}`, async () => {
      const { summary } = await compare(template, Buffer.from(sql, 'latin1'), false);
      assert.equal(summary?.tables ?? 0, tables);
      const told = summary?.plain.map(({ why }) => why) ?? [];
      assert.equal(told.length, reasons.length, told.join('\n'));
      reasons.forEach((reason, index) => assert.match(told[index] ?? '', reason));
    });
  }

  for (const [template, form, packed] of odd) {
    it(`are as the plain client makes them, whatever is in them (${form}, seed ${String(seed)})`, async () => {
      const { summary } = await compare(template, oddDump(seed, form, header), packed);
      assert.equal(summary?.tables, 5);
      assert.deepEqual(summary.plain, []);
      assert.equal(summary.rows, 5 * oddRowCount);
    });
  }

  for (const [what, template, sql, why] of [
    [
      'a duplicate key',
      'duplicate',
      `create table t (id int primary key, t varchar(50));\n\n${many('insert into t', (id) => `(${String(id % 19_999)},'${long}')`)}`,
      /^duplicate\.sql: line 3: Duplicate entry '1' for key 'PRIMARY' \(error 1062\)/,
    ],
    [
      'a duplicate in a secondary key',
      'secondary',
      `create table t (id int primary key, u int unique, t varchar(50));\n${many('insert into t', (id) => `(${String(id)},${String(id % 19_999)},'${long}')`)}`,
      /^secondary\.sql: line 2: Duplicate entry '1' for key 'u' \(error 1062\)/,
    ],
    [
      'a value too long, after other tables',
      'too_long',
      `create table a (id int primary key, t varchar(50));\n${many('insert into a', (id) => `(${String(id)},'${long}')`)}
create table t (id int primary key, t varchar(10));\n${many('insert into t', (id) => `(${String(id)},'${id === 5 ? long : 'short enough'.slice(0, 9)}')`)}`,
      /^too_long\.sql: line 5: Data too long for column 't' at row 5 \(error 1406\)/,
    ],
    [
      'its end in the middle of a row',
      'halved',
      many(
        'create table t (id int primary key, t varchar(50));\ninsert into t',
        (id) => `(${String(id)},'${long}')`,
      ).slice(0, -30),
      /^halved\.sql: line 2: You have an error in your SQL syntax/,
    ],
  ] as const) {
    it(`fail as with the plain client for ${what}`, async () => {
      await host.writeDump(`${template}.sql`, sql);
      const [failed] = (await host.update([template])).imports;
      assert.equal(failed?.state, 'failed');
      assert.match(failed.error?.message ?? '', why);
    });
  }
});
