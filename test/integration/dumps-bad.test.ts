import assert from 'node:assert/strict';
import { appendFile, mkdir, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { execa } from 'execa';
import type { ErrorBody, MyaasEvent } from '../../daemon/contract/contract.ts';
import type { Import, Job } from '../../daemon/contract/templates.ts';
import { writtenDumps } from '../support/corpus.ts';
import { startHost, type Census, type TestHost } from '../support/daemon.ts';
import { packedDumps } from '../support/packed.ts';

interface BadCase {
  readonly what: string;
  /** Of the file, or a hint of it, in the directory that is given. */
  readonly file: string;
  readonly content?: string | Uint8Array;
  readonly make?: (path: string) => Promise<unknown>;
  readonly why: RegExp;
}

const good = 'create table t (a int);\ninsert into t values (1);\n';
const mysqldump = String(writtenDumps['mysqldump57']?.content);
const archives = await packedDumps(good.repeat(1));
const packed = (file: string): Buffer => archives[file] ?? Buffer.alloc(0);
const truncated = (file: string) => packed(file).subarray(0, -10);
/** A byte in the middle is another. */
const damaged = (file: string) =>
  packed(file).map((byte, index, { length }) => (index === length >> 1 ? ~byte : byte));

const cases: readonly BadCase[] = [
  {
    what: 'of mysqldump without its last line',
    file: 'no_last_line.sql',
    content: mysqldump.replace(/-- Dump completed.*/, ''),
    why: /^no_last_line\.sql: it is truncated: its last line, "-- Dump completed", is missing/,
  },
  {
    what: 'that ends inside of a statement',
    file: 'in_statement.sql',
    content: `${good}insert into t val`,
    why: /^in_statement\.sql: line 3: You have an error in your SQL syntax.* \(error 1064\)\nThe statement: insert into t val$/,
  },
  {
    what: 'that ends inside of a string',
    file: 'in_string.sql',
    content: `${good}\n\ninsert into t values ('abc\n;\n`,
    why: /^in_string\.sql: line 5: You have an error in your SQL syntax.*\(error 1064\)/,
  },
  {
    what: 'whose data breaks its own rules',
    file: 'twice_one.sql',
    content: 'create table t (a int primary key);\n\ninsert into t values (1),\n(1);\n',
    why: /^twice_one\.sql: line 3: Duplicate entry '1' for key 'PRIMARY' \(error 1062\)/,
  },
  { what: 'that is no SQL', file: 'prose.sql', content: 'Dear all,\nhere is', why: /: line 1: .*syntax/ },
  { what: 'that is empty', file: 'empty.sql', content: '', why: /^empty\.sql: it is empty\.$/ },
  {
    what: 'that says nothing but comments',
    file: 'comments.sql',
    content: '-- nothing\n/* at all */\n',
    why: /^comments\.sql: it created no table, view or routine\.$/,
  },
  ...['gz.sql.gz', 'zst.sql.zst', 'xz.sql.xz', 'bz2.sql.bz2'].flatMap((file) => [
    {
      what: `that is a part of ${file}`,
      file,
      content: truncated(file),
      why: /: it is not a whole \w+ archive: ./,
    },
    {
      what: `that is ${file}, damaged`,
      file: `damaged_${file}`,
      content: damaged(file),
      why: /: it is not a whole \w+ archive: ./,
    },
  ]),
  {
    what: 'that only says that it is packed',
    file: 'unpacked.sql.gz',
    content: good,
    why: /^unpacked\.sql\.gz: it is not a whole gzip archive: .*not in gzip format/,
  },
  { what: 'in UTF-16', file: 'utf16.sql', content: Buffer.from(`\uFEFF${good}`, 'utf16le'), why: /UTF-16/ },
  {
    what: 'of PostgreSQL that is truncated',
    file: 'pg.sql',
    content: '--\n-- PostgreSQL database dump\n--\n',
    why: /truncated.*PostgreSQL database dump complete/,
  },
  {
    what: 'that is a program',
    file: 'program.sql',
    content: Buffer.from('\x7fELF\0\x01'),
    why: /binary file/,
  },
  { what: 'with a space in its name', file: 'my shop.sql', content: good, why: /cannot be a template name/ },
  {
    what: 'with a name in another alphabet',
    file: 'магазин.sql',
    content: good,
    why: /cannot be a template name/,
  },
  { what: 'with no name', file: '-.sql', content: good, why: /cannot be a template name/ },
  {
    what: 'with a name too long',
    file: `${'x'.repeat(64)}.sql`,
    content: good,
    why: /cannot be a template name/,
  },
  {
    what: 'beside another for its template',
    file: 'rivals.sql',
    content: good,
    why: /rivals\.sql, rivals\.sql\.gz/,
  },
  {
    what: 'that is a link out of the directory',
    file: 'outside.sql',
    make: (path) => symlink('/etc/passwd', path),
    why: /leaves the dumps directory/,
  },
  {
    what: 'that is a link to nothing',
    file: 'dangling.sql',
    make: (path) => symlink('nowhere.sql', path),
    why: /points to nothing/,
  },
  {
    what: 'that is a link to itself',
    file: 'loop.sql',
    make: (path) => symlink('loop.sql', path),
    why: /ELOOP/,
  },
  {
    what: 'that is a directory',
    file: 'directory.sql',
    make: (path) => mkdir(path),
    why: /not a regular file/,
  },
  {
    what: 'that is a FIFO',
    file: 'fifo.sql',
    make: (path) => execa('mkfifo', [path]),
    why: /not a regular file/,
  },
  ...[
    '\\! touch /run/myaas/touched',
    'system id',
    'source /etc/passwd',
    '\\. /etc/passwd',
    'tee /run/myaas/tee',
  ].map((command, index) => ({
    what: `that says ${command}`,
    file: `command${String(index)}.sql`,
    content: `${good}${command}\n`,
    why: /: line 3: Not allowed in the sandbox mode/,
  })),
  {
    what: 'that says SHUTDOWN',
    file: 'shutdown.sql',
    content: `${good}shutdown;\n`,
    why: /^shutdown\.sql: the database server stopped/,
  },
  {
    what: 'that says SHUTDOWN in its middle',
    file: 'shutdown_early.sql',
    content: `${good}shutdown;\ndo sleep(1);\n${good}`,
    why: /^shutdown_early\.sql: the database server stopped.*line [45]: /s,
  },
  {
    what: 'that kills its own connection',
    file: 'kills.sql',
    content: `${good}kill connection_id();\n${good}`,
    why: /^kills\.sql: line 3: Connection was killed \(error 1927\)/,
  },
  {
    what: 'that drops the database it is in',
    file: 'drops.sql',
    content: 'create table t (a int);\ndrop database drops;\ncreate table t (a int);\n',
    why: /^drops\.sql: line 3: No database selected \(error 1046\)/,
  },
  {
    what: "that drops the server's own database",
    file: 'drops_mysql.sql',
    content: `${good}drop database mysql;\n`,
    why: /^drops_mysql\.sql: .*mysql/,
  },
  {
    what: 'whose hook fails',
    file: 'bad_hook.sql',
    content: good,
    make: (path) =>
      writeFile(path.replace('.sql', '.after-import.sql'), '-- mask\nupdate nothing set a = 1;\n'),
    why: /^bad_hook\.after-import\.sql: line 2: Table 'bad_hook\.nothing' doesn't exist \(error 1146\)/,
  },
  {
    what: 'whose hook is packed, and so would be left out',
    file: 'packed_hook.sql',
    content: good,
    make: (path) => writeFile(path.replace('.sql', '.after-import.sql.gz'), packed('gz.sql.gz')),
    why: /packed_hook\.after-import\.sql\.gz has a name that means nothing, so it would be left out/,
  },
];

const isLoading = (event: MyaasEvent, template: string): boolean =>
  event.type === 'job' &&
  event.job.imports.some((each) => each.template === template && each.progress?.phase === 'loading');

describe('a bad dump', function () {
  this.timeout(60_000);
  let host: TestHost;
  let job: Job;
  let former: Import | undefined;
  let before_: Census;

  const versions = async () => (await readdir(host.paths.templates)).sort();
  const importOf = ({ imports }: Job, file: string) => imports.find(({ dump }) => dump === file);

  before('is imported, and good ones with it', async function () {
    this.timeout(600_000);
    host = await startHost();
    await host.writeDump('former.sql', good);
    former = importOf(await host.update(), 'former.sql');
    before_ = await host.census();
    await host.writeDump('former.sql', `${good}oops`);
    for (const { file, content, make } of cases) {
      if (content !== undefined) await host.writeDump(file, content);
      await make?.(`${host.dumpsDir}/${file}`);
    }
    await host.writeDump('rivals.sql.gz', packed('gz.sql.gz'));
    // The last in the order of names: all the bad ones come before.
    await host.writeDump('zz_good.sql', good);
    job = await host.update();
  });
  after(() => host.stop());

  for (const { what, file, why } of cases) {
    it(`${what}, which fails and says why`, () => {
      const { state, error } = importOf(job, file) ?? {};
      assert.equal(state, 'failed');
      assert.match(error?.message ?? '', why);
      assert.notEqual(error?.code, 'MYAAS_INTERNAL');
      assert.notEqual(error?.hint, '');
    });
  }

  it('makes its job fail, and no other dump of it', () => {
    assert.equal(job.state, 'failed');
    assert.equal(importOf(job, 'zz_good.sql')?.state, 'imported');
  });

  it('leaves the former version of its template serving', async () => {
    const instance = await host.create('former', 'still');
    assert.equal(instance.version, former?.version);
    const connection = await host.connect(instance);
    const [rows] = await connection.query('select * from t');
    connection.destroy();
    assert.deepEqual(rows, [{ a: 1 }]);
    await host.api('DELETE', `/v1/instances/${instance.id}`);
  });

  it('leaves nothing behind', async () => {
    assert.deepEqual(await host.census(), before_);
    assert.deepEqual(await versions(), ['former', 'zz_good']);
    assert.deepEqual(await readdir(`${host.paths.templates}/former`), [former?.version]);
  });

  it('is imported when it is mended', async () => {
    await host.writeDump('prose.sql', good);
    assert.equal((await host.update(['prose'])).state, 'succeeded');
    await host.api('DELETE', '/v1/templates/prose');
  });

  it('cannot be asked for by a path', async () => {
    const ask = (name: string) =>
      host.api<ErrorBody>('POST', '/v1/templates/refresh', { body: { templates: [name] } });
    for (const name of ['../former', 'former.sql', '/etc/passwd', '', 'a\0b', 'x'.repeat(300)]) {
      const { status, body } = await ask(name);
      assert.deepEqual([status, body.error.code], [400, 'MYAAS_BAD_NAME'], name);
    }
    const { status, body } = await ask('nobody');
    assert.deepEqual([status, body.error.code], [404, 'MYAAS_DUMP_NOT_FOUND']);
  });

  describe('that takes its time', () => {
    const slow = `${good}do sleep(600);\n`;
    afterEach(() => rm(`${host.dumpsDir}/slow.sql`, { force: true }));

    it('is not taken when it changes while it is read', async () => {
      const path = `${host.dumpsDir}/slow.sql`;
      await host.writeDump('slow.sql', `${good}do sleep(1);\n`);
      const events = await host.watch();
      const updating = host.update(['slow']);
      await events.until((event) => isLoading(event, 'slow'));
      await appendFile(path, '-- more\n');
      const [{ state, error } = { state: undefined, error: null }] = (await updating).imports;
      assert.equal(state, 'failed');
      assert.match(error?.message ?? '', /^slow\.sql: it was changed while it was read/);
    });

    it('is undone when its job is cancelled, and the next job does its work', async () => {
      const census = await host.census();
      await host.writeDump('slow.sql', slow);
      const events = await host.watch();
      const updating = host.update(['slow', 'former']);
      const running = await events.until((event) => isLoading(event, 'slow') || isLoading(event, 'former'));
      assert.ok(running.type === 'job');
      const { status, body } = await host.api<Job>('DELETE', `/v1/jobs/${running.job.id}`);
      assert.deepEqual([status, body.state], [200, 'cancelled']);
      assert.equal((await updating).state, 'cancelled');
      assert.deepEqual(await host.census(), census);
      assert.deepEqual(await versions(), ['former', 'zz_good']);
      await host.writeDump('slow.sql', good);
      assert.equal((await host.update(['slow'])).state, 'succeeded');
      await host.api('DELETE', '/v1/templates/slow');
    });

    it('is undone when the daemon stops, or is killed', async () => {
      const census = await host.census();
      for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
        await host.writeDump('slow.sql', slow);
        const events = await host.watch();
        await host.api('POST', '/v1/templates/refresh', { body: { templates: ['slow'] } });
        await events.until((event) => isLoading(event, 'slow'));
        await host.serve.stop(signal);
        await host.serve.start();
        assert.deepEqual(await host.census(), census, signal);
        assert.deepEqual(await versions(), ['former', 'zz_good'], signal);
      }
    });
  });
});
