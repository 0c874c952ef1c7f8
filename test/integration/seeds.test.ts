import assert from 'node:assert/strict';
import { access, mkdir, readdir, rename, stat, writeFile } from 'node:fs/promises';
import { setReadOnly, snapshot } from '../../daemon/drivers/btrfs.ts';
import { startHost, type TestHost } from '../support/daemon.ts';
import { blogDump, shopDump } from '../support/dumps.ts';

describe('the data directory of an empty server', () => {
  let host: TestHost;

  before(async () => {
    host = await startHost();
    await host.importDump('shop', shopDump);
  });
  after(() => host.stop());

  const names = () => readdir(host.paths.seeds);
  const only = async (): Promise<string> => {
    const [name = '', ...others] = await names();
    assert.deepEqual(others, []);
    return name;
  };
  const dataOf = (name: string) => `${host.paths.seeds}/${name}/datadir`;

  it('is made once, and taken by every import', async () => {
    const name = await only();
    const before = await stat(`${dataOf(name)}/ibdata1`);
    await host.importDump('blog', blogDump);
    assert.equal(await only(), name);
    const { ino, ctimeMs } = await stat(`${dataOf(name)}/ibdata1`);
    assert.deepEqual([ino, ctimeMs], [before.ino, before.ctimeMs]);
  });

  it('has no key and no certificate, and can be written by nobody', async () => {
    const data = dataOf(await only());
    assert.deepEqual(
      (await readdir(data)).filter((file) => file.endsWith('.pem')),
      [],
    );
    await assert.rejects(writeFile(`${data}/new`, ''), { code: 'EROFS' });
  });

  it('is made anew when an earlier daemon was killed while it made one', async () => {
    const name = await only();
    await host.serve.stop();
    await rename(`${host.paths.seeds}/${name}`, `${host.paths.seeds}/${name}.unfinished`);
    await host.serve.start();
    assert.deepEqual(await names(), []);
    assert.equal((await host.update(['shop'], true)).state, 'succeeded');
    assert.equal(await only(), name);
  });

  it('goes when its image has gone', async () => {
    const name = await only();
    const older = name.replace(/[0-9a-f]{12}(?=-[0-9a-f]{12}$)/, '0123456789ab');
    await host.serve.stop();
    await mkdir(`${host.paths.seeds}/${older}`);
    await snapshot(dataOf(name), dataOf(older));
    await setReadOnly(dataOf(older));
    await host.serve.start();
    assert.equal(await only(), name);
  });

  it('is not left half-made by an import that is cancelled meanwhile', async () => {
    await host.serve.stop();
    await rename(`${host.paths.seeds}/${await only()}`, `${host.paths.seeds}/gone.unfinished`);
    await host.serve.start();
    const events = await host.watch();
    const { body } = await host.api<{ id: string }>('POST', '/v1/templates/refresh', {
      body: { force: true },
    });
    await events.until(
      (event) =>
        event.type === 'job' && event.job.imports.some(({ progress }) => progress?.phase === 'initialising'),
    );
    assert.equal((await host.api('DELETE', `/v1/jobs/${body.id}`)).status, 200);
    for (const name of await names()) {
      assert.ok(!name.endsWith('.unfinished'), name);
      await access(`${dataOf(name)}/ibdata1`);
    }
  });
});
