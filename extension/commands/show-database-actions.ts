import { commands, l10n } from 'vscode';
import type { Ctx } from '../ctx.ts';
import { currentFolder } from '../folders.ts';
import { commandIds, type CommandName } from '../manifest.ts';
import { pickAction } from '../prompts.ts';

/** What can be done with this workspace's database: a click on the status bar. */
export function showDatabaseActions(ctx: Ctx) {
  return async (): Promise<void> => {
    const action = await ctx.daemon.during(async () => {
      const folder = currentFolder();
      const instance = folder && ctx.usage.in(folder);
      const action = instance
        ? await pickAction<CommandName>(instance.name, [
            { label: `$(discard) ${l10n.t('Reset to Template')}`, value: 'resetDatabase' },
            { label: `$(terminal) ${l10n.t('Open Shell')}`, value: 'openShell' },
            { label: `$(clippy) ${l10n.t('Copy Connection URL')}`, value: 'copyUrl' },
            { label: `$(calendar) ${l10n.t('Extend Lease…')}`, value: 'extendLease' },
            { label: `$(output) ${l10n.t('Show Server Log')}`, value: 'showServerLog' },
            { label: `$(go-to-file) ${l10n.t('Open .env')}`, value: 'openEnvFile' },
            { label: `$(trash) ${l10n.t('Delete')}`, value: 'deleteDatabase' },
          ])
        : await pickAction<CommandName>(l10n.t('No database is used here'), [
            { label: `$(add) ${l10n.t('New Database')}`, value: 'newDatabase' },
            { label: `$(plug) ${l10n.t('Use in This Workspace')}`, value: 'useInWorkspace' },
          ]);
      return action && { id: commandIds[action], node: instance && { kind: 'instance', id: instance.id } };
    });
    if (action) await commands.executeCommand(action.id, ...(action.node ? [action.node] : []));
  };
}
