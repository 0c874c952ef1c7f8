import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { Readable } from 'node:stream';
import Dockerode from 'dockerode';
import { type Config, readConfig } from '../../daemon/config.ts';
import { pathsOf } from '../../daemon/paths.ts';
import * as btrfs from '../../daemon/drivers/btrfs.ts';
import { Docker } from '../../daemon/drivers/docker.ts';
import { Registry } from '../../daemon/drivers/registry.ts';
import { MyaasError } from '../../daemon/errors/error.ts';
import { doctor, examine } from '../../daemon/host/doctor.ts';
import { ensureMounted, init } from '../../daemon/host/init.ts';
import { testDirectory, testImage, testPrefix } from '../support/machine.ts';

const ignore = () => undefined;

function configFor(baseDir: string, more: NodeJS.ProcessEnv = {}): Config {
  return readConfig({
    MYAAS_BASE_DIR: baseDir,
    MYAAS_RUN_DIR: `${baseDir}-run`,
    MYAAS_MYSQL_IMAGE: testImage(),
    MYAAS_PREFIX: testPrefix(),
    MYAAS_DISK_SIZE: '1g',
    ...more,
  });
}

const rejectsWith = (promise: Promise<unknown>, code: string, message: RegExp) =>
  assert.rejects(promise, (error) => {
    assert.ok(error instanceof MyaasError, String(error));
    assert.equal(error.code, code);
    assert.match(error.message, message);
    return true;
  });

describe('myaas init', () => {
  describe('where the base directory is on btrfs', () => {
    let config: Config;
    beforeEach(() => {
      config = configFor(`${testDirectory()}/base`);
    });
    afterEach(async () => {
      const { dumps, data } = pathsOf(config);
      await btrfs.deleteSubvolume(dumps);
      await btrfs.deleteSubvolume(data);
      await rm(config.baseDir, { recursive: true, force: true });
    });

    it('makes what is needed there, and no file system of its own', async () => {
      await init(config, { log: ignore });
      const { dumps, data, templates, instances, registry } = pathsOf(config);
      assert.ok(await btrfs.isSubvolume(dumps));
      assert.ok(await btrfs.isSubvolume(data));
      assert.ok((await stat(templates)).isDirectory());
      assert.ok((await stat(instances)).isDirectory());
      assert.equal((await stat(data)).mode & 0o777, 0o700);
      assert.equal((await stat(registry)).mode & 0o777, 0o600);
      assert.ok(!(await btrfs.isMountPoint(config.baseDir)));
    });

    it('changes nothing when it is done again', async () => {
      await init(config, { log: ignore });
      await writeFile(`${pathsOf(config).dumps}/shop.sql`, 'select 1;');
      const first = Registry.open(pathsOf(config).registry);
      first.close();
      const lines: string[] = [];
      await init(config, { log: (line) => lines.push(line) });
      const second = Registry.open(pathsOf(config).registry);
      second.close();
      assert.equal(second.hostId, first.hostId);
      assert.equal(await readFile(`${pathsOf(config).dumps}/shop.sql`, 'utf8'), 'select 1;');
      assert.ok(
        lines.every((line) => !/\bmade\b/.test(line)),
        lines.join('\n'),
      );
    });

    it('tells which server image is used and why', async () => {
      const lines: string[] = [];
      await init(config, { log: (line) => lines.push(line) });
      assert.ok(lines.some((line) => line.includes(testImage()) && line.includes('MYAAS_MYSQL_IMAGE')));
    });

    it('refuses an image that is nowhere', async () => {
      const absent = { ...config, mysqlImage: 'localhost:1/no/such/image:1' };
      await rejectsWith(init(absent, { log: ignore }), 'MYAAS_IMAGE_MISSING', /no\/such\/image/);
    });

    it('refuses an image without a server in it', async () => {
      const reference = `${testPrefix().toLowerCase()}:empty`;
      const docker = new Docker({ host: config.dockerHost, hostId: '', prefix: config.prefix });
      await docker.importImage(Readable.from([Buffer.alloc(1024)], { objectMode: false }), {
        reference,
        path: undefined,
      });
      try {
        const empty = { ...config, mysqlImage: reference };
        await rejectsWith(init(empty, { log: ignore }), 'MYAAS_IMAGE_MISSING', /no server program/);
      } finally {
        await new Dockerode({ socketPath: '/var/run/docker.sock' }).getImage(reference).remove();
      }
    });

    it('says so when Docker Engine does not answer', async () => {
      const unreachable = { ...config, dockerHost: `unix://${testDirectory()}/nobody.sock` };
      await rejectsWith(init(unreachable, { log: ignore }), 'MYAAS_DOCKER_UNAVAILABLE', /nobody\.sock/);
    });
  });

  describe('where there is no btrfs', () => {
    let directory = '';
    let config: Config;
    beforeEach(async () => {
      directory = await mkdtemp(`${tmpdir()}/myaas-init-`);
      config = configFor(`${directory}/base`);
    });
    afterEach(async () => {
      if (await btrfs.isMountPoint(config.baseDir)) await btrfs.unmount(config.baseDir);
      await rm(directory, { recursive: true });
    });

    it('makes one in a file that only root can read', async () => {
      await init(config, { log: ignore });
      assert.ok(await btrfs.isMountPoint(config.baseDir));
      const { size, mode } = await stat(`${config.baseDir}.btrfs`);
      assert.equal(size, config.diskSizeBytes);
      assert.equal(mode & 0o777, 0o600);
    });

    it('mounts it again after a restart of the machine, with all that was in it', async () => {
      await init(config, { log: ignore });
      await writeFile(`${pathsOf(config).dumps}/shop.sql`, 'select 1;');
      await btrfs.unmount(config.baseDir);
      assert.equal(await ensureMounted(config), true);
      assert.equal(await readFile(`${pathsOf(config).dumps}/shop.sql`, 'utf8'), 'select 1;');
      assert.equal(await ensureMounted(config), false);
    });

    it('never hides files under a mount', async () => {
      await mkdir(config.baseDir);
      await writeFile(`${config.baseDir}/precious`, '');
      await rejectsWith(init(config, { log: ignore }), 'MYAAS_HOST_NOT_READY', /not on btrfs and not empty/);
      assert.ok(!(await btrfs.isMountPoint(config.baseDir)));
    });
  });
});

