import { l10n } from 'vscode';
import type { Ctx } from '../ctx.ts';
import { viewIds } from '../manifest.ts';
import { withProgress } from '../progress.ts';
import { confirmReset } from '../prompts.ts';
import { oneInstance } from '../target.ts';

/** Fresh data; address and credentials, and with them `.env`, stay. */
export function resetDatabase(ctx: Ctx) {
  return async (...args: unknown[]): Promise<void> => {
    await ctx.daemon.during(async (api) => {
      const instance = await oneInstance(ctx, args, l10n.t('Database to reset'));
      if (!instance) return;
      const version = ctx.store
        .template(instance.template)
        ?.versions.find((each) => each.version === instance.version);
      if (!(await confirmReset(instance, version))) return;
      const title = l10n.t('Resetting the database "{0}"', instance.name);
      await withProgress({
        title,
        viewId: viewIds.databases,
        isCancellable: false,
        run: async () => ctx.store.putInstance(await api.resetInstance(instance.id)),
      });
    });
  };
}
