import { l10n } from 'vscode';
import type { Instance } from '../../daemon/contract/instances.ts';
import type { Api } from '../api.ts';
import { fetchCredentials, takeCredentials, type WithCredentials } from '../credentials.ts';
import type { Ctx } from '../ctx.ts';
import { hasCode } from '../errors.ts';
import { viewIds } from '../manifest.ts';
import { withProgress } from '../progress.ts';
import { confirmDelete, pickInstances } from '../prompts.ts';
import { candidates, instancesOf } from '../target.ts';

/** One or many, after one question; their keys are removed from `.env`. */
export function deleteDatabase(ctx: Ctx) {
  return async (...args: unknown[]): Promise<void> => {
    await ctx.daemon.during(async (api) => {
      const clicked = instancesOf(ctx, args);
      const instances =
        clicked.length > 0 ? clicked : await pickInstances(candidates(ctx), l10n.t('Databases to delete'));
      if (!(await confirmDelete(instances))) return;
      await withProgress({
        title:
          instances.length === 1
            ? l10n.t('Deleting the database "{0}"', instances[0]?.name ?? '')
            : l10n.t('Deleting {0} databases', instances.length),
        viewId: viewIds.databases,
        isCancellable: false,
        run: () => deleteAll(ctx, api, instances),
      });
    });
  };
}

/** One that cannot be deleted keeps no other from being deleted. */
async function deleteAll(ctx: Ctx, api: Api, instances: readonly Instance[]): Promise<void> {
  const results = await Promise.allSettled(instances.map((each) => deleteOne(ctx, api, each)));
  const failed = results.find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
}

async function deleteOne(ctx: Ctx, api: Api, instance: Instance): Promise<void> {
  const credentials = await credentialsIfKnown(ctx, api, instance);
  await api.deleteInstance(instance.id, instance.protected);
  ctx.log.info(`Deleted ${instance.template}/${instance.name}.`);
  if (credentials) await takeCredentials(ctx, credentials);
  ctx.store.removeInstance(instance.id);
}

/** What to look for in `.env` afterwards. Others' passwords, and those of what is gone, are not in it. */
async function credentialsIfKnown(
  ctx: Ctx,
  api: Api,
  { id }: Instance,
): Promise<WithCredentials | undefined> {
  try {
    return await fetchCredentials(ctx, api, id);
  } catch (error) {
    if (hasCode(error, 'MYAAS_INSTANCE_NOT_FOUND') || hasCode(error, 'MYAAS_NO_CREDENTIALS'))
      return undefined;
    throw error;
  }
}
