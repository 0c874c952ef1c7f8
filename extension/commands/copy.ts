import { env, l10n, window } from 'vscode';
import { fetchCredentials, type WithCredentials } from '../credentials.ts';
import { clientCommandOf } from '../client-command.ts';
import type { Ctx } from '../ctx.ts';
import { oneInstance } from '../target.ts';

export function copyUrl(ctx: Ctx) {
  return copy(
    ctx,
    ({ url }) => url,
    () => l10n.t('Connection URL copied'),
  );
}

export function copyClientCommand(ctx: Ctx) {
  return copy(ctx, clientCommandOf, () => l10n.t('Client command copied'));
}

/** How long the status bar says that something was copied, which is to be seen nowhere else. */
const saidMs = 3000;

function copy(ctx: Ctx, textOf: (instance: WithCredentials) => string, done: () => string) {
  return async (...args: unknown[]): Promise<void> => {
    await ctx.daemon.during(async (api) => {
      const instance = await oneInstance(ctx, args, l10n.t('Database to connect to'));
      if (!instance) return;
      await env.clipboard.writeText(textOf(await fetchCredentials(ctx, api, instance.id)));
      window.setStatusBarMessage(`$(check) ${done()}`, saidMs);
    });
  };
}
