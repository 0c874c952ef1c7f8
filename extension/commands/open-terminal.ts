import { l10n, window } from 'vscode';
import { clientOf, findClientProgram } from '../client-command.ts';
import { environmentOf, fetchCredentials } from '../credentials.ts';
import type { Ctx } from '../ctx.ts';
import { failures } from '../errors.ts';
import { currentFolder } from '../folders.ts';
import { isUsable, oneInstance } from '../target.ts';

/** The database's client program, logged in. Its password is in this terminal's environment, in no argument list. */
export function openShell(ctx: Ctx) {
  return async (...args: unknown[]): Promise<void> => {
    await ctx.daemon.during(async (api) => {
      const instance = await pick(ctx, args, l10n.t('Database to open a shell in'));
      if (!instance) return;
      const client = clientOf(instance.engine);
      const shellPath = await findClientProgram(client, process.env);
      if (shellPath === undefined) throw failures.noClientProgram(client);
      const credentials = await fetchCredentials(ctx, api, instance.id);
      const terminal = window.createTerminal({
        name: instance.name,
        shellPath,
        shellArgs: client.argumentsOf(credentials),
        env: { [client.passwordVariable]: credentials.password },
        // Not to be kept on disk for the next session.
        isTransient: true,
      });
      terminal.show();
    });
  };
}

/** A terminal whose programs find this database in their environment. */
export function openTerminal(ctx: Ctx) {
  return async (...args: unknown[]): Promise<void> => {
    await ctx.daemon.during(async (api) => {
      const instance = await pick(ctx, args, l10n.t('Database to run programs with'));
      if (!instance) return;
      const folder = currentFolder();
      const terminal = window.createTerminal({
        name: l10n.t('with {0}', instance.name),
        env: environmentOf(await fetchCredentials(ctx, api, instance.id)),
        isTransient: true,
        ...(folder && { cwd: folder.uri }),
      });
      terminal.show();
    });
  };
}

async function pick(ctx: Ctx, args: readonly unknown[], placeHolder: string) {
  return oneInstance(ctx, args, placeHolder, (each) => ctx.store.isOwn(each) && isUsable(each));
}
