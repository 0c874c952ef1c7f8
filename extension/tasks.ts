/** Tasks `{"type": "myaas", "template": "shop"}`: a database is there and in `.env` before a program starts. */
import {
  CustomExecution,
  EventEmitter,
  Task,
  TaskScope,
  l10n,
  tasks,
  workspace,
  type Disposable,
  type Pseudoterminal,
  type TaskDefinition,
  type WorkspaceFolder,
} from 'vscode';
import { MyaasError, messageOf } from '../daemon/errors/error.ts';
import type { Api } from './api.ts';
import { offeredName } from './commands/new-database.ts';
import { fetchCredentials, giveCredentials } from './credentials.ts';
import type { Ctx } from './ctx.ts';
import { failures } from './errors.ts';
import { taskType } from './manifest.ts';
import { defaultTtl } from './settings.ts';
import { localFolders } from './usage.ts';

/** As in package.json's `taskDefinitions`. */
interface Definition extends TaskDefinition {
  readonly template: string;
  readonly name?: string;
  readonly ttl?: string;
  readonly reset?: boolean;
}

export function provideTasks(ctx: Ctx): Disposable {
  return tasks.registerTaskProvider(taskType, {
    // What is not known yet is not asked for: listing tasks must not wait for a daemon.
    provideTasks: () =>
      ctx.store.templates
        .filter(({ current }) => current !== null)
        .map(({ name }) => taskOf(ctx, { type: taskType, template: name }, workspace.workspaceFolders?.[0])),
    resolveTask: ({ definition, scope }) =>
      isDefinition(definition) ? taskOf(ctx, definition, isFolder(scope) ? scope : undefined) : undefined,
  });
}

function isDefinition(definition: TaskDefinition): definition is Definition {
  return typeof definition['template'] === 'string';
}

function isFolder(scope: Task['scope']): scope is WorkspaceFolder {
  return typeof scope === 'object';
}

function taskOf(ctx: Ctx, definition: Definition, folder: WorkspaceFolder | undefined): Task {
  const execution = new CustomExecution(() => Promise.resolve(terminalOf(ctx, definition, folder)));
  const name = l10n.t('database of {0}', definition.template);
  return new Task(definition, folder ?? TaskScope.Workspace, name, 'MyAAS', execution, []);
}

/** Writes what is done, and ends with 0 when the database is there. Closed early, it undoes what it began. */
function terminalOf(ctx: Ctx, definition: Definition, folder: WorkspaceFolder | undefined): Pseudoterminal {
  const written = new EventEmitter<string>();
  const closed = new EventEmitter<number>();
  const closing = new AbortController();
  const say = (text: string): void => written.fire(`${text.replaceAll('\n', '\r\n')}\r\n`);
  return {
    onDidWrite: written.event,
    onDidClose: closed.event,
    open() {
      ctx.daemon
        .during((api) => run(ctx, api, definition, folder ?? localFolders()[0], say, closing.signal))
        .then(
          () => closed.fire(0),
          (error: unknown) => {
            const text = messageOf(error);
            ctx.log.error(`Task: ${text}`);
            say(error instanceof MyaasError ? `${text} ${error.hint}` : text);
            closed.fire(1);
          },
        );
    },
    close: () => closing.abort(failures.cancelled('The task')),
  };
}

async function run(
  ctx: Ctx,
  api: Api,
  { template, name, ttl, reset = false }: Definition,
  folder: WorkspaceFolder | undefined,
  say: (text: string) => void,
  signal: AbortSignal,
): Promise<void> {
  if (!ctx.store.template(template)) throw failures.templateUnknown(template);
  // The name that a first run is offered is found again by later ones.
  const wanted = name ?? (await offeredName(folder, new Set()));
  let instance = ctx.store.instances.find((each) => each.template === template && each.name === wanted);
  if (!instance) {
    say(l10n.t('Making the database "{0}" of {1} …', wanted, template));
    const lease = ttl ?? defaultTtl(folder);
    const request = { template, name: wanted, ...(lease !== '' && { ttl: lease }) };
    instance = await api.createInstance(request, signal);
    ctx.store.putInstance(instance);
  } else if (reset) {
    say(l10n.t('Resetting the database "{0}" …', wanted));
    ctx.store.putInstance(await api.resetInstance(instance.id));
  } else {
    say(l10n.t('The database "{0}" is there.', wanted));
  }
  if (!folder) return;
  const { path, keys } = await giveCredentials(ctx, folder, await fetchCredentials(ctx, api, instance.id));
  if (path !== undefined) say(l10n.t('{0} has {1}.', path, keys.join(', ')));
}
