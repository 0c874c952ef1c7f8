import { l10n } from 'vscode';
import { fetchCredentials, giveCredentials } from '../credentials.ts';
import type { Ctx } from '../ctx.ts';
import { failures } from '../errors.ts';
import { pickFolder } from '../prompts.ts';
import { isUsable, oneInstance } from '../target.ts';
import { localFolders } from '../usage.ts';

/** Writes an existing database's credentials to this workspace's `.env`. */
export function useInWorkspace(ctx: Ctx) {
  return async (...args: unknown[]): Promise<void> => {
    await ctx.daemon.during(async (api) => {
      const isCandidate = (instance: Parameters<typeof isUsable>[0]): boolean =>
        ctx.store.isOwn(instance) && isUsable(instance);
      const instance = await oneInstance(ctx, args, l10n.t('Database to use in this workspace'), isCandidate);
      if (!instance) return;
      const folders = localFolders();
      if (folders.length === 0) throw failures.noFolder();
      const folder = await pickFolder(folders);
      if (folder) await giveCredentials(ctx, folder, await fetchCredentials(ctx, api, instance.id));
    });
  };
}
