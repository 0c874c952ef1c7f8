import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import type { Instance } from '../../daemon/contract/instances.ts';
import { makeFolder, openFolder, openStage, untilFile, type Stage } from '../support/vscode-stage.ts';
import { VscodeWindow } from '../support/vscode-window.ts';

describe('An open window', function () {
  this.timeout(240_000);
  let stage: Stage;
  before(async () => void (stage = await openStage()));
  after(() => stage[Symbol.asyncDispose]());
  afterEach(async () => {
    const { body } = await stage.host.api<{ instances: { id: string }[] }>('GET', '/v1/instances');
    for (const { id } of body.instances) await stage.host.api('DELETE', `/v1/instances/${id}?force=1`);
  });

  const asAlice = () => ({ token: stage.host.userToken('alice') });
  const make = async (name: string, ttl = '7d') => {
    const answer = await stage.host.api<Instance>('POST', '/v1/instances', {
      ...asAlice(),
      body: { template: 'shop', name, ttl },
    });
    assert.equal(answer.status, 201, answer.text);
    return answer.body;
  };

  it('follows what happens elsewhere: made, deleted from the command line, expired, made by others', async () => {
    await using place = await openFolder(stage, 'shop');
    const { window } = place;
    await window.showView();
    await window.row(/^Template shop,/).waitFor();
    const doomed = await make('doomed');
    await make('removed');
    await window.row(/^Database doomed,.*ready/).waitFor();
    await window.row(/^Database removed,.*ready/).waitFor();
    await stage.host.create('blog', 'foreign');
    await window.row(/^Database foreign,.*owner admin/).waitFor();
    await window.shot('30-live');

    await execa(process.execPath, ['daemon/main.ts', 'rm', 'shop/removed'], {
      env: { ...stage.host.env, MYAAS_URL: stage.host.url, MYAAS_TOKEN: asAlice().token },
    });
    await window.row(/^Database removed,/).waitFor({ state: 'detached' });
    await stage.host.api('PATCH', `/v1/instances/${doomed.id}`, { ...asAlice(), body: { ttl: '10m' } });
    await window.row(/^Database doomed,.*expires soon/).waitFor();
    await window.shot('31-expiring');
    await stage.host.api('PATCH', `/v1/instances/${doomed.id}`, { ...asAlice(), body: { ttl: 1 } });
    await window.row(/^Database doomed,/).waitFor({ state: 'detached' });
  });

  it('is right again after the daemon was stopped and started, and its connections were cut', async () => {
    await using place = await openFolder(stage, 'shop');
    const { window } = place;
    await make('steady');
    await window.showView();
    await window.row(/^Database steady,.*ready/).waitFor();
    await stage.host.serve.stop();
    await window.row(/^Database steady,/).waitFor({ state: 'detached' });
    await window.shot('32-daemon-stopped');
    await stage.host.serve.start();
    await window.row(/^Database steady,.*ready/).waitFor();
    await make('later');
    await window.row(/^Database later,.*ready/).waitFor();
    stage.relay.cut();
    await make('after-cut');
    await window.row(/^Database after-cut,.*ready/).waitFor();
    assert.equal(await window.notifications.count(), 0);
  });

  it('is one of two that show the same', async () => {
    await using server = await stage.startVscode();
    const folder = await makeFolder(server, 'shop');
    await using first = await VscodeWindow.open(stage.browser, server, { open: folder });
    await using second = await VscodeWindow.open(stage.browser, server, {
      open: await makeFolder(server, 'other'),
    });
    await first.showView();
    await second.showView();
    await (await first.rowButton(/^Template shop,/, /New Database/)).click();
    await first.quickInputBox.waitFor();
    await first.answer('shared');
    await first.row(/^Database shared,.*used by this workspace/).waitFor();
    await second.row(/^Database shared,.*ready/).waitFor();
    await second.shot('33-second-window');
    assert.equal(await second.row(/^Database shared,.*used by this workspace/).count(), 0);
    await (await second.rowButton(/^Database shared,/, /Delete/)).click();
    await second.dialog.getByRole('button', { name: 'Delete' }).click();
    await first.row(/^Database shared,/).waitFor({ state: 'detached' });
    await second.row(/^Database shared,/).waitFor({ state: 'detached' });
  });

  it('looks as well in the dark', async () => {
    await make('night');
    for (const [theme, name] of [
      ['Default Dark Modern', '34-dark'],
      ['Default High Contrast', '35-contrast'],
    ] as const) {
      await using place = await openFolder(stage, 'shop', { settings: { 'workbench.colorTheme': theme } });
      const { window } = place;
      await window.showView();
      await window.row(/^Database night,.*ready/).waitFor();
      await window.row(/^Template shop,/).waitFor();
      await window.hover(/^Database night,/, 'Address');
      await window.shot(name);
    }
  });

  it('uses, extends, protects and copies a database from its menu', async () => {
    const { id } = await make('menu');
    await using place = await openFolder(stage, 'shop', { files: { '.env': 'A=1\n' } });
    const { window, folder } = place;
    await window.showView();
    await window.row(/^Database menu,.*ready/).click({ button: 'right' });
    await window.page.getByRole('menuitem', { name: /Copy Connection URL/ }).waitFor();
    await window.shot('36-menu');
    await window.page.keyboard.press('Escape');
    await window.rowMenu(/^Database menu,/, /Copy Connection URL/);
    const url = await stage.host.api<{ url: string }>('GET', `/v1/instances/${id}`, asAlice());
    await window.page.waitForFunction(
      `navigator.clipboard.readText().then((text) => text === ${JSON.stringify(url.body.url)})`,
    );

    await window.rowMenu(/^Database menu,/, /^Protect/);
    await window.row(/^Database menu,.*protected/).waitFor();
    await window.rowMenu(/^Database menu,/, /Extend/);
    await window.option(/Never/).click();
    await window.row(/^Database menu,.*never expires/).waitFor();
    await (await window.rowButton(/^Database menu,/, /Use in This Workspace/)).click();
    const env = await untilFile(join(folder, '.env'), (text) => text.includes('DATABASE_URL'));
    assert.ok(env.startsWith('A=1\n'), env);
    await window.row(/^Database menu,.*used by this workspace/).waitFor();

    await (await window.rowButton(/^Database menu,/, /Delete/)).click();
    await window.dialog.getByRole('button', { name: 'Delete' }).click();
    await window.quickInput.getByText(/Type its name/).waitFor();
    await window.shot('37-type-its-name');
    await window.answer('menu');
    await window.row(/^Database menu,/).waitFor({ state: 'detached' });
    assert.equal((await readFile(join(folder, '.env'), 'utf8')).trim(), 'A=1');
  });

  it('puts a database to sleep and wakes it, by menu and by palette, and says why it does not', async () => {
    const instance = await make('dozing');
    await using place = await openFolder(stage, 'shop');
    const { window } = place;
    await window.showView();
    await window.row(/^Database dozing,.* ready,/).waitFor();
    await window.rowMenu(/^Database dozing,/, /^Put to Sleep/);
    await window.row(/^Database dozing,.* asleep, the first connection wakes it,/).click({ button: 'right' });
    await window.page.getByRole('menuitem', { name: /^Wake Up/ }).waitFor();
    assert.equal(await window.page.getByRole('menuitem', { name: /^Put to Sleep/ }).count(), 0);
    await window.shot('39-asleep');
    await window.page.keyboard.press('Escape');

    const held = stage.docker.hold(/^POST \S*\/containers\/\w+\/start/);
    try {
      await window.rowMenu(/^Database dozing,/, /^Wake Up/);
      await held.reached;
      await window.row(/^Database dozing,.* waking up,/).waitFor();
      await window.shot('40-waking');
    } finally {
      held.release();
    }
    await window.row(/^Database dozing,.* ready,/).waitFor();

    const connection = await stage.host.connect(instance);
    try {
      await connection.query('begin; delete from customers');
      await window.command('MyAAS: Put to Sleep');
      await window.option(/^dozing/).waitFor();
      await window.page.keyboard.press('Enter');
      await window.notifications
        .getByText(/was not put to sleep: .*stays awake: a transaction has been open.*Try again when/)
        .waitFor();
      await window.shot('41-in-use');
      await connection.query('rollback');
    } finally {
      connection.destroy();
    }
  });

  it('shows what there is of a template before anybody asks, and draws no other anew when that changes', async () => {
    await stage.host.serve.stop();
    await stage.host.serve.start({ MYAAS_POOL: '0,shop=1' });
    try {
      await using place = await openFolder(stage, 'shop');
      const { window } = place;
      await window.showView();
      await window.row(/^Template shop,.* 1 ready at once/).waitFor();
      await window.hover(/^Template shop,/, '1 ready at once');
      await window.shot('42-pool');
      const redrawn = await window.noteRedrawnRows();
      const events = await stage.host.watch();
      assert.equal((await make('claimed')).from, 'pool');
      let isRefilling = false;
      await events.until((event) => {
        if (event.type !== 'template') return false;
        const { making, ready } = event.template.pool;
        isRefilling ||= making === 1;
        return isRefilling && ready === 1;
      });
      await window.row(/^Database claimed,.* ready,/).waitFor();
      await window.row(/^Template shop,.* 1 ready at once/).waitFor();
      const templates = [...(await redrawn())].filter((name) => name.startsWith('Template'));
      assert.deepEqual(templates, ['Template shop']);
    } finally {
      await stage.host.serve.stop();
      await stage.host.serve.start();
    }
  });

  it('opens a shell in which the client is connected', async () => {
    await make('talk');
    await using place = await openFolder(stage, 'shop');
    const { window } = place;
    await window.showView();
    await window.row(/^Database talk,.*ready/).waitFor();
    await window.rowMenu(/^Database talk,/, /Open Shell/);
    const terminal = window.page.locator('.terminal.xterm');
    await terminal.waitFor();
    await terminal.click();
    await window.page
      .locator('.xterm-rows')
      .getByText(/MariaDB/)
      .first()
      .waitFor();
    await window.shot('38-shell');
  });
});
