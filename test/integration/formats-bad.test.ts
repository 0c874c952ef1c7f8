import assert from 'node:assert/strict';
import { cp, mkdir, readdir, readFile, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { execa } from 'execa';
import type { Job } from '../../daemon/contract/templates.ts';
import { startHost, type Census, type TestHost } from '../support/daemon.ts';
import { startPlainServer } from '../support/plain.ts';

const good =
  'create table t (a int primary key, b text); insert into t values (1, 2); create table u (a int);';

interface BadCase {
  readonly what: string;
  readonly template: string;
  /** Which of the good ones it is made of. */
  readonly of?: 'backup' | 'dumper' | 'tab';
  readonly make: (path: string) => Promise<unknown>;
  readonly why: RegExp;
}

const checkpoints = 'mariadb_backup_checkpoints';
const edit = async (path: string, from: RegExp, to: string) =>
  writeFile(path, (await readFile(path, 'utf8')).replace(from, to));

const cases: readonly BadCase[] = [
  {
    what: 'with nothing in it',
    template: 'nothing',
    make: (path) => mkdir(path),
    why: /^nothing: there is nothing in it/,
  },
  {
    what: 'of anything',
    template: 'anything',
    make: async (path) => {
      await mkdir(path);
      await writeFile(`${path}/a.sql`, good);
    },
    why: /^anything: it is no dump: there is no metadata of mydumper/,
  },
  {
    what: 'of MySQL Shell',
    template: 'shell',
    make: async (path) => {
      await mkdir(path);
      await writeFile(`${path}/@.json`, '{}');
    },
    why: /MySQL Shell/,
  },
  {
    what: 'that is a link out of the dumps',
    template: 'outside',
    make: (path) => symlink('/etc', path),
    why: /^outside: is a symbolic link that leaves the dumps directory/,
  },
  {
    what: 'with a name that no template can have',
    template: 'no name',
    make: (path) => mkdir(path),
    why: /cannot be a template name/,
  },
  {
    what: 'of mydumper that is not finished',
    template: 'partial',
    of: 'dumper',
    make: (path) => rename(`${path}/metadata`, `${path}/metadata.partial`),
    why: /^partial: mydumper has not finished it/,
  },
  {
    what: 'of mydumper whose metadata has no end',
    template: 'endless',
    of: 'dumper',
    make: (path) => edit(`${path}/metadata`, /^Finished.*/m, ''),
    why: /^endless: mydumper has not finished it/,
  },
  {
    what: 'of mydumper that lacks a schema',
    template: 'schemaless',
    of: 'dumper',
    make: (path) => rm(`${path}/shop.t-schema.sql`),
    why: /^schemaless: the schema of the table of shop\.t\.sql is missing/,
  },
  {
    what: 'of mydumper with rows for LOAD DATA',
    template: 'load_data',
    of: 'dumper',
    make: (path) => writeFile(`${path}/shop.t.00000.dat`, ''),
    why: /^load_data: shop\.t\.00000\.dat in it is data for LOAD DATA/,
  },
  {
    what: 'of mydumper with a file cut off',
    template: 'cut',
    of: 'dumper',
    make: (path) => edit(`${path}/shop.t.sql`, /;\s*$/, ''),
    why: /^cut\/shop\.t\.sql: it is truncated: its last statement has no end/,
  },
  {
    what: 'of mydumper with a bad statement',
    template: 'wrong',
    of: 'dumper',
    make: (path) => edit(`${path}/shop.t.sql`, /INSERT/, 'INSRT'),
    why: /^wrong\/shop\.t\.sql: line 4: You have an error in your SQL syntax/,
  },
  {
    what: 'with a link in it',
    template: 'linked',
    of: 'dumper',
    make: (path) => symlink('/etc/passwd', `${path}/shop.x.sql`),
    why: /^linked: shop\.x\.sql in it is a symbolic link/,
  },
  {
    what: 'with a FIFO in it',
    template: 'piped',
    of: 'backup',
    make: (path) => execa('mkfifo', [`${path}/shop/fifo`]),
    why: /^piped: shop\/fifo in it is no regular file/,
  },
  {
    what: 'of mysqldump --tab that lacks rows',
    template: 'rowless',
    of: 'tab',
    make: (path) => rm(`${path}/t.txt`),
    why: /^rowless: the rows of table t, a \.txt, are missing/,
  },
  {
    what: 'of mysqldump --tab that lacks a schema',
    template: 'bare',
    of: 'tab',
    make: (path) => rm(`${path}/t.sql`),
    why: /^bare: bare\/t\.txt has rows of a table whose \.sql is missing/,
  },
  {
    what: 'of mysqldump --tab with other fields',
    template: 'fields',
    of: 'tab',
    make: (path) => writeFile(`${path}/t.txt`, '1\t2\t3\n'),
    why: /^fields\/t\.txt: t: its rows have 3 fields, and table t has 2 columns/,
  },
  {
    what: 'of mysqldump --tab with a row too short',
    template: 'row',
    of: 'tab',
    make: (path) => writeFile(`${path}/t.txt`, '1\t2\n2\n'),
    why: /^row\/t\.txt: Row 2 doesn't contain data for all columns/,
  },
  {
    what: 'of mysqldump --tab with a schema cut off',
    template: 'short',
    of: 'tab',
    make: (path) => edit(`${path}/t.sql`, /^-- Dump completed.*/m, ''),
    why: /^short\/t\.sql: it is truncated/,
  },
  {
    what: 'of mariadb-backup that is incremental',
    template: 'incremental',
    of: 'backup',
    make: (path) => edit(`${path}/${checkpoints}`, /full-backuped/, 'incremental'),
    why: /^incremental: it is an incremental backup/,
  },
  {
    what: 'of mariadb-backup that is partial',
    template: 'some',
    of: 'backup',
    make: (path) => edit(`${path}/mariadb_backup_info`, /partial = N/, 'partial = Y'),
    why: /^some: it is a partial backup/,
  },
  {
    what: 'of MySQL',
    template: 'mysql',
    of: 'backup',
    make: (path) => edit(`${path}/mariadb_backup_info`, /server_version = .*/, 'server_version = 8.0.36-28'),
    why: /^mysql: it is of another product, version 8\.0\.36-28/,
  },
  {
    what: 'of another series of MariaDB',
    template: 'series',
    of: 'backup',
    make: (path) => edit(`${path}/mariadb_backup_info`, /server_version = 11\.8/, 'server_version = 10.6'),
    why: /^series: it is of MariaDB 10\.6, and instances have 11\.8/,
  },
  {
    what: 'of mariadb-backup with other pages',
    template: 'pages',
    of: 'backup',
    make: (path) => edit(`${path}/backup-my.cnf`, /innodb_page_size=16384/, 'innodb_page_size=8192'),
    why: /^pages: its server has innodb_page_size=8192/,
  },
  {
    what: 'of mariadb-backup without its description',
    template: 'blank',
    of: 'backup',
    make: (path) => rm(`${path}/mariadb_backup_info`),
    why: /^blank: it is not whole: its checkpoints, info or backup-my\.cnf are missing/,
  },
  {
    what: 'of mariadb-backup that lacks the log',
    template: 'logless',
    of: 'backup',
    make: (path) => rm(`${path}/ib_logfile0`),
    why: /^logless: "mariadb-backup" could not prepare it:/,
  },
  {
    what: 'of mariadb-backup that lacks its checkpoints',
    template: 'pathless',
    of: 'backup',
    make: (path) => rm(`${path}/${checkpoints}`),
    why: /^pathless: it is a copy of a data directory, not a backup/,
  },
  {
    what: 'of mariadb-backup with a table elsewhere',
    template: 'elsewhere',
    of: 'backup',
    make: (path) => writeFile(`${path}/shop/t.isl`, '/data/t.ibd'),
    why: /^elsewhere: the data of table shop\.t lies in another directory/,
  },
  {
    what: 'of mariadb-backup with packed files',
    template: 'qpress',
    of: 'backup',
    make: (path) => rename(`${path}/shop/t.frm`, `${path}/shop/t.frm.qp`),
    why: /^qpress: shop\/t\.frm\.qp in it is packed or encrypted/,
  },
  {
    what: 'beside a file for the same template',
    template: 'twice',
    of: 'tab',
    make: (path) => writeFile(`${path}.sql`, good),
    why: /several dumps are for template "twice": twice, twice\.sql/,
  },
];

describe('a directory', function () {
  this.timeout(60_000);
  let host: TestHost;
  let job: Job;
  let empty: Census;

  before('is imported, in every bad way', async function () {
    this.timeout(600_000);
    host = await startHost();
    empty = await host.census();
    await using plain = await startPlainServer();
    await plain.load(good, 'shop');
    const [backup, tab] = [await plain.makeDirectory('backup'), await plain.makeDirectory('tab')];
    await plain.run(`mariadb-backup --no-defaults --backup -S /plain/s --user=root --target-dir=${backup}`);
    await plain.dump([`--tab=${tab}`, 'shop']);
    const dumper = `${backup}-dumper`;
    await execa('mydumper', ['-S', plain.socketPath, '-u', 'root', '-B', 'shop', '-o', dumper]);
    for (const { template, of, make } of cases) {
      const path = `${host.dumpsDir}/${template}`;
      if (of) await cp({ backup, tab, dumper }[of], path, { recursive: true });
      await make(path);
    }
    const stream = await plain.run(
      'mariadb-backup --no-defaults --backup -S /plain/s --user=root --stream=xbstream --target-dir=/tmp',
    );
    await host.writeDump('stream.xb', stream);
    await truncate(`${host.dumpsDir}/stream.xb`, stream.length >> 1);
    // Where links lead into there is a store of dumps, and no dump itself.
    await mkdir(`${host.dumpsDir}/store`);
    await cp(tab, `${host.dumpsDir}/store/old`, { recursive: true });
    await writeFile(`${host.dumpsDir}/store/file.sql`, good);
    await symlink('store/old', `${host.dumpsDir}/link_to_directory`);
    await symlink('store/file.sql', `${host.dumpsDir}/link_to_file.sql`);
    job = await host.update();
  });
  after(() => host.stop());

  for (const { what, template, why } of cases) {
    it(`${what} fails, and says why`, () => {
      const { state, error } = job.imports.find((each) => each.template === template) ?? {};
      assert.equal(state, 'failed');
      assert.match(error?.message ?? '', why);
      assert.equal(error?.code, 'MYAAS_DUMP_BAD');
      assert.notEqual(error.hint, '');
    });
  }

  it('is as good as a stream that is cut off', () => {
    const { error } = job.imports.find(({ dump }) => dump === 'stream.xb') ?? {};
    assert.match(error?.message ?? '', /^stream\.xb: it is not a whole stream of mariadb-backup: /);
  });

  it('that links lead into is left alone, and what they lead to is imported', () => {
    const states = (name: string) =>
      job.imports.filter(({ template }) => template === name).map(({ state }) => state);
    assert.deepEqual(
      [states('store'), states('link_to_directory'), states('link_to_file')],
      [[], ['imported'], ['imported']],
    );
  });

  it('that fails leaves nothing behind', async () => {
    assert.deepEqual(await host.census(), empty);
    assert.deepEqual((await readdir(host.paths.templates)).sort(), ['link_to_directory', 'link_to_file']);
  });
});
