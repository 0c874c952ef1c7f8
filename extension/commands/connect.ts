import { ConfigurationTarget, l10n, window, workspace } from 'vscode';
import { Api } from '../api.ts';
import { Client, parseAddress } from '../client.ts';
import { clientConfigPath, localAddress } from '../connection.ts';
import type { Ctx } from '../ctx.ts';
import { settingKeys, settingsSection } from '../manifest.ts';
import { askAddress, askToken } from '../prompts.ts';
import { forgetToken, storeToken } from '../tokens.ts';

/** Asks for address and token, tries them, and keeps the token where secrets are kept. */
export function connect(ctx: Ctx) {
  return async (): Promise<void> => {
    const known = await ctx.findConnection().catch(() => undefined);
    const url = parseAddress((await askAddress(known?.url ?? localAddress)) ?? '');
    if (url === undefined) return;
    const token = await askToken(url);
    if (token === undefined) return;
    ctx.log.hide(token);
    const client = new Client({ url, token });
    try {
      const { user } = await new Api(client).status();
      ctx.log.info(`${user.name} signed in at ${url}.`);
    } finally {
      client.dispose();
    }
    await storeToken(ctx.extension.secrets, url, token);
    await setAddress(url);
    ctx.daemon.reconnect();
    await ctx.daemon.during(() => Promise.resolve());
  };
}

/** Forgets address and token that were given to VS Code; what `myaas login` stored is not VS Code's to forget. */
export function signOut(ctx: Ctx) {
  return async (): Promise<void> => {
    const { url } = await ctx.findConnection();
    await forgetToken(ctx.extension.secrets, url);
    await setAddress(undefined);
    ctx.daemon.reconnect();
    const left = await ctx.findConnection();
    if (left.token === undefined) return;
    const file = clientConfigPath(process.env);
    void window.showInformationMessage(
      l10n.t(
        'VS Code has forgotten its token. One of "myaas login" ({0}) or MYAAS_TOKEN is used still.',
        file,
      ),
    );
  };
}

async function setAddress(url: string | undefined): Promise<void> {
  const section = workspace.getConfiguration(settingsSection);
  await section.update(settingKeys.url, url, ConfigurationTarget.Global);
}
