import assert from 'node:assert/strict';
import { importAndCompare, long, many, type BulkCase } from '../support/compare.ts';
import { startHost, type TestHost } from '../support/daemon.ts';
import { imageOfServers } from '../support/image.ts';
import { oddDump, oddTables } from '../support/odd-dumps.ts';
import { startPlainServer, type PlainServer } from '../support/plain.ts';

const header = `-- MySQL dump 10.13  Distrib 9.7.0, for Linux (x86_64)
/*!50503 SET NAMES utf8mb4 */;
/*!40103 SET TIME_ZONE='+00:00' */;
/*!40014 SET UNIQUE_CHECKS=0 */;
/*!40014 SET FOREIGN_KEY_CHECKS=0 */;
/*!40101 SET SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */;
`;
const end = '-- Dump completed on 2026-01-01  0:00:00\n';

/** By the name of their template. */
const cases: Readonly<Record<string, BulkCase>> = {
  mysql_keys: {
    what: 'foreign keys, each of them to the table before, triggers and views',
    sql: `create table parent (id int primary key, t varchar(50), unique key (t));
${many('insert into parent', (id) => `(${String(id)},'${long} ${String(id)}')`)}
create table child (id int primary key, parent_id int, t varchar(50), key t (t), foreign key (parent_id) references parent (id));
${many('insert into child', (id) => `(${String(id)},${String(id)},'${long}')`)}
create table grandchild (id int primary key, child_id int, foreign key (child_id) references child (id), t varchar(50));
${many('insert into grandchild', (id) => `(${String(id)},${String(id)},'${long}')`)}
create trigger counted before insert on child for each row set new.t = concat(new.t, '!');
insert into child values (-1, 1, 'with a trigger');
create view seen as select count(*) from parent;`,
    tables: 3,
    plain: [],
  },
  mysql_indexes: {
    what: 'indexes of all kinds',
    sql: `create table indexed (id int not null auto_increment, n int, t varchar(50), j json, p point not null srid 0,
  primary key (id), unique key u (n), key t (t(7) desc, n), key \`odd; \`\` näme\` (t) comment 'a, b', key c ((n + 1)),
  key hidden (n, id) invisible, fulltext key f (t)) auto_increment=90000;
${many('insert into indexed', (id) => `(${String(id)},${String(id * 2)},'${long}','{"a": ${String(id)}}',0x00000000010100000000000000000000000000000000000000)`)}
create table counted (a int not null, id int not null auto_increment, t varchar(50), primary key (a, id), key id (id));
${many('insert into counted', (id) => `(7,${String(id)},'${long}')`)}`,
    tables: 2,
    plain: [],
  },
  mysql_columns: {
    what: 'columns that the dump says nothing of',
    sql: `create table some (id int primary key, t varchar(50), made datetime default '2020-01-01', twice int generated always as (id * 2) stored,
  loud varchar(50) generated always as (upper(t)) virtual, key loud (loud));
${many('insert into some (id, t)', (id) => `(${String(id)},'${long}')`)}
create table all_of_it (id int primary key, t varchar(50), twice int generated always as (id * 2) stored, key twice (twice));
${many('insert into all_of_it (id, t)', (id) => `(${String(id)},'${long}')`)}
create table expressed (id int primary key, t varchar(50), u varchar(50) default (concat('a', 'b')));
${many('insert into expressed', (id) => `(${String(id)},'${long}','')`)}`,
    tables: 2,
    plain: [/columns left out/],
  },
  mysql_undone: {
    what: 'a transaction that is undone',
    sql: `create table kept (id int primary key, t varchar(50));
create table lost (id int primary key, t varchar(50));
start transaction;
${many('insert into kept', (id) => `(${String(id)},'${long}')`)}
commit;
begin;
${many('insert into lost', (id) => `(${String(id)},'${long}')`)}
rollback;
${many('insert into lost', (id) => `(${String(id + 5)},'${long}')`)}`,
    tables: 0,
    plain: [],
  },
  mysql_cut: {
    what: 'values that do not fit',
    sql: `create table cut (id int primary key, t varchar(10), d date not null default '0000-00-00', key t (t));
${many('insert into cut', (id) => `(${String(id)},'${long}','0000-00-00')`)}`,
    tables: 1,
    plain: [/warnings/],
  },
};

