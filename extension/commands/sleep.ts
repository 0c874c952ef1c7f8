import { l10n } from 'vscode';
import type { Instance } from '../../daemon/contract/instances.ts';
import type { Api } from '../api.ts';
import type { Ctx } from '../ctx.ts';
import { viewIds } from '../manifest.ts';
import { withProgress } from '../progress.ts';
import { oneInstance } from '../target.ts';

/** Stops a server that nothing runs in; the first connection wakes it. */
export function putToSleep(ctx: Ctx) {
  return change(ctx, {
    state: 'ready',
    placeHolder: () => l10n.t('Database to put to sleep'),
    title: (name) => l10n.t('Putting the database "{0}" to sleep', name),
    call: (api, id) => api.sleepInstance(id),
  });
}

/** Starts a server before somebody connects. */
export function wakeUp(ctx: Ctx) {
  return change(ctx, {
    state: 'asleep',
    placeHolder: () => l10n.t('Database to wake up'),
    title: (name) => l10n.t('Waking up the database "{0}"', name),
    call: (api, id) => api.wakeInstance(id),
  });
}

interface Change {
  /** In which it makes sense. */
  readonly state: Instance['state'];
  readonly placeHolder: () => string;
  readonly title: (name: string) => string;
  readonly call: (api: Api, id: string) => Promise<Instance>;
}

function change(ctx: Ctx, { state, placeHolder, title, call }: Change) {
  return async (...args: unknown[]): Promise<void> => {
    await ctx.daemon.during(async (api) => {
      const suits = (each: Instance): boolean => ctx.store.isOwn(each) && each.state === state;
      const instance = await oneInstance(ctx, args, placeHolder(), suits);
      if (!instance) return;
      await withProgress({
        title: title(instance.name),
        viewId: viewIds.databases,
        isCancellable: false,
        run: async () => ctx.store.putInstance(await call(api, instance.id)),
      });
    });
  };
}
