import assert from 'node:assert/strict';
import { chmod, chown, cp, rm } from 'node:fs/promises';
import { execa } from 'execa';
import type { Connection, RowDataPacket } from 'mysql2/promise';
import type { Import } from '../../daemon/contract/templates.ts';
import { startHost, type TestHost } from '../support/daemon.ts';
import { startPlainServer } from '../support/plain.ts';

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

  it('leaves no trace of the old values in a backup that is used as it is', async () => {
    await using plain = await startPlainServer();
    await plain.load(dump, 'physical');
    // Its pages go to the disk by way of its doublewrite buffer.
    await plain.restart();
    const directory = await plain.makeDirectory('backup');
    await plain.run(
      `mariadb-backup --no-defaults --backup -S /plain/s --user=root --target-dir=${directory}`,
    );
    await cp(directory, `${host.dumpsDir}/physical`, { recursive: true });
    const { 'masked.kept': kept, ...others } = mask.tables;
    const own = { ...others, 'physical.kept': kept };
    await host.writeDump('physical.mask.json', JSON.stringify({ tables: own }));
    const { error, version } = await update('physical');
    assert.equal(error, null);
    const datadir = `${host.paths.version('physical', version ?? '')}/datadir`;
    const { stdout } = await execa('grep', ['-rlia', secret, datadir], { reject: false });
    assert.equal(stdout, '');
    await withInstance('physical', async (connection) => {
      const [[person], [other]] = [
        await ask(connection, 'select email from people where id = 7'),
        await withInstance('masked', async (elsewhere) =>
          ask(elsewhere, 'select email from people where id = 7'),
        ),
      ];
      assert.notDeepEqual(person, other, 'Two templates cannot be joined by what is masked.');
    });
  });

  describe('that cannot be applied', () => {
    const small = `
      create table people (id int primary key, email varchar(80) not null unique, short varchar(10), born date,
        upper_email varchar(80) as (upper(email)));
      insert into people (id, email) values (1, 'a@b.example'), (2, 'c@d.example');
      create table orders (id int primary key, person int, email varchar(80),
        constraint mailed foreign key (email) references people (email));
      create view shown as select * from people;
      create table checked (name varchar(60) check (name like 'x%'));
      insert into checked values ('xy');`;

    for (const [template, content, why] of [
      ['no_json', '{', /^no_json\.mask\.json: it is no JSON: /],
      ['no_mask', '{"tables": {"people": {"email": "scramble"}}}', /it is no mask: \/tables\/people\/email /],
      ['more', '{"tables": {}, "colums": 1}', /it is no mask: /],
      [
        'no_column',
        '{"tables": {"people": {"mail": "e-mail"}}}',
        /no_column\.people\.mail: there is no such column/,
      ],
      [
        'no_table',
        '{"tables": {"persons": {"mail": "e-mail"}}}',
        /no_table\.persons\.mail: there is no such column/,
      ],
      [
        'short',
        '{"tables": {"people": {"short": "e-mail"}}}',
        /too short for "e-mail": 10, where 28 are needed/,
      ],
      ['not_null', '{"tables": {"people": {"email": "null"}}}', /it is NOT NULL/],
      [
        'same',
        '{"tables": {"people": {"email": {"fixed": "x"}}}}',
        /it is unique, and "fixed" gives many rows/,
      ],
      ['typed', '{"tables": {"people": {"born": "name"}}}', /it is of type date, and "name" is text/],
      ['generated', '{"tables": {"people": {"upper_email": "hash"}}}', /it is generated from other columns/],
      ['view', '{"tables": {"shown": {"email": "hash"}}}', /it belongs to a view/],
      [
        'torn',
        '{"tables": {"people": {"email": "hash"}}}',
        /give both the same rule, since foreign key mailed/,
      ],
      [
        'refused',
        '{"tables": {"checked": {"name": {"fixed": "a"}}}}',
        /refused\.checked: .*CONSTRAINT.*\(error 4025\)/,
      ],
    ] as const) {
      it(`is told, and nothing is published (${template})`, async () => {
        await host.writeDump(`${template}.sql`, small);
        await host.writeDump(`${template}.mask.json`, content);
        const { state, error } = await update(template);
        assert.equal(state, 'failed');
        assert.equal(error?.code, 'MYAAS_DUMP_BAD');
        assert.match(error.message, why);
        assert.equal((await host.api('GET', `/v1/templates/${template}`)).status, 200);
        assert.equal(
          (await host.api('POST', '/v1/instances', { body: { template, name: 'x' } })).status,
          404,
        );
      });
    }

    it('since its name is another is no reason to publish without it', async () => {
      await host.writeDump('misnamed.sql', small);
      await host.writeDump('misnamed.mask.yaml', 'tables: {}');
      assert.match(
        (await update('misnamed')).error?.message ?? '',
        /misnamed\.mask\.yaml has a name that means nothing/,
      );
    });

    it('since it is missing, where the operator or a former mask asks for one, is as bad', async () => {
      await host.writeDump('listed.sql', small);
      assert.equal((await update('listed')).error?.code, 'MYAAS_MASK_MISSING');
      const required = JSON.stringify({ required: true, tables: { people: { born: 'null' } } });
      await host.writeDump('listed.mask.json', required);
      assert.equal((await update('listed')).state, 'imported');
      await host.writeDump('wanted.sql', small);
      await host.writeDump('wanted.mask.json', required);
      assert.equal((await update('wanted')).state, 'imported');
      await rm(`${host.dumpsDir}/wanted.mask.json`);
      const { state, error } = await update('wanted');
      assert.deepEqual([state, error?.code], ['failed', 'MYAAS_MASK_MISSING']);
    });
  });
});

