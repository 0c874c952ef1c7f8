import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import {
  listenForReset,
  makeFolder,
  openFolder,
  openStage,
  untilFile,
  type Stage,
} from '../support/vscode-stage.ts';
import { VscodeWindow } from '../support/vscode-window.ts';

describe('New Database', function () {
  this.timeout(240_000);
  let stage: Stage;
  before(async () => void (stage = await openStage()));
  after(() => stage[Symbol.asyncDispose]());
  afterEach(async () => {
    const { body } = await stage.host.api<{ instances: { id: string }[] }>('GET', '/v1/instances');
    for (const { id } of body.instances) await stage.host.api('DELETE', `/v1/instances/${id}?force=1`);
  });

  it('works from the palette: template, name, done', async () => {
    await using place = await openFolder(stage, 'shop', { files: { '.gitignore': '.env\n' } });
    const { window, folder } = place;
    await execa('git', ['init', '--initial-branch', 'feat/Überblick'], { cwd: folder });
    await window.command('MyAAS: New Database');
    await window.option(/^shop/).waitFor();
    await window.shot('20-palette-template');
    await window.answer('shop');
    await window.quickInput.getByText('Name of the new database').waitFor();
    assert.equal(await window.quickInputBox.inputValue(), 'shop-feat-uberblick');
    await window.quickInputBox.fill('no good');
    await window.quickInput.getByText(/A name has letters/).waitFor();
    await window.shot('21-palette-bad-name');
    await window.answer('from-palette');
    const env = await untilFile(join(folder, '.env'), (text) => text.includes('DATABASE_URL'));
    assert.match(env, /^DATABASE_URL=/m);
    await window.row(/^Database from-palette,.*used by this workspace/).waitFor();
    assert.match((await window.row(/^Database from-palette,/).getAttribute('class')) ?? '', /selected/);
    await window.statusItem(/from-palette/).waitFor();
    await window.shot('22-palette-done');
  });

  it('asks before it writes a password where git would take it up', async () => {
    await using place = await openFolder(stage, 'shop', { files: { 'index.js': '' } });
    const { window, folder } = place;
    await execa('git', ['init', '--initial-branch', 'main'], { cwd: folder });
    await window.showView();
    await (await window.rowButton(/^Template shop,/, /New Database/)).click();
    await window.quickInputBox.waitFor();
    await window.answer('asked');
    await window.dialog.waitFor();
    await window.shot('23-git-question');
    await window.dialog.getByRole('button', { name: 'Add to .gitignore' }).click();
    await untilFile(join(folder, '.env'), (text) => text.includes('DATABASE_URL'));
    assert.match(await readFile(join(folder, '.gitignore'), 'utf8'), /^\/?\.env$/m);
  });

  it('leaves nothing behind when it is cancelled in the middle', async () => {
    await using place = await openFolder(stage, 'shop');
    const { window, folder } = place;
    const before = await stage.host.census();
    await window.showView();
    const held = stage.docker.hold(/^POST \S*\/containers\/create/);
    try {
      await (await window.rowButton(/^Template shop,/, /New Database/)).click();
      await window.quickInputBox.waitFor();
      await window.answer('regretted');
      await held.reached;
      await window.row(/^Database regretted,.*being made/).waitFor();
      await window.notifications.getByRole('button', { name: 'Cancel' }).waitFor();
      await window.shot('24-being-made');
      const events = await stage.host.watch();
      await window.notifications.getByRole('button', { name: 'Cancel' }).click();
      held.release();
      await events.until((event) => event.type === 'instance-deleted');
    } finally {
      held.release();
    }
    await window.row(/^Database regretted,/).waitFor({ state: 'detached' });
    await window.shot('25-cancelled');
    assert.deepEqual(await stage.host.census(), before);
    await assert.rejects(readFile(join(folder, '.env')), { code: 'ENOENT' });
  });

  it('needs no mouse, and neither do reset and delete', async () => {
    await using place = await openFolder(stage, 'shop');
    const { window, folder } = place;
    const { keyboard } = window.page;
    await window.command('MyAAS: New Database');
    await window.option(/^blog/).waitFor();
    await window.answer('blog');
    await window.quickInput.getByText('Name of the new database').waitFor();
    await window.answer('typed');
    await window.row(/^Database typed,.*used by this workspace/).waitFor();

    await window.command('MyAAS: Reset to Template');
    await window.option(/^typed/).waitFor();
    await keyboard.press('Enter');
    await window.dialog.waitFor();
    const reset = await listenForReset(stage.host);
    // The button with the focus is the one that does it.
    await keyboard.press('Enter');
    await reset.done;

    await window.command('MyAAS: Delete');
    await window.option(/^typed/).waitFor();
    await keyboard.press('ArrowDown');
    await keyboard.press('Space');
    await window.quickInput.getByText('1 Selected').waitFor();
    await window.shot('26-keyboard-delete');
    await keyboard.press('Enter');
    await window.dialog.waitFor();
    await keyboard.press('Enter');
    await window.row(/^Database typed,/).waitFor({ state: 'detached' });
    await untilFile(join(folder, '.env'), (text) => !text.includes('DATABASE_URL'));
  });

  it('asks for the folder where there are several, and writes into that one alone', async () => {
    await using server = await stage.startVscode();
    const folders = [await makeFolder(server, 'api'), await makeFolder(server, 'shop')];
    const workspace = join(server.workspaces, 'both.code-workspace');
    await makeFolder(server, '.', {
      'both.code-workspace': JSON.stringify({ folders: folders.map((path) => ({ path })) }),
    });
    await using window = await VscodeWindow.open(stage.browser, server, { open: workspace });
    await window.showView();
    await (await window.rowButton(/^Template shop,/, /New Database/)).click();
    await window.option(/^api/).waitFor();
    await window.shot('27-multi-root-folder');
    await window.answer('api');
    await window.quickInput.getByText('Name of the new database').waitFor();
    assert.equal(await window.quickInputBox.inputValue(), 'api');
    await window.answer('for-api');
    await untilFile(join(folders[0] ?? '', '.env'), (text) => text.includes('DATABASE_URL'));
    await assert.rejects(readFile(join(folders[1] ?? '', '.env')), { code: 'ENOENT' });
    await window.shot('28-multi-root-done');
  });

  it('writes no credentials into a folder that is not trusted', async () => {
    await using place = await openFolder(stage, 'shop', { untrusting: true });
    const { window, folder } = place;
    await window.showView();
    await (await window.rowButton(/^Template shop,/, /New Database/)).click();
    await window.quickInputBox.waitFor();
    await window.answer('untrusted');
    await window.notifications.getByText(/not trusted/).waitFor();
    await window.shot('29-untrusted');
    await assert.rejects(readFile(join(folder, '.env')), { code: 'ENOENT' });
  });
});
