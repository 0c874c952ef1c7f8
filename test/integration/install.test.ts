import assert from 'node:assert/strict';
import {
  appendFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { isOlder } from '../../daemon/host/install/install.ts';

describe('myaas install --root', function () {
  // A release with its Node has 130 MB.
  this.timeout(5 * 60_000);
  let root = '';
  const install = (into = root) =>
    execa(process.execPath, ['dist/myaas.js', 'install', '--root', into], { all: true, reject: false });
  const releases = () => readdir(`${root}/opt/myaas`);

  before(() => execa(process.execPath, ['esbuild.mjs']));
  beforeEach(async () => {
    root = await mkdtemp(`${tmpdir()}/myaas-install-`);
    const { exitCode, all } = await install();
    assert.equal(exitCode, 0, all);
  });
  afterEach(() => rm(root, { recursive: true }));

  it('puts a program that runs by itself where the link leads to, and all that belongs to it', async () => {
    const target = await readlink(`${root}/usr/bin/myaas`);
    assert.match(target, /^\/opt\/myaas\/[\w.-]+\/myaas$/);
    const { stdout } = await execa(join(root, target), ['--version'], {
      extendEnv: false,
      env: { PATH: '/usr/bin:/bin' },
    });
    assert.match(stdout, /^\d+\.\d+\.\d+$/);
    assert.match(await readFile(`${root}/usr/share/man/man1/myaas.1`, 'utf8'), /^\.SS install$/m);
    assert.equal((await stat(`${root}/etc/myaas/myaas.env`)).mode & 0o777, 0o640);
    assert.deepEqual(
      (await readdir(`${root}/etc/systemd/system`)).sort(),
      (await readdir('daemon/host/systemd')).sort(),
    );
  });

  it("changes nothing when it is run again, and the operator's settings never", async () => {
    await appendFile(`${root}/etc/myaas/myaas.env`, 'MYAAS_POOL=7\n');
    const before = await releases();
    const { all } = await install();
    assert.match(all, /is there already[^]*units: there[^]*stays as it is/);
    assert.deepEqual(await releases(), before);
    assert.match(await readFile(`${root}/etc/myaas/myaas.env`, 'utf8'), /^MYAAS_POOL=7$/m);
  });

  it('finishes what a run that was cut off has begun', async () => {
    const [release = ''] = await releases();
    await rm(`${root}/usr/bin/myaas`);
    await rm(`${root}/opt/myaas/${release}/release.json`);
    await mkdir(`${root}/opt/myaas/${release}.unfinished`);
    await writeFile(`${root}/usr/bin/myaas.unfinished`, '');
    const { exitCode, all } = await install();
    assert.equal(exitCode, 0, all);
    assert.deepEqual(await releases(), [release]);
    assert.deepEqual(await readdir(`${root}/usr/bin`), ['myaas']);
  });

  it('refuses to put an older version over a newer one', async () => {
    const [release = ''] = await releases();
    await writeFile(`${root}/opt/myaas/${release}/release.json`, '{"version": "99.0.0", "gateProtocol": 2}');
    const { exitCode, all } = await install();
    assert.equal(exitCode, 1);
    assert.match(all, /older than 99\.0\.0/);
    assert.ok(isOlder('0.9.1', '0.10.0') && !isOlder('1.0.0', '1.0.0') && !isOlder('1.1.0', '1.0.9'));
  });

  it('says on a full disk how much room it needs, and leaves none of it taken', async () => {
    const small = `${root}/small`;
    await mkdir(small);
    await execa('mount', ['-t', 'tmpfs', '-o', 'size=20m', 'tmpfs', small]);
    try {
      const { exitCode, all } = await install(small);
      assert.equal(exitCode, 1);
      assert.match(all, /Only \d+ MiB are free in .*, 1\d\d MiB are needed/);
      assert.deepEqual(await readdir(`${small}/opt/myaas`), []);
    } finally {
      await execa('umount', [small]);
    }
  });
});
