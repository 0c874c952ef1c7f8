/** Registers everything and returns: no request is made before a view or a command needs it. */
import { workspace, type ExtensionContext } from 'vscode';
import { registerCommands } from './commands/table.ts';
import { findConnection } from './connection.ts';
import type { Ctx } from './ctx.ts';
import { DaemonLink } from './daemon.ts';
import { openLog } from './log.ts';
import { daemonUrl } from './settings.ts';
import { Store } from './store.ts';
import { provideTasks } from './tasks.ts';
import { storedToken } from './tokens.ts';
import { Usage } from './usage.ts';
import { keepContextKeys } from './views/context-keys.ts';
import { DatabasesView } from './views/databases.ts';
import { ServerLogs } from './views/server-log.ts';
import { showStatusBar } from './views/status-bar.ts';
import { TemplatesView } from './views/templates.ts';

export function activate(extension: ExtensionContext): void {
  const { secrets } = extension;
  const log = openLog();
  const store = new Store();
  const find: Ctx['findConnection'] = () =>
    findConnection({
      env: process.env,
      settingUrl: daemonUrl(),
      storedToken: (url) => storedToken(secrets, url),
    });
  const { version } = extension.extension.packageJSON as { readonly version: string };
  const daemon = new DaemonLink({ store, log, findConnection: find, version });
  const usage = new Usage(store, log);
  const databases = new DatabasesView(store, daemon, usage);
  const serverLogs = new ServerLogs(daemon);
  const ctx: Ctx = { extension, log, store, daemon, usage, databases, serverLogs, findConnection: find };
  extension.subscriptions.push(
    log,
    daemon,
    usage,
    databases,
    serverLogs,
    new TemplatesView(store, daemon),
    showStatusBar(store, usage),
    keepContextKeys(store),
    provideTasks(ctx),
    ...registerCommands(ctx),
    // Another window, or the user's hand in the settings.
    secrets.onDidChange(() => daemon.reconnect()),
    workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration('myaas.url')) daemon.reconnect();
    }),
  );
}