describe('tables loaded in bulk into MySQL', function () {
  this.timeout(600_000);
  let host: TestHost;
  let plain: PlainServer | undefined;
  const seed = Math.floor(Math.random() * 2 ** 31);

  before(async () => {
    host = await startHost({ MYAAS_MYSQL_IMAGE: '', MYAAS_MEMORY_LIMIT: '2g' });
    await host.importDump('first', `${header}create table t (id int);\n${end}`);
    plain = await startPlainServer(await imageOfServers(host, 'first'));
  });
  after(async () => {
    await host.stop();
    await plain?.[Symbol.asyncDispose]();
  });

  const compare = (template: string, dump: Buffer, packed = false) =>
    importAndCompare(host, plain ?? assert.fail(), template, dump, packed);

  for (const [template, { what, sql, tables, plain: reasons }] of Object.entries(cases)) {
    it(`are as the plain client makes them, with ${what}`, async () => {
      const dump = Buffer.from(`${header}${sql}\n${end}`);
      const { summary } = await compare(template, dump);
      const told = summary?.plain.map(({ why }) => why) ?? [];
      assert.equal(summary?.tables ?? 0, tables, told.join('\n'));
      assert.equal(told.length, reasons.length, told.join('\n'));
      reasons.forEach((reason, index) => assert.match(told[index] ?? '', reason));
    });
  }

  for (const [template, form, packed] of [
    ['mysql_extended', 'extended', false],
    ['mysql_spaced', 'spaced', true],
  ] as const) {
    it(`are as the plain client makes them, whatever is in them (${form}, seed ${String(seed)})`, async () => {
      // A generated column has no values in MySQL's dumps.
      const names = oddTables.filter((name) => name !== 'computed');
      const dump = Buffer.concat([oddDump(seed, form, header, names), Buffer.from(end)]);
      const { summary } = await compare(template, dump, packed);
      assert.equal(summary?.tables, names.length);
      assert.ok(summary.plain.length <= 1, JSON.stringify(summary.plain));
    });
  }

  it('are only those that have changed, when another version was there before', async () => {
    const [name, text] = ['mysql_changed', `${long} '' \\" `.repeat(6)];
    const table = (own: string, count: number) =>
      `CREATE TABLE \`${own}\` (\n  \`id\` int NOT NULL AUTO_INCREMENT,\n  \`t\` varchar(300) DEFAULT NULL,\n  PRIMARY KEY (\`id\`),\n` +
      `  KEY \`t\` (\`t\`)\n) ENGINE=InnoDB AUTO_INCREMENT=${String(count + 1)} DEFAULT CHARSET=utf8mb4;\n` +
      Array.from({ length: count / 1000 }, (_, block) =>
        many(`INSERT INTO \`${own}\``, (id) => `(${String(block * 1000 + id)},'${text}')`, 1000),
      ).join('');
    const dump = (grown: number, changed: string) =>
      Buffer.from(
        `${header}${table('grown', grown)}${table('same', 1000)}create table changed (id int);\ninsert into changed values (${changed});\n${end}`,
      );
    await compare(name, dump(90_000, '1'));
    const { summary } = await compare(name, dump(92_000, '2'));
    assert.deepEqual([summary?.kept, summary?.partial], [1, 1]);
  });

  it('fail as with the plain client for a duplicate key', async () => {
    const sql = `create table t (id int primary key, u int, t varchar(50), key t (t), unique key u (u));\n${many('insert into t', (id) => `(${String(id)},${String(id % 19_999)},'${long}')`)}`;
    await host.writeDump('mysql_twice.sql', `${header}${sql}${end}`);
    const [failed] = (await host.update(['mysql_twice'])).imports;
    assert.equal(failed?.state, 'failed');
    assert.match(
      failed.error?.message ?? '',
      /^mysql_twice\.sql: line 8: Duplicate entry '1' for key 't\.u' \(error 1062\)/,
    );
  });
});
