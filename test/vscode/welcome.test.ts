import assert from 'node:assert/strict';
import { on } from 'node:events';
import { watch } from 'node:fs';
import { join } from 'node:path';
import { chmod, readFile, rm } from 'node:fs/promises';
import { freePort } from '../support/daemon.ts';
import { logIn, makeFolder, openStage, type Stage } from '../support/vscode-stage.ts';
import { patienceMs, VscodeWindow } from '../support/vscode-window.ts';
import type { VscodeServer } from '../support/vscode-server.ts';

describe('The welcome view', function () {
  this.timeout(240_000);
  let stage: Stage;
  let server: VscodeServer;
  let window: VscodeWindow;

  before(async () => {
    stage = await openStage();
    // Root may use every socket; a person may not.
    server = await stage.startVscode({ login: null, unprivileged: true });
    window = await VscodeWindow.open(stage.browser, server, { open: await makeFolder(server, 'shop') });
  });
  after(async () => {
    await window.close();
    await server.stop();
    await stage[Symbol.asyncDispose]();
  });

  /** The window's settings when they say something: VS Code writes them when it has time to. */
  async function settingsWith(part: string): Promise<string> {
    const file = join(server.userData, 'Machine/settings.json');
    const watcher = watch(server.userData, { recursive: true });
    const changes = on(watcher, 'change', { signal: AbortSignal.timeout(patienceMs) });
    for (;;) {
      const text = await readFile(file, 'utf8').catch(() => '');
      if (text.includes(part)) {
        watcher.close();
        return text;
      }
      await changes.next();
    }
  }

  const welcome = (text: RegExp) =>
    window.page.locator('.welcome-view-content:visible').getByText(text).first();
  const loggedIn = () => ({ url: stage.relay.url, token: stage.host.userToken('alice') });
  /** Leaves a login, as `myaas login` does, and has the extension look at it. */
  const tryWith = async (login: { url: string; token: string }) => {
    await logIn(server.home, login);
    await window.showView();
    await window.command('MyAAS: Look for the Daemon Again');
  };

  it('says that no daemon answers', async () => {
    await tryWith({ url: `http://127.0.0.1:${await freePort()}`, token: 'x' });
    await welcome(/answers/).waitFor();
    await window.shot('40-unreachable');
    await logIn(server.home, loggedIn());
    await window.page
      .getByRole('button', { name: /Try Again/ })
      .first()
      .click();
    await window.row(/^Template shop,/).waitFor();
  });

  it('says that the daemon does not know the token', async () => {
    await tryWith({ url: stage.relay.url, token: 'myaas_not_a_token' });
    await welcome(/token/).waitFor();
    await window.shot('41-bad-token');
  });

  it('says that something else answers at the address', async () => {
    await tryWith({ url: `http://${server.authority}`, token: 'x' });
    await welcome(/version/).waitFor();
    await window.shot('42-mismatch');
  });

  it('says that the socket may not be used', async () => {
    const socket = stage.host.paths.apiSocket;
    await chmod(socket, 0);
    await tryWith({ url: `unix:${socket}`, token: 'x' });
    await welcome(/may not|permission/).waitFor();
    await window.shot('43-forbidden');
  });

  it('says that a configuration cannot be used', async () => {
    const config = join(server.home, '.config/myaas/config.json');
    await logIn(server.home, loggedIn());
    await chmod(config, 0o644);
    await window.showView();
    await window.command('MyAAS: Look for the Daemon Again');
    await welcome(/config\.json/).waitFor();
    await window.shot('44-misconfigured');
    await rm(config);
  });

  it('says that there are no databases, and no templates, until there are some', async () => {
    await tryWith(loggedIn());
    await welcome(/database/i).waitFor();
    await window.shot('45-no-databases');
    for (const name of ['shop', 'blog']) await stage.host.api('DELETE', `/v1/templates/${name}?force=1`);
    await window
      .row(/^Template/)
      .first()
      .waitFor({ state: 'detached' });
    await welcome(/template/i).waitFor();
    await window.shot('46-no-templates');
    await stage.host.update(undefined, true);
    await window.row(/^Template shop,/).waitFor();
  });

  it('leads to the databases by Connect…, which keeps the token until one signs out', async () => {
    await tryWith({ url: stage.relay.url, token: 'myaas_not_a_token' });
    await welcome(/token/).waitFor();
    await window.command('MyAAS: Connect…');
    await window.quickInput.getByText('Address of the daemon').waitFor();
    await window.answer(stage.relay.url);
    await window.quickInput.getByText(/Your token/).waitFor();
    await window.shot('47-token');
    const token = stage.host.userToken('alice');
    await window.answer(token);
    await window.row(/^Template shop,/).waitFor();
    assert.ok(!(await settingsWith(stage.relay.url)).includes(token));
    await window.command('MyAAS: Sign Out');
    await welcome(/token/).waitFor();
    await window.shot('48-signed-out');
  });
});
