import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { zstdCompressSync } from 'node:zlib';
import type { Import, Template } from '../../daemon/contract/templates.ts';
import { importAndCompare } from '../support/compare.ts';
import { startHost, type TestHost } from '../support/daemon.ts';
import { startPlainServer, type PlainServer } from '../support/plain.ts';

const rows = (count: number, row: (id: number) => string): string =>
  Array.from({ length: count }, (_, index) => row(index + 1)).join(',');

/** Seven tables, one of them empty. */
const shop = `
create table customers (id int not null auto_increment primary key, name varchar(50), key (name)) engine=InnoDB;
insert into customers values ${rows(9000, (id) => `(${String(id)},'customer ${String(id)} of a small shop')`)};
create table orders (id int not null auto_increment primary key, customer_id int, at timestamp null,
  constraint bought foreign key (customer_id) references customers (id)) engine=InnoDB;
insert into orders values ${rows(900, (id) => `(${String(id)},${String(id)},'2024-05-01 12:00:00')`)};
create table items (id int primary key, order_id int, t text,
  foreign key (order_id) references orders (id) on delete cascade) engine=InnoDB;
insert into items values ${rows(500, (id) => `(${String(id)},${String(id)},'it''s; "an" item (${String(id)})')`)};
create table \`odd; näme\` (b varbinary(20), g int generated always as (1) virtual) engine=MyISAM;
insert into \`odd; näme\` (b) values (0x00ff27), ('\\\\');
create table numbers (n double, d decimal(20,5), j json) engine=Aria;
insert into numbers values (1.5e300, -0.5, '{"a": 1}'), (null, null, null);
create table nothing_in_it (id int);
create table parted (id int primary key) partition by hash (id) partitions 3;
insert into parted values (1), (2), (3);
`;
const objects = `
create view expensive as select id, name from customers where id > 10;
create trigger counted before insert on orders for each row set new.at = coalesce(new.at, now());
create procedure tidy() delete from items where id < 0;
create event nightly on schedule every 1 day starts '2037-01-01' disable do delete from items where id < 0;
`;
const options = ['--routines', '--events', '--triggers', '--hex-blob'];

interface Case {
  readonly what: string;
  readonly before: string;
  readonly change: string;
  /** How many tables are left as they were; undefined for a full load. */
  readonly kept: number | undefined;
  readonly options?: readonly string[];
}

/** Some 20 MB of rows as mariadb-dump writes them, numbered by `ids`, and a small table. */
function growing(ids: readonly number[], last = ''): Buffer {
  const text = String.raw`it\'s (a); "b" `.repeat(12);
  const statements = Array.from({ length: Math.ceil(ids.length / 400) }, (_, index) => {
    const own = ids.slice(index * 400, index * 400 + 400);
    return `INSERT INTO \`log\` VALUES\n${own.map((id) => `(${String(id)},${String(id * 3)},'${text}')`).join(',\n')};\n`;
  });
  return Buffer.from(`CREATE TABLE \`log\` (
  \`id\` int(11) NOT NULL AUTO_INCREMENT,
  \`number\` int(11) DEFAULT NULL,
  \`text\` varchar(300) DEFAULT NULL,
  PRIMARY KEY (\`id\`),
  KEY \`number\` (\`number\`)
) ENGINE=InnoDB AUTO_INCREMENT=${String(1 + Math.max(...ids))} DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
LOCK TABLES \`log\` WRITE;
${statements.join('')}UNLOCK TABLES;
create table other (id int);
insert into other values (1);
${last}`);
}

/** By the name of their template. */
const cases: Readonly<Record<string, Case>> = {
  rows_differ: {
    what: 'when some of its rows are others, and whatever refers to it',
    before: shop + objects,
    change: `update customers set name = 'another' where id = 77; insert into orders values (5000, 1, null)`,
    kept: 5,
  },
  tables_differ: {
    what: 'when it is new, and drop it when it is gone',
    before: shop,
    change: `create table added (id int auto_increment primary key, o int, foreign key (o) references orders (id));
      insert into added values (null, 5); drop table parted; alter table numbers add k int default 5;
      alter table orders auto_increment = 7777;`,
    kept: 4,
  },
  view_differs: {
    what: 'in a dump whose views have changed, but all of them',
    before: shop + objects,
    change: 'create or replace view expensive as select 1 as one',
    kept: undefined,
  },
  structure_differs: {
    what: 'in a dump with views whose tables look otherwise, but all of them',
    before: shop + objects,
    change: 'alter table items add k int',
    kept: undefined,
  },
  databases: {
    what: 'of several databases',
    before: `${shop} create database myaas_other; create table myaas_other.items (id int); insert into myaas_other.items values (1);`,
    change: 'insert into myaas_other.items values (2)',
    kept: 7,
    options: ['--databases', 'source', 'myaas_other'],
  },
};

