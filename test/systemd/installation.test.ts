import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { execa } from 'execa';
import { testImage, testPrefix } from '../support/machine.ts';
import { prepareSystemdImage } from './image.ts';
import { Machine } from './machine.ts';

/** Points of `systemd-analyze security`, from 0, closed, to 10, wide open. */
const mostExposed = { 'myaas.service': 5.5, 'myaas-gate.service': 1.5, 'myaas-update.service': 2.5 };
const dump = "CREATE TABLE t (a int PRIMARY KEY, b text); INSERT INTO t VALUES (1, 'one'), (2, 'two');\n";
const build = 'daemon/host/debian/build.ts';

describe('On a Debian with systemd', function () {
  this.timeout(10 * 60_000);
  let image = '';
  let directory = '';

  before(async () => {
    image = await prepareSystemdImage(console.log);
    directory = await mkdtemp(`${tmpdir()}/myaas-systemd-`);
    const quick = [build, '--compression=zstd', `--out=${directory}`];
    await execa(process.execPath, [...quick, '--version=1.0.0']);
    await execa(process.execPath, [...quick, '--version=1.0.1', '--deb-only']);
  });
  after(() => rm(directory, { recursive: true }));

  /** A machine that has what MyAAS needs of others, and the package's files to install from. */
  async function startMachine(name: string): Promise<Machine> {
    const machine = await Machine.start(image, `${testPrefix()}-${name}`);
    await machine.loadImage(testImage());
    for (const version of ['1.0.0', '1.0.1']) {
      await machine.copy(`${directory}/myaas_${version}_amd64.deb`, '/root/');
    }
    return machine;
  }

  /** As an operator would, but for the image, which is not to be searched in registries, and the size. */
  async function prepare(machine: Machine): Promise<void> {
    await machine.sh(
      `printf 'MYAAS_MYSQL_IMAGE=%s\\nMYAAS_DISK_SIZE=8g\\n' ${testImage()} >>/etc/myaas/myaas.env && myaas init`,
    );
  }

  describe('a package that apt has installed', () => {
    let machine: Machine;
    let url: URL;

    before(async () => {
      machine = await startMachine('package');
      await machine.sh('apt-get install --yes /root/myaas_1.0.0_amd64.deb');
      await prepare(machine);
      await machine.write('/srv/myaas/dumps/shop.sql', dump);
      await machine.sh('systemctl start myaas-update.service');
      await machine.sh('myaas new shop one');
      url = new URL(await machine.sh('myaas url shop/one'));
    });
    after(() => machine[Symbol.asyncDispose]());

    it('has its services up and in order', async () => {
      assert.doesNotMatch(await machine.sh('myaas doctor'), /FAILED|warning/);
      const units = 'myaas.service myaas-gate.service myaas-update.timer';
      assert.equal(await machine.sh(`systemctl is-active ${units}`), 'active\nactive\nactive');
      assert.equal(await machine.sh(`systemctl is-enabled ${units}`), 'enabled\nenabled\nenabled');
    });

    it('has the manual page and completion of each command', async () => {
      assert.match(await machine.sh('man --where myaas && man myaas | cat'), /new <template> \[name\]/);
      await machine.sh('source /usr/share/bash-completion/completions/myaas && complete -p myaas');
    });

    it('keeps the compiled programs of root and of the gate apart', async () => {
      await machine.sh('systemctl restart myaas');
      const owners = await machine.sh('stat --format="%U %a" /var/cache/myaas/serve /var/cache/myaas/gate');
      assert.equal(owners, 'root 700\nmyaas-gate 700');
      assert.notEqual(await machine.sh('ls /var/cache/myaas/serve/*'), '');
    });

    it("imports by the timer's service what has come into the folder", async () => {
      await machine.write('/srv/myaas/dumps/late.sql', dump);
      await machine.sh('systemctl start myaas-update.service');
      assert.match(await machine.sh('myaas templates'), /late/);
    });

    it('brings a killed daemon back, while its connections go on', async () => {
      await using session = machine.connect(url);
      const connection = await session.ask('SELECT connection_id()');
      await machine.sh(`
        killed=$(systemctl show --property=MainPID --value myaas)
        kill -KILL "$killed"
        until [ "$(systemctl show --property=MainPID --value myaas)" != "$killed" ]; do sleep 0.1; done
        systemctl start myaas`);
      assert.match(await machine.sh('myaas ls --all'), /shop\/one +ready/);
      assert.equal(await session.ask('SELECT connection_id()'), connection);
    });

    it('has its databases after a reboot, which wake when somebody connects', async () => {
      await machine.reboot();
      await machine.sh('systemctl start myaas');
      await using session = machine.connect(url);
      assert.equal(await session.ask('SELECT group_concat(b ORDER BY a) FROM t'), 'one,two');
    });

    it('is upgraded under an open connection, which stays', async () => {
      const pids = 'systemctl show --property=MainPID --value myaas myaas-gate';
      await using session = machine.connect(url);
      const connection = await session.ask('SELECT connection_id()');
      const [daemon, gate] = (await machine.sh(pids)).split(/\n+/);
      const said = await machine.sh('apt-get install --yes /root/myaas_1.0.1_amd64.deb');
      const [newDaemon, sameGate] = (await machine.sh(pids)).split(/\n+/);
      assert.match(said, /gate: goes on, with all connections/);
      assert.notEqual(newDaemon, daemon);
      assert.equal(sameGate, gate);
      assert.equal(await session.ask('SELECT connection_id()'), connection);
      assert.match(await machine.sh('cat /etc/myaas/myaas.env'), /^MYAAS_DISK_SIZE=8g$/m);
    });

    it('leaves its services little that they could do to the host', async () => {
      for (const [unit, most] of Object.entries(mostExposed)) {
        const said = await machine.sh(`systemd-analyze security --no-pager ${unit} | tail -1`);
        const exposure = Number(/([\d.]+) [A-Z]+/.exec(said)?.[1]);
        console.log(`      ${unit}: exposure ${exposure} of 10, at most ${most}`);
        assert.ok(exposure <= most, said);
      }
    });

    it("is what Debian's own checker takes for a package", async () => {
      // It knows the older ways of compression only.
      const said = await machine.sh(
        'lintian --allow-root --fail-on error --suppress-tags malformed-deb-archive /root/myaas_1.0.0_amd64.deb',
      );
      assert.doesNotMatch(said, /^E:/m);
    });
  });

  it('a package is removed and purged with all that was its own', async () => {
    await using machine = await startMachine('purge');
    const filesOfMyaas = () =>
      machine.sh(
        'find / /srv /run -xdev \\( -path /proc -o -path /sys -o -path /root -o -path /var/lib/docker \\) -prune -o -name "*myaas*" -print | sort',
      );
    await machine.sh('apt-get install --yes /root/myaas_1.0.0_amd64.deb');
    await prepare(machine);
    await machine.write('/srv/myaas/dumps/shop.sql', dump);
    await machine.sh('myaas update && myaas new shop one');

    await machine.sh('apt-get remove --yes myaas');
    assert.equal(await machine.sh('docker ps --all --quiet'), '');
    assert.equal(await machine.sh('ls -l /proc/*/exe 2>/dev/null | grep /usr/lib/myaas || true'), '');
    await machine.sh('test -e /srv/myaas.btrfs && test -e /etc/myaas/myaas.env');

    await machine.sh('apt-get install --yes /root/myaas_1.0.0_amd64.deb');
    assert.match(await machine.sh('myaas ls --all'), /shop\/one/);
    await machine.sh(
      'rm /srv/myaas/dumps/shop.sql && myaas uninstall --purge --yes && apt-get purge --yes myaas',
    );
    const left = (await filesOfMyaas()).split('\n').filter((file) => !file.startsWith('/var/log/'));
    assert.deepEqual(left, ['']);
    assert.doesNotMatch(await machine.sh('cat /etc/passwd /etc/group'), /myaas/);
    assert.equal(await machine.sh('systemctl list-units --all --no-legend --plain "myaas*"'), '');
  });

  it('the archive is installed, upgraded in place, and uninstalled', async () => {
    await using machine = await startMachine('archive');
    await machine.copy(`${directory}/myaas-1.0.0-linux-x64.tar.gz`, '/root/');
    const first = await machine.sh(
      'cd /root && tar -xf myaas-*.tar.gz && ./myaas-1.0.0-linux-x64/myaas install',
    );
    assert.match(first, /next: "sudo myaas init"/);
    await prepare(machine);
    await machine.write('/srv/myaas/dumps/shop.sql', dump);
    await machine.sh('myaas update && myaas new shop one');
    const url = new URL(await machine.sh('myaas url shop/one'));

    assert.match(await machine.sh('myaas install'), /is there already[^]*daemon: runs/);
    {
      await using session = machine.connect(url);
      const connection = await session.ask('SELECT connection_id()');
      await machine.sh('echo "// newer" >>/root/myaas-1.0.0-linux-x64/myaas.js');
      const again = await machine.sh('/root/myaas-1.0.0-linux-x64/myaas install');
      assert.match(again, /daemon: restarted\ngate: goes on/);
      assert.equal(await session.ask('SELECT connection_id()'), connection);
    }
    await assert.rejects(machine.sh('apt-get install --yes /root/myaas_1.0.0_amd64.deb'), /myaas uninstall/);
    assert.match(await machine.sh('myaas uninstall'), /all data stays in \/srv\/myaas.btrfs/);
    await machine.sh('! command -v myaas && ! test -e /opt/myaas');
    await machine.sh('/root/myaas-1.0.0-linux-x64/myaas install');
    assert.match(await machine.sh('myaas ls --all'), /shop\/one/);
  });
});
