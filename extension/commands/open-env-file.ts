import { Uri, window } from 'vscode';
import { fetchCredentials, giveCredentials } from '../credentials.ts';
import type { Ctx } from '../ctx.ts';
import { failures } from '../errors.ts';
import { pickFolder } from '../prompts.ts';
import { localFolders } from '../usage.ts';

/** The file that this workspace's database is named in. */
export function openEnvFile(ctx: Ctx) {
  return async (): Promise<void> => {
    await ctx.daemon.during(async (api) => {
      const used = localFolders().filter((folder) => ctx.usage.in(folder));
      if (used.length === 0) throw failures.noneUsed();
      const folder = await pickFolder(used);
      const instance = folder && ctx.usage.in(folder);
      if (!instance) return;
      // Written already, so nothing is changed: it answers which file that was.
      const credentials = await fetchCredentials(ctx, api, instance.id);
      const { path } = await giveCredentials(ctx, folder, credentials);
      if (path !== undefined) await window.showTextDocument(Uri.file(path));
    });
  };
}
