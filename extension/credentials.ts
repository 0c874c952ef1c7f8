/** An instance's credentials: asked for when needed, kept nowhere, and put where the application reads them. */
import { workspace, type WorkspaceFolder } from 'vscode';
import type { Instance } from '../daemon/contract/instances.ts';
import type { Api } from './api.ts';
import { clientVariablesOf } from './client-command.ts';
import type { Ctx } from './ctx.ts';
import { dialectOf } from './env/dialects.ts';
import type { GitChoice, GitQuestion } from './env/git.ts';
import { valuesOf } from './env/values.ts';
import { removeCredentials, writeCredentials, type Credentials, type Written } from './env/workspace-env.ts';
import { failures } from './errors.ts';
import { aboutGit } from './prompts.ts';
import { envSettings } from './settings.ts';
import { envFolder, localFolders } from './usage.ts';

export type WithCredentials = Instance & Required<Pick<Instance, 'password' | 'url'>>;

/** Asks the daemon. Throws `MYAAS_NO_CREDENTIALS` when they are not ours to know. */
export async function fetchCredentials({ log }: Ctx, api: Api, id: string): Promise<WithCredentials> {
  const instance = await api.instance(id);
  log.hide(instance.password);
  return withCredentials(instance);
}

export function withCredentials(instance: Instance): WithCredentials {
  const { password, url, name, owner } = instance;
  if (password === undefined || url === undefined) throw failures.noCredentials(name, owner);
  return { ...instance, password, url };
}

/** Writes them to the folder's `.env`. */
export async function giveCredentials(
  ctx: Ctx,
  folder: WorkspaceFolder,
  instance: WithCredentials,
): Promise<Written> {
  // The workspace decides by its files which file that is, and so where the password goes.
  if (!workspace.isTrusted) throw failures.notTrusted();
  ctx.log.hide(instance.password);
  const written = await writeCredentials(
    envFolder(folder),
    credentialsOf(ctx, instance),
    envSettings(folder),
    { aboutGit: (question) => askOnce(ctx, question) },
  );
  if (written.path !== undefined)
    ctx.log.info(`${written.changed ? 'Wrote' : 'Found'} ${written.keys.join(', ')} in ${written.path}.`);
  await ctx.usage.refresh();
  return written;
}

/** Who wants it written anyway is not asked again; the other answers leave nothing to ask. */
async function askOnce({ extension }: Ctx, question: GitQuestion): Promise<GitChoice | undefined> {
  const key = `anyway:${question.path}`;
  if (extension.workspaceState.get<boolean>(key)) return 'anyway';
  const choice = await aboutGit(question);
  if (choice === 'anyway') await extension.workspaceState.update(key, true);
  return choice;
}

/** Removes from every folder the keys that still are this instance's. */
export async function takeCredentials(ctx: Ctx, instance: WithCredentials): Promise<void> {
  for (const folder of localFolders()) {
    const credentials = credentialsOf(ctx, instance);
    for (const { path, keys } of await removeCredentials(envFolder(folder), credentials, envSettings(folder)))
      ctx.log.info(`Removed ${keys.join(', ')} from ${path ?? folder.name}.`);
  }
  await ctx.usage.refresh();
}

function credentialsOf({ store }: Ctx, instance: WithCredentials): Credentials {
  const { engine, host, port, database, user, password, template, version, upgradedFrom } = instance;
  const ofTemplate = store.template(template)?.versions.find((each) => each.version === version);
  const engineVersion = upgradedFrom === undefined ? ofTemplate?.engineVersion : instance.engineSeries;
  return {
    engine,
    host,
    port,
    database,
    user,
    password,
    ...(engineVersion !== undefined && { engineVersion }),
  };
}

/** As environment variables, under the names that Laravel, nearly everybody else, and the client programs read. */
export function environmentOf(instance: WithCredentials): Record<string, string> {
  const { engine, host, port, database, user, password, url } = instance;
  const own = dialectOf(engine).convention;
  if (own) return { ...valuesOf(own, instance) };
  const { laravelDriver } = dialectOf(engine);
  return {
    DB_CONNECTION: laravelDriver,
    DB_HOST: host,
    DB_PORT: String(port),
    DB_DATABASE: database,
    DB_USERNAME: user,
    DB_PASSWORD: password,
    DATABASE_URL: url,
    ...clientVariablesOf(instance),
  };
}
