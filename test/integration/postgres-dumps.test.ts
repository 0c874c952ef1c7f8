/** What pg_dump and people write, and what people write who mean harm. */
import assert from 'node:assert/strict';
import { chmod, readFile } from 'node:fs/promises';
import { execa } from 'execa';
import pg from 'pg';
import type { Instance } from '../../daemon/contract/instances.ts';
import { startHost, type TestHost } from '../support/daemon.ts';

async function query(instance: Instance, sql: string, database = instance.database) {
  const { host, port, user, password } = instance;
  const client = new pg.Client({ host, port, user, password, database });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

const countTracks = 'select count(*)::int as tracks from track';
const allTracks = [{ tracks: 3503 }];

describe('dumps of PostgreSQL', function () {
  this.timeout(300_000);
  let host: TestHost;
  let chinook: Instance;

  /** Runs a program of the server's image against an instance; `directory` is its /out. */
  async function runProgram(instance: Instance, args: readonly string[], directory: string): Promise<void> {
    const [server] = await host.docker.list(instance.id);
    const image = (await host.docker.inspect(server?.containerId ?? ''))?.Config.Image ?? '';
    const { port, user, password = '', database } = instance;
    const variables = { PGHOST: '127.0.0.1', PGPORT: String(port), PGUSER: user, PGDATABASE: database };
    const env = Object.entries(variables).map(([name, value]) => `--env=${name}=${value}`);
    const mount = `--volume=${directory}:/out`;
    await execa(
      'docker',
      ['run', '--rm', '--network=host', mount, ...env, '--env=PGPASSWORD', image, ...args],
      {
        env: { PGPASSWORD: password },
      },
    );
  }

  before(async () => {
    host = await startHost({ MYAAS_POSTGRES_IMAGE: '' });
    await host.importDump('chinook', await readFile('test/data/chinook_postgresql.sql', 'utf8'));
    chinook = await host.create('chinook', 'a');
    await query(
      chinook,
      'create role clerk; grant create on schema public to clerk; alter table track owner to clerk; grant select on album to public',
    );
  });
  after(() => host.stop());

  for (const [format, file] of [
    ['plain', 'plain.sql'],
    ['custom', 'custom.dump'],
    ['tar', 'tarred.tar'],
    ['directory', 'directory'],
  ] as const) {
    it(`are imported from the format "${format}", with who owns what`, async () => {
      await runProgram(chinook, ['pg_dump', `--format=${format}`, `--file=/out/${file}`], host.dumpsDir);
      if (format === 'directory') await chmod(`${host.dumpsDir}/${file}`, 0o755);
      const [template = ''] = file.split('.');
      const { imports } = await host.update([template]);
      assert.deepEqual(
        imports.map(({ state, error }) => [state, error]),
        [['imported', null]],
      );
      const copy = await host.create(template, 'copy');
      assert.deepEqual(await query(copy, countTracks), allTracks);
      const owner = `select tableowner from pg_tables where tablename = 'track'`;
      assert.deepEqual(await query(copy, owner), [{ tableowner: 'clerk' }]);
      await query(copy, 'delete from playlist_track; alter table track add column mine int');
      assert.equal((await host.api('DELETE', `/v1/instances/${copy.id}`)).status, 204);
    });
  }

  it('may make databases, also with locales that the image lacks', async () => {
    await host.importDump(
      'cluster',
      [
        '-- PostgreSQL database cluster dump',
        'CREATE ROLE boss;',
        "ALTER ROLE boss WITH SUPERUSER LOGIN PASSWORD 'md5aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa';",
        "CREATE DATABASE trade WITH TEMPLATE = template0 ENCODING = 'UTF8' LOCALE_PROVIDER = libc LOCALE = 'xx_XX.UTF-8';",
        'ALTER DATABASE trade OWNER TO boss;',
        '\\connect trade',
        "CREATE TABLE public.t AS SELECT 'Ä' AS a;",
        '-- PostgreSQL database cluster dump complete',
        '',
      ].join('\n'),
    );
    const instance = await host.create('cluster', 'a');
    assert.deepEqual(await query(instance, 'select lower(a) as a from t', 'trade'), [{ a: 'ä' }]);
    const rights = await query(
      instance,
      'select rolsuper, rolcanlogin from pg_roles where rolname = $$boss$$',
    );
    assert.deepEqual(rights, [{ rolsuper: false, rolcanlogin: false }]);
  });

  for (const command of [
    '\\! touch /tmp/x',
    "\\copy t from program 'id'",
    '\\i /etc/passwd',
    '\\o /tmp/x',
    '\\gexec',
    '\\setenv PAGER x',
    '\\connect "host=elsewhere"',
    'select 1 \\g |id',
  ])
    it(`are refused with a command such as ${command}`, async () => {
      await host.writeDump(
        'bad.sql',
        `SET standard_conforming_strings = on;\ncreate table t (a int);\n${command}\n`,
      );
      const [imported] = (await host.update(['bad'])).imports;
      assert.equal(imported?.error?.code, 'MYAAS_DUMP_BAD');
      assert.match(imported.error.message, /line 3: "\\\S+.* is a command of psql's own/);
    });

  it('whose functions run as somebody else leave nobody more than the instance has', async () => {
    await host.importDump(
      'trap',
      [
        'SET standard_conforming_strings = on;',
        "create function f() returns text language sql security definer as $$ select pg_read_file('/etc/passwd') $$;",
        'grant execute on function pg_read_file(text) to public;',
        'create role evil superuser login;',
        "alter system set session_preload_libraries = 'nothing';",
        '',
      ].join('\n'),
    );
    const instance = await host.create('trap', 'a');
    for (const sql of ['select f()', `select pg_read_file('/etc/passwd')`])
      await assert.rejects(query(instance, sql), { code: '42501' }, sql);
    assert.deepEqual(await query(instance, 'show session_preload_libraries'), [
      { session_preload_libraries: '' },
    ]);
  });
});
