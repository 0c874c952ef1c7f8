import assert from 'node:assert/strict';
import { cp, readFile } from 'node:fs/promises';
import { execa } from 'execa';
import type { Instance, Job } from '../../daemon/contract.ts';
import { contentsOf, type Contents } from '../support/contents.ts';
import { startHost, type TestHost } from '../support/daemon.ts';
import { startPlainServer } from '../support/plain.ts';

const source = new URL('../data/dumps/source.sql', import.meta.url);

describe('a template', function () {
  this.timeout(60_000);
  let host: TestHost;
  let job: Job;
  let expected: Contents;

  before('is made of every kind of backup of one server', async function () {
    this.timeout(600_000);
    host = await startHost();
    await using plain = await startPlainServer();
    await plain.load(await readFile(source));
    // Tables in memory are empty from now on, as in a template.
    await plain.restart();
    const backup = 'mariadb-backup --no-defaults --backup --socket=/plain/s --user=root';
    const directory = await plain.makeDirectory('backup');
    await plain.run(`${backup} --target-dir=${directory}`);
    await cp(directory, `${host.dumpsDir}/backup`, { recursive: true });
    await plain.run(`mariadb-backup --no-defaults --prepare --target-dir=${directory}`);
    await cp(directory, `${host.dumpsDir}/prepared`, { recursive: true });
    const stream = await plain.run(`${backup} --stream=xbstream --target-dir=/tmp`);
    await host.writeDump('stream.xb', stream);
    const { stdout } = await execa('zstd', ['-c'], { input: stream, encoding: 'buffer' });
    await host.writeDump('packed.sql.zst', stdout);
    expected = await plain.contents();
    job = await host.update();
  });
  after(() => host.stop());

  async function contentsOfTemplate(template: string): Promise<Contents> {
    const instance: Instance = await host.create(template, 'look');
    const connection = await host.connect(instance);
    try {
      return await contentsOf(connection);
    } finally {
      connection.destroy();
      await host.api('DELETE', `/v1/instances/${instance.id}`);
    }
  }

  for (const [template, what] of [
    ['backup', 'a directory of mariadb-backup'],
    ['prepared', 'one that was prepared already'],
    ['stream', 'a stream of mariadb-backup'],
    ['packed', 'a packed stream, whatever its name says'],
  ] as const) {
    it(`can be made of ${what}`, async () => {
      const made = job.imports.find((each) => each.template === template);
      assert.equal(made?.error, null);
      assert.equal(made.state, 'imported');
      assert.deepEqual(await contentsOfTemplate(template), expected);
    });
  }
});
