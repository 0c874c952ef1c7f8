/** Every command: what it does, and what to say did not happen when it fails. */
import { commands, l10n, type Disposable } from 'vscode';
import type { Ctx } from '../ctx.ts';
import { commandIds, type CommandName } from '../manifest.ts';
import { reportFailure } from '../report.ts';
import { connect, signOut } from './connect.ts';
import { copyClientCommand, copyUrl } from './copy.ts';
import { deleteDatabase } from './delete-database.ts';
import { extendLease } from './extend-lease.ts';
import { newDatabase, newDatabaseWithOptions } from './new-database.ts';
import { openEnvFile } from './open-env-file.ts';
import { openShell, openTerminal } from './open-terminal.ts';
import { protect, unprotect } from './protect.ts';
import { refreshAllTemplates, refreshTemplate } from './refresh-template.ts';
import { resetDatabase } from './reset-database.ts';
import { retry } from './retry.ts';
import { showDatabaseActions } from './show-database-actions.ts';
import { showLog } from './show-log.ts';
import { showServerLog } from './show-server-log.ts';
import { putToSleep, wakeUp } from './sleep.ts';
import { useInWorkspace } from './use-in-workspace.ts';

interface Command {
  readonly of: (ctx: Ctx) => (...args: unknown[]) => Promise<void>;
  readonly failed: () => string;
}

const table: Readonly<Record<CommandName, Command>> = {
  newDatabase: { of: newDatabase, failed: () => l10n.t('The database was not made') },
  newDatabaseWithOptions: { of: newDatabaseWithOptions, failed: () => l10n.t('The database was not made') },
  useInWorkspace: { of: useInWorkspace, failed: () => l10n.t('The credentials were not written') },
  resetDatabase: { of: resetDatabase, failed: () => l10n.t('The database was not reset') },
  putToSleep: { of: putToSleep, failed: () => l10n.t('The database was not put to sleep') },
  wakeUp: { of: wakeUp, failed: () => l10n.t('The database was not woken') },
  deleteDatabase: { of: deleteDatabase, failed: () => l10n.t('Not everything was deleted') },
  extendLease: { of: extendLease, failed: () => l10n.t('The lease was not extended') },
  protect: { of: protect, failed: () => l10n.t('The database was not protected') },
  unprotect: { of: unprotect, failed: () => l10n.t('The database is protected still') },
  copyUrl: { of: copyUrl, failed: () => l10n.t('Nothing was copied') },
  copyClientCommand: { of: copyClientCommand, failed: () => l10n.t('Nothing was copied') },
  openShell: { of: openShell, failed: () => l10n.t('No shell was opened') },
  openTerminal: { of: openTerminal, failed: () => l10n.t('No terminal was opened') },
  showServerLog: { of: showServerLog, failed: () => l10n.t('The log cannot be shown') },
  showDatabaseActions: { of: showDatabaseActions, failed: () => l10n.t('MyAAS is not there') },
  openEnvFile: { of: openEnvFile, failed: () => l10n.t('The file was not opened') },
  refreshTemplate: { of: refreshTemplate, failed: () => l10n.t('The template was not refreshed') },
  refreshAllTemplates: { of: refreshAllTemplates, failed: () => l10n.t('Not every dump was imported') },
  connect: { of: connect, failed: () => l10n.t('Not connected') },
  signOut: { of: signOut, failed: () => l10n.t('Not signed out') },
  retry: { of: retry, failed: () => l10n.t('Not connected') },
  showLog: { of: showLog, failed: () => l10n.t('The log cannot be shown') },
};

export function registerCommands(ctx: Ctx): Disposable[] {
  return (Object.keys(table) as CommandName[]).map((name) => {
    const { of, failed } = table[name];
    const run = of(ctx);
    return commands.registerCommand(commandIds[name], async (...args: unknown[]) => {
      try {
        await run(...args);
      } catch (error) {
        reportFailure(ctx.log, failed(), error);
      }
    });
  });
}
