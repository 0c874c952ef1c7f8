import { l10n } from 'vscode';
import type { Ctx } from '../ctx.ts';
import { oneInstance } from '../target.ts';

export function showServerLog(ctx: Ctx) {
  return async (...args: unknown[]): Promise<void> => {
    await ctx.daemon.during(async () => {
      const instance = await oneInstance(ctx, args, l10n.t('Database whose server log to show'));
      if (instance) await ctx.serverLogs.show(instance);
    });
  };
}
