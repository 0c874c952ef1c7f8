import type { ExtensionContext } from 'vscode';
import type { Connection } from './client.ts';
import type { DaemonLink } from './daemon.ts';
import type { Log } from './log.ts';
import type { Store } from './store.ts';
import type { Usage } from './usage.ts';
import type { DatabasesView } from './views/databases.ts';
import type { ServerLogs } from './views/server-log.ts';

/** What commands work with, made once in `activate` and handed along. */
export interface Ctx {
  readonly extension: ExtensionContext;
  readonly log: Log;
  readonly store: Store;
  readonly daemon: DaemonLink;
  /** Where the daemon is to be found now. Throws `MYAAS_BAD_CLIENT_CONFIG`. */
  readonly findConnection: () => Promise<Connection>;
  readonly usage: Usage;
  readonly databases: DatabasesView;
  readonly serverLogs: ServerLogs;
}
