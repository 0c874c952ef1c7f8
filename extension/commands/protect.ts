import { l10n } from 'vscode';
import type { Ctx } from '../ctx.ts';
import { oneInstance } from '../target.ts';

/** A protected database is deleted only by who types its name. */
export function protect(ctx: Ctx) {
  return setProtected(ctx, true, () => l10n.t('Database to protect'));
}

export function unprotect(ctx: Ctx) {
  return setProtected(ctx, false, () => l10n.t('Database to take the protection off'));
}

function setProtected(ctx: Ctx, isProtected: boolean, placeHolder: () => string) {
  return async (...args: unknown[]): Promise<void> => {
    await ctx.daemon.during(async (api) => {
      const instance = await oneInstance(
        ctx,
        args,
        placeHolder(),
        (each) => ctx.store.isOwn(each) && each.protected !== isProtected,
      );
      if (instance) ctx.store.putInstance(await api.patchInstance(instance.id, { protected: isProtected }));
    });
  };
}