describe('a program beside a dump', function () {
  this.timeout(120_000);
  let host: TestHost;

  before(async () => {
    host = await startHost({ MYAAS_HOOK_TIMEOUT: '2' });
  });
  after(() => host.stop());

  async function importWith(template: string, program: string, mode = 0o755, uid = 0): Promise<Import> {
    const path = `${host.dumpsDir}/${template}.after-import`;
    await host.writeDump(`${template}.sql`, 'create table t (a text); insert into t values (1);');
    await host.writeDump(`${template}.after-import`, program);
    await chown(path, uid, 0);
    await chmod(path, mode);
    const [only] = (await host.update([template])).imports;
    assert.ok(only);
    return only;
  }

  it('changes the data, with the client programs of the server image', async () => {
    const { error } = await importWith(
      'good',
      `#!/bin/sh -e\nmariadb "$MYAAS_DATABASE" -e "insert into t values ('$MYAAS_TEMPLATE')"\ntouch "$TMPDIR/x"\n`,
    );
    assert.equal(error, null);
    const instance = await host.create('good', 'look');
    const connection = await host.connect(instance);
    const [rows] = await connection.query('select a from t');
    connection.destroy();
    assert.deepEqual(rows, [{ a: '1' }, { a: 'good' }]);
    assert.equal((await host.update(['good'])).imports[0]?.state, 'unchanged');
    const changed = await importWith('good', '#!/bin/sh\ntrue\n');
    assert.equal(changed.state, 'imported', 'The program has changed.');
  });

  it('reaches no network, no file of the host, and no right', async () => {
    const { error } = await importWith(
      'closed',
      '#!/bin/sh\nls /sys/class/net; id -u; touch /x 2>&1; touch /var/lib/myaas/x 2>&1; ls /var/lib/myaas; grep CapEff /proc/self/status; exit 3\n',
    );
    const said = error?.message ?? '';
    assert.match(said, /^closed\.after-import: it ended with exit code 3\. It said last:\nlo\n[1-9]\d*\n/);
    assert.match(
      said,
      /\/x': Read-only file system\n.*x': Permission denied\nafter-import\ntmp\nCapEff:\s0+$/,
    );
  });

  for (const [what, template, program, mode, uid, why] of [
    [
      'that takes too long',
      'slow',
      '#!/bin/sh\necho here; sleep 60\n',
      0o755,
      0,
      /it ran for more than 2 s\. It said last:\nhere$/,
    ],
    ['that is no program', 'text', 'hello', 0o755, 0, /text\.after-import/],
    [
      'that others may write',
      'open',
      '#!/bin/sh\n',
      0o775,
      0,
      /can be written by others than root, so it is not run/,
    ],
    ['of somebody else', 'alien', '#!/bin/sh\n', 0o755, 65534, /does not belong to root, so it is not run/],
    ['that is not executable', 'dead', '#!/bin/sh\n', 0o644, 0, /is not executable, so it is not run/],
  ] as const) {
    it(`${what} fails its import`, async () => {
      const { state, error } = await importWith(template, program, mode, uid);
      assert.equal(state, 'failed');
      assert.notEqual(error?.code, 'MYAAS_INTERNAL');
      assert.match(error?.message ?? '', why);
    });
  }

  it('leaves nothing behind', async () => {
    const { containers, runDirectories } = await host.census();
    assert.deepEqual(
      [
        containers.filter((each) => !each.startsWith('server')),
        runDirectories.filter((each) => each.startsWith('import')),
      ],
      [[], []],
    );
  });
});
