import { once } from 'node:events';
import { l10n } from 'vscode';
import type { Job } from '../../daemon/contract/templates.ts';
import type { Api } from '../api.ts';
import type { Ctx } from '../ctx.ts';
import { failures } from '../errors.ts';
import { watchJobs } from '../jobs.ts';
import { viewIds } from '../manifest.ts';
import { withProgress } from '../progress.ts';
import { pickTemplate } from '../prompts.ts';
import { isNode } from '../views/nodes.ts';
import { progressWords } from '../views/template-look.ts';

/** Imports a template's dump anew, also one that has not changed (admin). */
export function refreshTemplate(ctx: Ctx) {
  return async (node?: unknown): Promise<void> => {
    await ctx.daemon.during(async (api) => {
      const name =
        isNode(node) && node.kind === 'template'
          ? node.name
          : (await pickTemplate(ctx.store.templates, [], l10n.t('Refresh Template')))?.name;
      if (name === undefined) return;
      await runImport(ctx, api, l10n.t('Refreshing the template "{0}"', name), {
        templates: [name],
        force: true,
      });
    });
  };
}

/** Imports the dumps that are new or changed (admin). */
export function refreshAllTemplates(ctx: Ctx) {
  return async (): Promise<void> => {
    await ctx.daemon.during((api) => runImport(ctx, api, l10n.t('Importing new and changed dumps'), {}));
  };
}

async function runImport(
  { store }: Ctx,
  api: Api,
  title: string,
  request: Parameters<Api['refreshTemplates']>[0],
): Promise<void> {
  await withProgress({
    title,
    viewId: viewIds.templates,
    run: async (signal, report) => {
      using jobs = watchJobs(store);
      const { id } = await api.refreshTemplates(request, signal);
      const cancelled = once(signal, 'abort').then(() => api.cancelJob(id));
      const job = await Promise.race([jobs.ended(id, api, (each) => report(phaseOf(each))), cancelled]);
      signal.throwIfAborted();
      const failed = job.imports.find(({ state }) => state === 'failed');
      if (failed?.error) throw failures.importFailed(failed.error.message, failed.error.hint);
    },
  });
}

function phaseOf({ imports }: Job): string {
  const running = imports.find(({ state }) => state === 'running');
  return running ? [running.template, ...progressWords(running, l10n.t)].join(' · ') : l10n.t('waiting');
}
