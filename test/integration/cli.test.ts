import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import type { Instance } from '../../daemon/contract/instances.ts';
import type { Template } from '../../daemon/contract/templates.ts';
import { startHost, type TestHost } from '../support/daemon.ts';
import { mainFile, member, person, type Person } from './cli-process.ts';

describe('the command line and instances', function () {
  let host: TestHost;
  let root: Person;

  before(async () => {
    host = await startHost();
    await host.importDump(
      'shop',
      "create table test (name varchar(9)); insert into test values ('alice'), ('bob');",
    );
    await host.importDump('blog', 'create table posts (id int);');
    root = person(host);
  });
  after(() => host.stop());
  afterEach(async () => {
    const { instances } = await root.json<{ instances: Instance[] }>('ls', '--all');
    for (const { id } of instances) await host.api('DELETE', `/v1/instances/${id}?force=1`);
  });

  it('makes an instance and names it when no name is given', async () => {
    const { exitCode, stdout, stderr } = await root.run('new', 'shop');
    assert.equal(exitCode, 0);
    assert.match(stdout, /^shop\/[a-z]{6}$/);
    assert.match(
      (await root.run('ls')).stdout,
      new RegExp(`^${stdout} +ready +mariadb 11\\.8 +127\\.0\\.0\\.1:\\d+`, 'm'),
    );
    const { password } = await root.json<Instance>('show', stdout);
    assert.ok(password);
    assert.ok(!stderr.includes(password));
    assert.ok(!(await root.run('show', stdout)).stdout.includes(password));
  });

  it('finds an instance by id, by template and name, and by a name that is clear', async () => {
    const { id } = await root.json<Instance>('new', 'shop', 'one', '--ttl', '2h');
    for (const reference of [id, 'shop/one', 'one']) {
      assert.equal((await root.json<Instance>('show', reference)).id, id);
    }
    await root.run('new', 'blog', 'one');
    const { exitCode, stderr } = await root.run('show', 'one');
    assert.equal(exitCode, 1);
    assert.match(stderr, /blog\/one, shop\/one/);
  });

  it("prefers one's own instance to another's of the same name, and lists only one's own", async () => {
    const alice = member(host, 'alice');
    await root.run('new', 'shop', 'same');
    const own = await alice.json<Instance>('new', 'blog', 'same');
    assert.equal((await alice.json<Instance>('show', 'same')).id, own.id);
    const { instances } = await alice.json<{ instances: Instance[] }>('ls');
    assert.deepEqual(
      instances.map(({ id }) => id),
      [own.id],
    );
    assert.equal((await alice.json<{ instances: Instance[] }>('ls', '--all')).instances.length, 2);
  });

  it("shows nobody another's credentials", async () => {
    const alice = member(host, 'alice');
    await root.run('new', 'shop', 'secret');
    for (const command of ['env', 'url', 'shell']) {
      const { exitCode, stdout, stderr } = await alice.run(command, 'shop/secret');
      assert.equal(exitCode, 1);
      assert.equal(stdout, '');
      assert.match(stderr, /only to its owner, root/);
    }
  });

  it('prints variables that a shell can take over', async () => {
    const { password, url, port } = await root.json<Instance>('new', 'shop', 'vars');
    const script = 'eval "$("$0" "$1" env vars --format shell)"; env';
    const { stdout } = await execa('sh', ['-c', script, process.execPath, mainFile], {
      env: root.env,
      extendEnv: false,
    });
    const variables = new Map(stdout.split('\n').map((line) => line.split(/=(.*)/s, 2) as [string, string]));
    assert.equal(variables.get('DB_PASSWORD'), password);
    assert.equal(variables.get('DB_PORT'), String(port));
    assert.equal(variables.get('DATABASE_URL'), url);
    assert.equal(variables.get('MYAAS_INSTANCE'), 'shop/vars');
    assert.equal((await root.run('url', 'vars')).stdout, url);
  });

  describe('and the .env file', () => {
    let directory: string;
    let there: Person;

    beforeEach(async () => {
      directory = await mkdtemp(join(tmpdir(), 'myaas-'));
      there = person(host, {}, { cwd: directory });
      await root.run('new', 'shop', 'dev');
    });
    afterEach(() => rm(directory, { recursive: true }));

    it('makes one that only its owner can read', async () => {
      assert.equal((await there.run('env', 'dev', '--file', '.env')).exitCode, 0);
      assert.equal((await stat(join(directory, '.env'))).mode & 0o777, 0o600);
      assert.match(
        await readFile(join(directory, '.env'), 'utf8'),
        /^DB_CONNECTION=mysql\nDB_HOST=127\.0\.0\.1\n/,
      );
    });

    it('changes its own keys in one through a link, and keeps its mode and all else', async () => {
      const file = join(directory, 'settings');
      await writeFile(file, '# mine\r\nAPP=1\r\nDB_HOST=elsewhere # old\r\n');
      await chmod(file, 0o640);
      await symlink('settings', join(directory, '.env'));
      assert.equal((await there.run('env', 'dev', '--file', '.env')).exitCode, 0);
      assert.equal((await stat(file)).mode & 0o777, 0o640);
      assert.match(
        await readFile(file, 'utf8'),
        /^# mine\r\nAPP=1\r\nDB_HOST=127\.0\.0\.1 # old\r\nDB_CONNECTION=mysql\r\n/,
      );
    });

    it('writes nothing where there is no regular file to write to', async () => {
      await mkdir(join(directory, 'dir'));
      await symlink('nowhere', join(directory, 'dangling'));
      for (const file of ['dir', 'dangling', 'no/such/directory', '/dev/null']) {
        const { exitCode, stderr } = await there.run('env', 'dev', '--file', file);
        assert.equal(exitCode, 1, file);
        assert.match(stderr, /was not written/);
      }
    });
  });

  it('opens the client program, the password in neither its arguments nor its environment', async () => {
    const { password = '' } = await root.json<Instance>('new', 'shop', 'sql');
    // The client runs it by a shell, whose parent it is.
    const spy = "\\! cat /proc/$PPID/cmdline /proc/$PPID/environ | tr '\\0' '\\n'";
    const query = `select name from test order by 1;\n${spy}`;
    const { exitCode, stdout } = await root.run('shell', 'sql', '--', '-N', '-e', query);
    assert.equal(exitCode, 0);
    assert.match(stdout, /^alice\nbob$/m);
    assert.match(stdout, /--defaults-extra-file/);
    assert.ok(!stdout.includes(password));
    assert.equal((await root.run('shell', 'sql', '-e', 'nonsense')).exitCode, 1);
  });

  it('extends, protects and deletes', async () => {
    await root.run('new', 'shop', 'kept');
    const { expiresAt } = await root.json<Instance>('extend', 'kept', '7d');
    assert.ok(Math.abs(Date.parse(expiresAt ?? '') - Date.now() - 7 * 86_400_000) < 60_000);
    assert.equal((await root.json<Instance>('extend', 'kept', '--never')).expiresAt, null);
    assert.equal((await root.json<Instance>('extend', 'kept', '--protect')).expiresAt, null);
    const refused = await root.run('rm', 'kept');
    assert.equal(refused.exitCode, 1);
    assert.match(refused.stderr, /protected.*\n {2}hint: .*\n {2}request: /);
    assert.equal((await root.run('rm', 'kept', '--force')).exitCode, 0);
    assert.equal((await root.run('show', 'shop/kept')).exitCode, 1);
  });

  it('deletes those it can of several, and fails when one could not be', async () => {
    await root.run('new', 'shop', 'first');
    await root.run('new', 'shop', 'second');
    const { exitCode, stdout } = await root.run('rm', 'first', 'absent', 'second');
    assert.equal(exitCode, 1);
    assert.equal(stdout, 'Deleted shop/first.\nDeleted shop/second.');
  });

  it('resets an instance, whose address and credentials stay', async () => {
    const before = await root.json<Instance>('new', 'shop', 'again');
    await root.run('shell', 'again', '-e', 'delete from test');
    const after = await root.json<Instance>('reset', 'again');
    assert.equal(after.url, before.url);
    assert.equal((await root.run('shell', 'again', '-N', '-e', 'select count(*) from test')).stdout, '2');
    assert.equal((await root.run('reset', 'again', '--version', 'none')).exitCode, 1);
  });

  it('prints the log of an instance', async () => {
    await root.run('new', 'shop', 'log');
    assert.match((await root.run('logs', 'log')).stdout, /ready for connections/);
  });

  it('shows templates, their versions and the daemon', async () => {
    assert.match((await root.run('templates')).stdout, /^shop +mariadb +\d+ MB/m);
    const { current } = await root.json<Template>('templates', 'shop');
    assert.ok(current);
    assert.ok((await root.run('templates', 'shop')).stdout.includes(current));
    assert.match((await root.run('status')).stdout, /^you +root, admin$/m);
    const { exitCode, stderr } = await root.run('templates', 'nope');
    assert.equal(exitCode, 1);
    assert.match(stderr, /^myaas: .*"nope".*\n {2}hint: .*\n {2}request: \S+$/);
  });

  it('completes the names of templates and instances', async () => {
    await root.run('new', 'shop', 'tab');
    assert.match((await root.run('__complete', 'new', 's')).stdout, /^shop\t/);
    assert.match((await root.run('__complete', 'rm', 'shop/other', '')).stdout, /^shop\/tab\t/);
  });

  it('does not mind a reader that leaves', async () => {
    const script = '"$0" "$1" ls --all --json | true; echo ${PIPESTATUS[0]}';
    const { stdout, stderr } = await execa('bash', ['-c', script, process.execPath, mainFile], {
      env: root.env,
      extendEnv: false,
    });
    assert.deepEqual([stdout, stderr], ['0', '']);
  });
});
