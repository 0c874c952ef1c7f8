import assert from 'node:assert/strict';
import { startHost, type Census, type TestHost } from '../support/daemon.ts';
import { person, type Person } from './cli-process.ts';

describe('myaas run', function () {
  let host: TestHost;
  let root: Person;
  let untouched: Census;

  before(async () => {
    host = await startHost();
    await host.importDump(
      'shop',
      "create table test (name varchar(9)); insert into test values ('alice'), ('bob');",
    );
    root = person(host);
    untouched = await host.census();
  });
  after(() => host.stop());
  // Whatever came of the command, its instance is gone, with all that belonged to it.
  afterEach(async () => assert.deepEqual(await host.census(), untouched));

  const shop = (...command: string[]) => root.run('run', '--template', 'shop', '--', ...command);

  it('gives a command a database by its environment', async () => {
    const query =
      'mariadb -h"$DB_HOST" -P"$DB_PORT" -u"$DB_USERNAME" -p"$DB_PASSWORD" "$DB_DATABASE" -N -e "select count(*) from test"';
    const { exitCode, stdout } = await shop('sh', '-c', `${query}; echo "$MYAAS_INSTANCE $DATABASE_URL"`);
    assert.equal(exitCode, 0);
    assert.match(stdout, /^2\nshop\/run-[a-z]{6} mysql:\/\/\w+:\w+@127\.0\.0\.1:\d+\/shop$/);
  });

  it("passes the command's exit code on, or the signal that ended it", async () => {
    assert.equal((await shop('sh', '-c', 'exit 7')).exitCode, 7);
    assert.equal((await shop('sh', '-c', 'kill -9 $$')).exitCode, 137);
  });

  it('leaves the options of the command to the command', async () => {
    assert.equal((await shop('echo', '--template', 'x', '--', '-h')).stdout, '--template x -- -h');
    assert.equal((await root.run('run', '-t', 'shop', 'echo', '--ttl')).stdout, '--ttl');
  });

  it('says that a command is not there, or cannot be executed, as a shell does', async () => {
    const missing = await shop('no-such-command');
    assert.equal(missing.exitCode, 127);
    assert.match(missing.stderr, /"no-such-command" could not be started/);
    assert.equal((await shop('/etc/passwd')).exitCode, 126);
  });

  it('runs nothing when there is no instance to run it with', async () => {
    const { exitCode, stdout } = await root.run('run', '--template', 'none', '--', 'echo', 'ran');
    assert.equal(exitCode, 1);
    assert.equal(stdout, '');
  });

  for (const [signal, exitCode] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const) {
    it(`ends the command and removes the instance at a ${signal}`, async () => {
      const command = ['run', '--template', 'shop', '--', 'sh', '-c', 'echo up; exec sleep 600'];
      assert.equal((await root.stop(signal, /^up$/m, ...command)).exitCode, exitCode);
    });
  }

  it('removes an instance that was still being made when the signal came', async () => {
    const events = await host.watch();
    const creating = events.until(({ type }) => type === 'instance');
    const { exitCode } = await root.stop('SIGINT', creating, 'run', '-t', 'shop', '--', 'sleep', '600');
    assert.equal(exitCode, 130);
  });

  it('lets the command decide what a signal means to it', async () => {
    const script = "trap 'echo cleaned; exit 5' TERM; echo up; while :; do sleep 0.1; done";
    const command = ['run', '--template', 'shop', '--', 'sh', '-c', script];
    const { exitCode, stdout } = await root.stop('SIGTERM', /^up$/m, ...command);
    assert.equal(exitCode, 5);
    assert.match(stdout, /cleaned/);
  });
});
