import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { execa } from 'execa';
import mysql from 'mysql2/promise';
import { readConfig } from '../../daemon/config.ts';
import { pathsOf } from '../../daemon/paths.ts';
import * as btrfs from '../../daemon/drivers/btrfs.ts';
import { removeContainers } from '../../daemon/host/containers.ts';
import { testDirectory, testImage, testPrefix } from '../support/machine.ts';
import { freePort } from '../support/ports.ts';

/** Daemon and gate come up side by side. */
const isUp = (log: string) => log.includes(' serves on ') && log.includes('the gate is connected');

describe('MyAAS in a container', function () {
  this.timeout(10 * 60_000);
  const id = randomBytes(3).toString('hex');
  const name = `${testPrefix()}-up-${id}`;
  const image = `myaas/test-up:${id}`;
  let env: Record<string, string> = {};
  /** The containers so far. */
  const names: string[] = [];

  const inside = async (...args: string[]) =>
    (await execa('docker', ['exec', names.at(-1) ?? '', 'myaas', ...args])).stdout;

  /** Returns when the daemon answers; throws with what the container has said when it ends before that. */
  async function start(): Promise<void> {
    const { MYAAS_BASE_DIR: base = '', MYAAS_RUN_DIR: run = '' } = env;
    const same = ['/var/run/docker.sock', base, run].map((path) => `--volume=${path}:${path}`);
    const capabilities = ['SYS_ADMIN', 'DAC_READ_SEARCH', 'LINUX_IMMUTABLE'].map((one) => `--cap-add=${one}`);
    const settings = Object.entries(env).map(([key, value]) => `--env=${key}=${value}`);
    const current = `${name}-${names.length}`;
    names.push(current);
    const security = ['--security-opt=apparmor=unconfined'];
    const options = [
      `--name=${current}`,
      '--init',
      '--network=host',
      ...same,
      ...capabilities,
      ...security,
      ...settings,
    ];
    await execa('docker', ['run', '--detach', ...options, image]);
    const logs = spawn('docker', ['logs', '--follow', current], { stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    await new Promise<void>((resolve) => {
      for (const stream of [logs.stdout, logs.stderr]) {
        stream.on('data', (chunk: Buffer) => {
          said += chunk.toString();
          if (isUp(said)) resolve();
        });
      }
      logs.once('close', () => resolve());
    });
    logs.kill();
    if (!isUp(said)) throw new Error(said);
  }

  before(async () => {
    await execa('sh', ['daemon/host/bootstrap.sh', 'daemon/host/debian/image.ts', image]);
    const base = `${testDirectory()}/up-${id}`;
    await mkdir(base);
    const port = await freePort();
    env = {
      MYAAS_BASE_DIR: base,
      MYAAS_RUN_DIR: `/run/${name}`,
      MYAAS_LISTEN: `127.0.0.1:${await freePort()}`,
      MYAAS_PORTS: `${port}-${port}`,
      MYAAS_PREFIX: testPrefix(),
      MYAAS_MYSQL_IMAGE: testImage(),
      MYAAS_POOL: '0',
    };
    await mkdir(env['MYAAS_RUN_DIR'] ?? '');
  });
  after(async () => {
    await execa('docker', ['rm', '--force', ...names], { reject: false });
    const config = readConfig(env);
    const { templates, instances, data, dumps } = pathsOf(config);
    await removeContainers(config);
    const { stdout } = await execa('find', [data, '-name', 'datadir', '-prune', '-print']);
    for (const found of stdout.split('\n').filter(Boolean)) await btrfs.deleteSubvolume(found);
    await rm(templates, { recursive: true });
    await rm(instances, { recursive: true });
    for (const subvolume of [data, dumps]) await btrfs.deleteSubvolume(subvolume);
    await rm(config.baseDir, { recursive: true });
    await rm(config.runDir, { recursive: true });
    await execa('docker', ['rmi', image]);
  });

  it("makes databases by the host's Docker Engine, and has them when it is another container", async () => {
    await start();
    await writeFile(
      `${env['MYAAS_BASE_DIR'] ?? ''}/dumps/shop.sql`,
      'CREATE TABLE t (a int); INSERT INTO t VALUES (7);\n',
    );
    await inside('update');
    await inside('new', 'shop', 'one');
    const url = await inside('url', 'shop/one');
    const rows = async () => {
      const connection = await mysql.createConnection(url);
      const [found] = await connection.query('SELECT a FROM t');
      await connection.end();
      return found;
    };
    assert.deepEqual(await rows(), [{ a: 7 }]);
    await execa('docker', ['stop', '--time=60', ...names]);
    await start();
    assert.deepEqual(await rows(), [{ a: 7 }]);
  });
});
