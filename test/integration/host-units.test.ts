import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { execa } from 'execa';

const units = 'daemon/host/systemd';
/** Points of `systemd-analyze security`, ten times what it shows: 0 is closed, 100 is wide open. */
const gateThreshold = 20;

describe('the systemd units', () => {
  let directory = '';
  before(async () => {
    directory = await mkdtemp(`${tmpdir()}/myaas-units-`);
    for (const unit of await readdir(units)) {
      // The programs that they name are installed with them; here any that exists stands for them.
      const text = (await readFile(`${units}/${unit}`, 'utf8')).replaceAll(
        '/usr/bin/myaas',
        process.execPath,
      );
      await writeFile(`${directory}/${unit}`, text);
    }
    // Units that come with Docker's package, which has not put them where systemd looks when there is no systemd.
    await writeFile(`${directory}/docker.service`, `[Service]\nExecStart=${process.execPath}\n`);
  });
  after(() => rm(directory, { recursive: true }));

  for (const unit of ['myaas.service', 'myaas-gate.service', 'myaas-update.service', 'myaas-update.timer']) {
    it(`${unit} has no mistake that systemd knows of`, async () => {
      const { exitCode, all } = await execa(
        'systemd-analyze',
        ['verify', '--man=no', `${directory}/${unit}`],
        {
          reject: false,
          all: true,
        },
      );
      const said = all.split('\n').filter((line) => line.includes('myaas'));
      assert.deepEqual(said, []);
      assert.equal(exitCode, 0, all);
    });
  }

  it('leave the gate next to nothing that it could do to the host', async () => {
    const { exitCode, all } = await execa(
      'systemd-analyze',
      [
        'security',
        '--no-pager',
        '--offline=true',
        `--threshold=${gateThreshold}`,
        `${directory}/myaas-gate.service`,
      ],
      { reject: false, all: true },
    );
    assert.equal(exitCode, 0, all);
  });

  it('let the gate run on while the daemon restarts', async () => {
    const { stdout } = await execa(
      'grep',
      ['-hE', '^(Requires|BindsTo|PartOf)=', `${units}/myaas-gate.service`],
      {
        reject: false,
      },
    );
    assert.equal(stdout, '');
  });
});
