import { l10n } from 'vscode';
import type { Ctx } from '../ctx.ts';
import { askLease } from '../prompts.ts';
import { oneInstance } from '../target.ts';

export function extendLease(ctx: Ctx) {
  return async (...args: unknown[]): Promise<void> => {
    await ctx.daemon.during(async (api) => {
      const instance = await oneInstance(ctx, args, l10n.t('Database whose lease to extend'));
      if (!instance) return;
      const ttl = await askLease(l10n.t('Lease of {0}', instance.name));
      if (ttl !== undefined) ctx.store.putInstance(await api.patchInstance(instance.id, { ttl }));
    });
  };
}
