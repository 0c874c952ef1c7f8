/** `MyAAS: New Database`: template → name → made, its node revealed, its credentials in `.env`. */
import { l10n, type WorkspaceFolder } from 'vscode';
import type { CreateInstance } from '../../daemon/contract/instances.ts';
import type { Template } from '../../daemon/contract/templates.ts';
import { messageOf } from '../../daemon/errors/error.ts';
import type { Api } from '../api.ts';
import { branchOf } from '../branch.ts';
import { giveCredentials, withCredentials, type WithCredentials } from '../credentials.ts';
import type { Ctx } from '../ctx.ts';
import { failures } from '../errors.ts';
import { viewIds } from '../manifest.ts';
import { offerName } from '../names.ts';
import { withProgress } from '../progress.ts';
import { askLease, askName, pickFolder, pickServer, pickTemplate, pickVersion } from '../prompts.ts';
import { reportFailure } from '../report.ts';
import { defaultTemplate, defaultTtl } from '../settings.ts';
import { newerServers } from '../servers.ts';
import { localFolders } from '../usage.ts';
import { engine as engineName } from '../views/units.ts';
import { isNode } from '../views/nodes.ts';

const lastTemplateKey = 'lastTemplate';

export function newDatabase(ctx: Ctx) {
  return (node?: unknown): Promise<void> => make(ctx, node, false);
}

/** Asks for version, server and lease, too. */
export function newDatabaseWithOptions(ctx: Ctx) {
  return (node?: unknown): Promise<void> => make(ctx, node, true);
}

async function make(ctx: Ctx, node: unknown, asksMore: boolean): Promise<void> {
  await ctx.daemon.during(async (api) => {
    const template = await templateOf(ctx, node);
    if (!template) return;
    const folder = await pickFolder(localFolders());
    if (!folder && localFolders().length > 0) return;
    const request = await ask(ctx, api, template, folder, node, asksMore);
    if (!request) return;
    await ctx.extension.globalState.update(lastTemplateKey, template.name);
    await create(ctx, api, request, folder);
  });
}

/** The one that was clicked, else one that the user picks. */
async function templateOf({ store, extension }: Ctx, node: unknown): Promise<Template | undefined> {
  const name = isNode(node)
    ? node.kind === 'template'
      ? node.name
      : node.kind === 'version'
        ? node.template
        : undefined
    : undefined;
  if (name !== undefined) {
    const template = store.template(name);
    if (!template) throw failures.templateUnknown(name);
    return template;
  }
  const templates = store.templates.filter(({ current }) => current !== null);
  if (templates.length === 0) throw failures.noTemplates();
  const last = extension.globalState.get<string>(lastTemplateKey) ?? '';
  return pickTemplate(templates, [last, defaultTemplate()], l10n.t('New Database'));
}

async function ask(
  ctx: Ctx,
  api: Api,
  template: Template,
  folder: WorkspaceFolder | undefined,
  node: unknown,
  asksMore: boolean,
): Promise<CreateInstance | undefined> {
  const isVersion = isNode(node) && node.kind === 'version';
  let version = isVersion ? node.version : undefined;
  if (asksMore && !isVersion && template.versions.length > 1) {
    version = (await pickVersion(template))?.version;
    if (version === undefined) return undefined;
  }
  const server = asksMore ? await serverOf(api, template, version) : ownServer;
  if (!server) return undefined;
  const taken = namesOf(ctx, template.name);
  const name = await askName(template.name, await offeredName(folder, taken), taken);
  if (name === undefined) return undefined;
  let ttl = defaultTtl(folder);
  if (asksMore) {
    const chosen = await askLease(l10n.t('Lease of {0}', name), ttl === '' ? undefined : ttl);
    if (chosen === undefined) return undefined;
    ttl = chosen;
  }
  return {
    template: template.name,
    name,
    ...(ttl !== '' && { ttl }),
    ...(version !== undefined && { version }),
    ...(server.engineVersion !== undefined && { engineVersion: server.engineVersion }),
  };
}

type Server = Awaited<ReturnType<typeof pickServer>>;
const ownServer: NonNullable<Server> = { engineVersion: undefined };

/** Asked for where the daemon has newer servers of the same product than the template's. */
async function serverOf(api: Api, template: Template, version: string | undefined): Promise<Server> {
  const { engine, name, current, versions } = template;
  const own = versions.find((each) => each.version === (version ?? current))?.engineVersion;
  const { engines } = await api.status();
  const newer = newerServers(engines, engine, own);
  return newer.length === 0 ? ownServer : pickServer(name, engineName(engine, own), newer);
}

export function namesOf({ store }: Ctx, template: string): ReadonlySet<string> {
  return new Set(store.instances.filter((each) => each.template === template).map(({ name }) => name));
}

/** `<folder>-<git branch>`, or with a number behind it. */
export async function offeredName(
  folder: WorkspaceFolder | undefined,
  taken: ReadonlySet<string>,
): Promise<string> {
  const branch = folder && (await branchOf(folder.uri.fsPath));
  return offerName({ folder: folder?.name, branch }, taken);
}

/** What takes its time, where the daemon says so. */
function phaseOf({ store }: Ctx, { template, name }: CreateInstance): string | undefined {
  return store.instances.find((each) => each.template === template && each.name === name)?.progress;
}

async function create(
  ctx: Ctx,
  api: Api,
  request: CreateInstance,
  folder: WorkspaceFolder | undefined,
): Promise<void> {
  const instance = await withProgress({
    title: l10n.t('Making the database "{0}"', request.name),
    viewId: viewIds.databases,
    run: async (signal, report) => {
      report(l10n.t('asking the daemon'));
      using _ = ctx.store.onDidChange((changes) => {
        const isBegun =
          changes.some(({ of }) => of === 'instance') && namesOf(ctx, request.template).has(request.name);
        if (isBegun)
          report(phaseOf(ctx, request) ?? l10n.t('cloning {0}, starting its server', request.template));
      });
      return withCredentials(await api.createInstance(request, signal));
    },
  });
  ctx.log.hide(instance.password);
  ctx.log.info(`Made ${instance.template}/${instance.name} in ${instance.createMs ?? '?'} ms.`);
  ctx.store.putInstance(instance);
  // Side by side: whoever waits for the credentials does not wait for the view.
  const revealed = ctx.databases.reveal(instance.id).catch((error: unknown) => {
    ctx.log.warn(`The view does not show ${instance.name}: ${messageOf(error)}`);
  });
  if (folder) await giveAfterwards(ctx, folder, instance);
  await revealed;
}

/** The database is there, whatever becomes of its credentials: a failure must not say otherwise. */
async function giveAfterwards(ctx: Ctx, folder: WorkspaceFolder, instance: WithCredentials): Promise<void> {
  try {
    await giveCredentials(ctx, folder, instance);
  } catch (error) {
    const step = l10n.t('The database "{0}" is made, but its credentials were not written', instance.name);
    reportFailure(ctx.log, step, error);
  }
}