describe('myaas doctor', () => {
  it('finds everything in order on a prepared host, but for the daemon that does not run', async () => {
    const config = configFor(`${testDirectory()}/doctor`);
    await init(config, { log: ignore });
    try {
      const checks = await examine(config);
      const wrong = checks.filter(({ result }) => result === 'failed').map(({ name }) => name);
      assert.deepEqual(wrong, ['daemon']);
      const lines: string[] = [];
      assert.equal(await doctor(config, { log: (line) => lines.push(line) }), false);
      assert.equal(lines.length, checks.length);
      assert.ok(lines.some((line) => line.startsWith('FAILED  daemon: ') && line.includes('myaas serve')));
    } finally {
      await btrfs.deleteSubvolume(pathsOf(config).dumps);
      await btrfs.deleteSubvolume(pathsOf(config).data);
      await rm(config.baseDir, { recursive: true });
    }
  });

  it('names the remedy for each part that is missing, and makes nothing', async () => {
    const directory = await mkdtemp(`${tmpdir()}/myaas-doctor-`);
    await chmod(directory, 0o755);
    try {
      const config = configFor(`${directory}/base`, {
        MYAAS_DOCKER_HOST: `unix://${directory}/nobody.sock`,
        MYAAS_BIND: '0.0.0.0',
      });
      const checks = await examine(config);
      const failed = checks.filter((check) => check.result === 'failed');
      assert.deepEqual(
        failed.map(({ name }) => name),
        ['disk', 'subvolumes', 'Docker Engine', 'registry', 'daemon'],
      );
      assert.equal(checks.find(({ name }) => name === 'address of the ports')?.result, 'warning');
      for (const check of checks) assert.ok(check.result === 'ok' || check.remedy !== '', check.name);
      await assert.rejects(stat(config.baseDir), { code: 'ENOENT' });
    } finally {
      await rm(directory, { recursive: true });
    }
  });
});
