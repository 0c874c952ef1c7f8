import assert from 'node:assert/strict';
import { readdir, stat } from 'node:fs/promises';
import type { Connection, RowDataPacket } from 'mysql2/promise';
import mysql from 'mysql2/promise';
import type { Instance } from '../../daemon/contract/instances.ts';
import { startHost, type TestHost } from '../support/daemon.ts';

/** Root's own rights, accounts and events, left by a dump for whoever clones it. */
const hostileDump = `
  create table t (a text);
  insert into t values ('kept');
  create user 'backdoor'@'%' identified by 'known';
  create user 'backdoor'@'localhost' identified by 'known';
  create user 'nobody'@'localhost';
  grant all privileges on *.* to 'backdoor'@'%' with grant option;
  grant all privileges on *.* to 'nobody'@'localhost';
  alter user root@localhost identified by 'known';
  set global init_connect = 'insert into hostile.t values (1)';
  set global event_scheduler = on;
  create event later on schedule every 1 second do insert into t values ('the event');
`;

const load = (path: string) => `load data infile '${path}' into table t`;
const write = (path: string) => `select 'taken' into outfile '${path}'`;

describe('a client with all rights of its instance', function () {
  this.timeout(120_000);
  let host: TestHost;
  let instance: Instance;
  let other: Instance;
  let connection: Connection;

  before(async () => {
    host = await startHost();
    await host.importDump('hostile', hostileDump);
    [instance, other] = [await host.create('hostile', 'mine'), await host.create('hostile', 'others')];
    connection = await host.connect(instance);
  });
  after(async () => {
    connection.destroy();
    await host.stop();
  });

  const value = async (sql: string): Promise<unknown> => {
    const [[row]] = await connection.query<RowDataPacket[]>(`select ${sql} as value`);
    return row?.['value'];
  };

  for (const statement of [
    load('/etc/passwd'),
    load('/run/myaas/mysqld.pid'),
    load('/proc/self/environ'),
    load('/var/lib/myaas/tmp/../datadir/mysql/global_priv.MAD'),
    write('/run/myaas/taken'),
    write('/var/lib/myaas/taken'),
    write('/tmp/taken'),
    write('/dev/shm/taken'),
    "select 'taken' into dumpfile '/usr/lib/mysql/plugin/taken.so'",
  ]) {
    it(`cannot ${statement}`, async () => {
      await assert.rejects(connection.query(statement), { errno: 1290 });
    });
  }

  it('reads no file outside of its own directory', async () => {
    for (const path of ['/etc/passwd', '/proc/self/environ', '/run/myaas/startup.sql'])
      assert.equal(await value(`load_file('${path}')`), null, path);
  });

  for (const [statement, errno] of [
    ["set global secure_file_priv = '/'", 1238],
    ["set global plugin_dir = '/var/lib/myaas/tmp'", 1238],
    ['set global skip_networking = off', 1238],
    ["install plugin evil soname 'evil.so'", 1126],
    ["install soname '../../../../var/lib/myaas/tmp/evil'", 1124],
    ["create function evil returns integer soname 'evil.so'", 1126],
    ["create function evil returns integer soname '/var/lib/myaas/tmp/evil.so'", 1124],
  ] as const) {
    it(`cannot ${statement}`, async () => {
      await assert.rejects(connection.query(statement), { errno });
    });
  }

  it('runs no program: plugins are those of the image, and nothing can be put beside them', async () => {
    const directory = String(await value('@@plugin_dir'));
    await assert.rejects(connection.query(write(`${directory}evil.so`)), { errno: 1290 });
  });

  it('writes no log outside of its data, where no limit of the disk would hold it', async () => {
    for (const path of ['/run/myaas/taken.log', '/etc/taken.log', '/var/lib/myaas/taken.log']) {
      await connection.query(`set global general_log = 0`);
      await connection
        .query(`set global general_log_file = '${path}'; set global general_log = 1; select 1`)
        .catch(() => undefined);
    }
    await connection.query(`set global general_log = 0`);
    const taken = (names: string[]) => names.filter((name) => name.includes('taken'));
    assert.deepEqual(taken(await readdir(host.paths.run(instance.id))), []);
    assert.deepEqual(taken(await readdir(host.paths.instance(instance.id))), []);
  });

  it('has a run directory that it cannot write, and that no other user of the host can list', async () => {
    const { uid, mode } = await stat(host.paths.run(instance.id));
    assert.deepEqual([uid, mode & 0o777], [0, 0o710]);
  });

  it("cannot reach another instance's server", async () => {
    await assert.rejects(
      connection.query(
        `create server neighbour foreign data wrapper mysql options (socket '${host.paths.run(other.id)}/mysqld.sock', user 'backdoor', password 'known');
         create table far (a text) engine=FEDERATED connection='neighbour'; select * from far`,
      ),
    );
    await connection.query(
      "change master to master_host='127.0.0.1', master_port=3306, master_user='backdoor', master_password='known'",
    );
    const password = other.password ?? '';
    await assert.rejects(
      mysql.createConnection({ host: instance.host, port: instance.port, user: instance.user, password }),
      /Access denied/,
    );
  });

  describe('whose dump was made by an enemy', () => {
    it('lets nobody in whom the dump has brought', async () => {
      for (const [user, password] of [
        ['backdoor', 'known'],
        ['root', 'known'],
        ['root', ''],
        ['nobody', ''],
        ['', ''],
      ] as const) {
        const { host: address, port } = other;
        await assert.rejects(
          mysql.createConnection({ host: address, port, user, password }),
          /Access denied|Account is locked|account is locked/i,
          `${user}, ${password}`,
        );
      }
    });

    it('does nothing of what the dump has prepared', async () => {
      const fresh = await host.connect(other);
      const [[state]] = await fresh.query<RowDataPacket[]>(
        'select @@event_scheduler as events, @@init_connect as init, @@general_log as log',
      );
      const [rows] = await fresh.query('select a from t');
      fresh.destroy();
      assert.deepEqual(state, { events: 'OFF', init: '', log: 0 });
      const written = (rows as RowDataPacket[]).map((row) => String(row['a']));
      // The event may have run while the dump was loaded, as with the plain client.
      assert.deepEqual(
        written.filter((a) => a !== 'the event'),
        ['kept'],
      );
    });
  });
});

describe('a hostile dump', function () {
  this.timeout(120_000);
  let host: TestHost;

  before(async () => {
    host = await startHost();
  });
  after(() => host.stop());

  for (const [what, template, statement, why] of [
    ['reads a file of the server', 'reads', "load data infile '/etc/passwd' into table t;", /1290/],
    [
      'reads a file beside the client',
      'local',
      "load data local infile '/etc/passwd' into table t;",
      /error (?:4166|1148|2068)/,
    ],
    ['writes beside the socket', 'writes', "select 1 into outfile '/run/myaas/x';", /1290/],
    [
      'loads a program into the server',
      'loads',
      "create function f returns integer soname 'evil.so';",
      /1126/,
    ],
    [
      'calls a program by another delimiter',
      'calls',
      'delimiter \\!\nselect 1\\!\ndelimiter ;\n\\! id',
      /sandbox/,
    ],
  ] as const) {
    it(`that ${what} fails, and its template is not published`, async () => {
      await host.writeDump(`${template}.sql`, `create table t (a text);\n${statement}\n`);
      const [made] = (await host.update([template])).imports;
      assert.equal(made?.state, 'failed');
      assert.match(made.error?.message ?? '', why);
      assert.deepEqual(await host.census(), {
        rows: [],
        containers: [],
        directories: [],
        runDirectories: [],
      });
    });
  }
});