describe('an import after another loads a table', function () {
  this.timeout(300_000);
  let host: TestHost;
  let plain: PlainServer;

  before(async () => {
    host = await startHost();
    plain = await startPlainServer();
  });
  after(async () => {
    await host.stop();
    await plain[Symbol.asyncDispose]();
  });

  const compare = (template: string, sql: Buffer, packed = true) =>
    importAndCompare(host, plain, template, sql, packed);

  /** What mariadb-dump says before and after a change. */
  async function dumpTwice({ before, change, options: own = ['source'] }: Case): Promise<[Buffer, Buffer]> {
    await plain.dropDatabases();
    await plain.load(before, 'source');
    const first = await plain.dump([...options, ...own]);
    await plain.load(`use source; ${change};`);
    const second = await plain.dump([...options, ...own]);
    return [first, Buffer.concat([second, Buffer.from('\n-- Dump completed later\n')])];
  }

  for (const [template, each] of Object.entries(cases)) {
    it(`only ${each.what}`, async () => {
      const [first, second] = await dumpTwice(each);
      assert.equal((await compare(template, first)).summary?.kept, undefined);
      assert.equal((await compare(template, second)).summary?.kept, each.kept);
    });
  }

  describe('by its last rows alone', () => {
    const ids = Array.from({ length: 100_000 }, (_, index) => 1 + 2 * index);
    const swapped = [...ids.slice(800, 1200), ...ids.slice(0, 800), ...ids.slice(1200)];
    for (const [template, what, before, after, partial] of [
      ['grown', 'when there are more', growing(ids), growing([...ids, 300_000, 300_001]), 1],
      ['renewed', 'when they are others', growing(ids), growing([...ids.slice(0, 99_000), 500_000]), 1],
      ['shrunk', 'when there are fewer', growing(ids), growing(ids.slice(0, 95_000)), 1],
      [
        'disordered',
        'not when those before have no order',
        growing(swapped),
        growing([...swapped, 300_000]),
        0,
      ],
      ['begun', 'not when the first are others', growing(ids), growing([...ids.slice(1), 300_000]), 0],
      [
        'triggered',
        'not when a trigger would see them',
        growing(ids, 'create trigger t before insert on log for each row set new.number = 7;'),
        growing([...ids, 300_000], 'create trigger t before insert on log for each row set new.number = 7;'),
        0,
      ],
    ] as const) {
      it(what, async () => {
        const isPacked = template !== 'grown';
        await compare(template, before, isPacked);
        const { summary } = await compare(template, after, isPacked);
        assert.deepEqual([summary?.kept, summary?.partial], [1, partial]);
        assert.equal((await compare(template, after, isPacked)).state, 'unchanged');
      });
    }
  });

  it('by its last rows alone in a dump that the server has made', async () => {
    const ids = Array.from({ length: 100_000 }, (_, index) => 1 + index);
    const change = `insert into log select null, 7, 'more' from log limit 50; update log set text = '"' where id = 99999`;
    const before = growing(ids).toString();
    const [first, second] = await dumpTwice({ what: '', before, change, kept: 1 });
    await compare('dumped', first);
    const { summary } = await compare('dumped', second);
    assert.deepEqual([summary?.kept, summary?.partial], [1, 1]);
  });

  it('never when nothing has changed but the time of the dump, of which the version is then', async () => {
    const [first, second] = await dumpTwice({ what: '', before: shop + objects, change: 'do 1', kept: 0 });
    const version = async () => {
      const { body } = await host.api<Template>('GET', '/v1/templates/nothing_differs');
      return body.versions.map(({ version: name, importedAt, dumpModifiedAt }) => ({
        ...{ name, importedAt, dumpModifiedAt },
      }));
    };
    await compare('nothing_differs', first);
    const before = await version();
    assert.equal((await compare('nothing_differs', second)).state, 'unchanged');
    const after = await version();
    assert.deepEqual(
      after.map(({ name, importedAt }) => ({ name, importedAt })),
      before.map(({ name, importedAt }) => ({ name, importedAt })),
    );
    assert.notEqual(after[0]?.dumpModifiedAt, before[0]?.dumpModifiedAt);
    await host.serve.stop();
    await host.serve.start();
    assert.deepEqual(await version(), after);
    assert.equal((await host.update(['nothing_differs'])).imports[0]?.state, 'unchanged');
  });

  it('always when it is asked to', async () => {
    await host.writeDump('forced.sql', 'create table t (id int); insert into t values (1);');
    await host.update(['forced']);
    const [forced] = (await host.update(['forced'], true)).imports;
    assert.deepEqual([forced?.state, forced?.summary?.kept], ['imported', undefined]);
  });

  it('always when the session is set otherwise before it', async () => {
    const dump = (zone: string) =>
      Buffer.from(
        `set time_zone = '${zone}'; create table t (at timestamp null); insert into t values ('2024-01-01');` +
          `set time_zone = '+00:00'; create table u (at timestamp null); insert into u values ('2024-01-01');`,
      );
    await compare('zones', dump('+01:00'));
    assert.equal((await compare('zones', dump('+02:00'))).summary?.kept, 1);
  });

  it('always when a hook or a mask was or is to be applied', async () => {
    const [first, second] = await dumpTwice(cases['rows_differ'] as Case);
    await compare('masked', first);
    const mask = { tables: { customers: { name: 'name' } } };
    await host.writeDump('masked.mask.json', JSON.stringify(mask));
    const under = async (sql: Buffer): Promise<Import | undefined> => {
      await host.writeDump('masked.sql.zst', zstdCompressSync(sql));
      return (await host.update(['masked'])).imports[0];
    };
    const masked = await under(second);
    assert.deepEqual([masked?.error, masked?.summary?.kept], [null, undefined]);
    await rm(`${host.dumpsDir}/masked.mask.json`);
    const unmasked = await under(first);
    assert.deepEqual([unmasked?.error, unmasked?.summary?.kept], [null, undefined]);
  });
});
