import assert from 'node:assert/strict';
import { chmod, mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { execa } from 'execa';
import { isMountPoint, unmount } from '../../daemon/drivers/btrfs.ts';
import { listeningPorts } from '../../daemon/host/ports.ts';
import { freePort } from '../support/daemon.ts';
import { testImage, testPrefix } from '../support/machine.ts';

describe('npm run quickstart', () => {
  let directory = '';
  let env: NodeJS.ProcessEnv = {};
  const quickstart = (...args: string[]) =>
    execa('sh', ['daemon/host/bootstrap.sh', 'daemon/host/quickstart.ts', ...args], {
      env,
      extendEnv: false,
      all: true,
      reject: false,
    });
  before(async () => {
    directory = await mkdtemp(`${tmpdir()}/myaas-quickstart-`);
    // The gate, which is not root, must get to the run directory.
    await chmod(directory, 0o755);
    const port = await freePort();
    env = {
      PATH: process.env['PATH'],
      // By these the last test finds what was left behind.
      MYAAS_TEST_DIR: process.env['MYAAS_TEST_DIR'],
      MYAAS_PREFIX: testPrefix(),
      MYAAS_MYSQL_IMAGE: testImage(),
      HOME: `${directory}/home`,
      MYAAS_BASE_DIR: `${directory}/base`,
      MYAAS_RUN_DIR: `${directory}/run`,
      MYAAS_LISTEN: `127.0.0.1:${await freePort()}`,
      MYAAS_PORTS: `${port}-${port}`,
      MYAAS_DISK_SIZE: '8g',
    };
  });
  // It may be run at any time; where all is there already, it takes two seconds.
  let started: Awaited<ReturnType<typeof quickstart>>;
  beforeEach(async () => {
    started = await quickstart();
    assert.equal(started.exitCode, 0, started.all);
  });
  after(async () => {
    await quickstart('--stop');
    if (await isMountPoint(`${directory}/base`)) await unmount(`${directory}/base`);
    await rm(directory, { recursive: true });
  });

  it('ends with the rows of the sample dump, asked for by the credentials that it prints', async () => {
    const { all } = started;
    assert.match(all, /\| +1 \| alice \|\n\| +2 \| bob +\|/);
    const password = /password +(\w{24,})/.exec(all)?.[1];
    assert.ok(password);
    // The one time that it may be seen.
    for (const log of ['serve', 'gate']) {
      assert.ok(!(await readFile(`${directory}/base.quickstart/${log}.log`, 'utf8')).includes(password));
    }
  });

  it('leaves the caller able to use the myaas program at once, and nobody else', async () => {
    const { stdout } = await execa(process.execPath, ['dist/myaas.js', 'ls'], { env, extendEnv: false });
    assert.match(stdout, /test_db\/quickstart +ready/);
    assert.equal((await stat(`${directory}/home/.config/myaas/config.json`)).mode & 0o777, 0o600);
  });

  it('changes nothing when it is run again', async () => {
    const before = await readFile(`${directory}/base.quickstart/state.json`, 'utf8');
    const { all, exitCode } = await quickstart();
    assert.equal(exitCode, 0, all);
    assert.match(all, /daemon: runs already/);
    assert.match(all, /gate: runs already/);
    assert.match(all, /test_db: unchanged/);
    assert.equal(await readFile(`${directory}/base.quickstart/state.json`, 'utf8'), before);
  });

  it('stops all that it started, and brings everything back when it is run again', async () => {
    const { all, exitCode } = await quickstart('--stop');
    assert.equal(exitCode, 0, all);
    assert.ok(!(await isMountPoint(`${directory}/base`)));
    assert.ok(!(await listeningPorts()).has(Number(env['MYAAS_PORTS']?.split('-')[0])));
    const { all: again, exitCode: exitCodeAgain } = await quickstart();
    assert.equal(exitCodeAgain, 0, again);
    assert.match(again, /test_db: unchanged/);
    assert.match(again, /alice/);
  });

  it('refuses an option that it does not know', async () => {
    const { all, exitCode } = await quickstart('--purge');
    assert.equal(exitCode, 1);
    assert.match(all, /--purge/);
  });
});
