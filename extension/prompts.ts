/** Every question that is asked. Each resolves to undefined when the user goes away without an answer. */
import { basename } from 'node:path';
import {
  QuickPickItemKind,
  l10n,
  window,
  type MessageItem,
  type QuickPickItem,
  type WorkspaceFolder,
} from 'vscode';
import type { Instance } from '../daemon/contract/instances.ts';
import type { Template, Version } from '../daemon/contract/templates.ts';
import { parseAddress } from './client.ts';
import type { GitChoice, GitQuestion } from './env/git.ts';
import { isLease } from './lease.ts';
import { problemOf, type NameProblem } from './names.ts';
import { currentWording } from './views/current-wording.ts';
import { lookOfTemplate, lookOfVersion } from './views/template-look.ts';
import { left, moment, span } from './views/units.ts';

interface Choice<T> extends QuickPickItem {
  readonly value: T;
}

async function pick<T>(
  choices: readonly Choice<T>[],
  title: string,
  placeHolder: string,
): Promise<T | undefined> {
  const options = { title, placeHolder, matchOnDescription: true, ignoreFocusOut: true };
  return (await window.showQuickPick(choices, options))?.value;
}

/** The preferred ones first. */
export async function pickTemplate(
  templates: readonly Template[],
  preferred: readonly string[],
  title: string,
): Promise<Template | undefined> {
  const rank = ({ name }: Template): number => {
    const index = preferred.indexOf(name);
    return index === -1 ? preferred.length : index;
  };
  const choices = [...templates]
    .sort((a, b) => rank(a) - rank(b))
    .map((template) => {
      const { label, description } = lookOfTemplate(template, currentWording());
      return { label, description, value: template };
    });
  return pick(choices, title, l10n.t('Template'));
}

export async function pickVersion({ name, versions, current }: Template): Promise<Version | undefined> {
  const choices = versions.map((version) => {
    const { label, description } = lookOfVersion(version, version.version === current, currentWording());
    return { label, description, detail: version.dump, value: version };
  });
  return pick(choices, l10n.t('New Database of {0}', name), l10n.t('Version to clone'));
}

/** A newer server for the database, or `own`, its template's; `newer` are versions such as "11.8". */
export async function pickServer(
  name: string,
  own: string,
  newer: readonly string[],
): Promise<{ readonly engineVersion: string | undefined } | undefined> {
  const choices = [
    { label: own, description: l10n.t('as the template'), value: { engineVersion: undefined } },
    ...newer.map((engineVersion) => ({
      label: engineVersion,
      description: l10n.t('its data is upgraded, which takes longer'),
      value: { engineVersion },
    })),
  ];
  return pick<{ readonly engineVersion: string | undefined }>(
    choices,
    l10n.t('New Database of {0}', name),
    l10n.t('Version of its server'),
  );
}

export async function pickFolder(folders: readonly WorkspaceFolder[]): Promise<WorkspaceFolder | undefined> {
  if (folders.length <= 1) return folders[0];
  const choices = folders.map((folder) => ({
    label: folder.name,
    description: folder.uri.fsPath,
    value: folder,
  }));
  return pick(choices, l10n.t('Workspace Folder'), l10n.t('Folder whose .env gets the credentials'));
}

export async function askName(
  template: string,
  offered: string,
  taken: ReadonlySet<string>,
): Promise<string | undefined> {
  return window.showInputBox({
    title: l10n.t('New Database of {0}', template),
    prompt: l10n.t('Name of the new database'),
    value: offered,
    ignoreFocusOut: true,
    validateInput: (name) => {
      const problem = problemOf(name, taken);
      return problem && explain(problem, template, name);
    },
  });
}

function explain(problem: NameProblem, template: string, name: string): string {
  switch (problem) {
    case 'empty':
      return l10n.t('A name is needed.');
    case 'too-long':
      return l10n.t('A name has at most 63 characters.');
    case 'first-character':
      return l10n.t('A name starts with a letter or digit.');
    case 'character':
      return l10n.t('A name has letters, digits, "_", "-" and "." only.');
    case 'taken':
      return l10n.t('There is a database "{0}" of {1} already.', name, template);
  }
}

/** A lease as the daemon takes it, such as `8h`. `usual`: what is taken when nobody asks. */
export async function askLease(title: string, usual?: string): Promise<string | undefined> {
  const choices: Choice<string | undefined>[] = [
    ...(usual === undefined ? [] : [{ label: l10n.t('Usual'), description: usual, value: usual }]),
    { label: l10n.t('1 hour'), value: '1h' },
    { label: l10n.t('8 hours'), value: '8h' },
    { label: l10n.t('1 day'), value: '1d' },
    { label: l10n.t('7 days'), value: '7d' },
    { label: l10n.t('30 days'), value: '30d' },
    { label: l10n.t('Never expires'), value: 'never' },
    { label: '', kind: QuickPickItemKind.Separator, value: undefined },
    { label: l10n.t('Other…'), value: undefined },
  ];
  const options = { title, placeHolder: l10n.t('How long it is to live from now on'), ignoreFocusOut: true };
  const chosen = await window.showQuickPick(choices, options);
  if (!chosen) return undefined;
  return (
    chosen.value ??
    (await window.showInputBox({
      title,
      prompt: l10n.t('A number with m, h, d or w, such as "12h", or "never"'),
      ignoreFocusOut: true,
      validateInput: (text) =>
        isLease(text) ? undefined : l10n.t('Such as "90m", "8h", "7d", "2w", or "never".'),
    }))
  );
}

export async function pickInstance(
  instances: readonly Instance[],
  placeHolder: string,
): Promise<Instance | undefined> {
  return pick(instances.map(choiceOf), l10n.t('MyAAS Database'), placeHolder);
}

export async function pickInstances(
  instances: readonly Instance[],
  placeHolder: string,
): Promise<readonly Instance[]> {
  const options = {
    title: l10n.t('MyAAS Database'),
    placeHolder,
    canPickMany: true,
    ignoreFocusOut: true,
  } as const;
  const chosen = await window.showQuickPick(instances.map(choiceOf), options);
  return chosen?.map(({ value }) => value) ?? [];
}

function choiceOf(instance: Instance): Choice<Instance> {
  const wording = currentWording();
  const description = [instance.template, instance.owner, left(instance.expiresAt, wording)].join(' · ');
  return { label: instance.name, description, value: instance };
}

/** One of the things that can be done. */
export async function pickAction<T>(title: string, actions: readonly Choice<T>[]): Promise<T | undefined> {
  return pick(actions, title, l10n.t('What to do'));
}

/** One modal for all of them; then the name of each that is protected, typed. */
export async function confirmDelete(instances: readonly Instance[]): Promise<boolean> {
  const [only] = instances;
  if (!only) return false;
  const question =
    instances.length === 1
      ? l10n.t('Delete the database "{0}" of {1}?', only.name, only.template)
      : l10n.t('Delete {0} databases?', instances.length);
  const detail = [
    ...instances
      .slice(0, 12)
      .map((each) => `${instances.length === 1 ? '' : `${each.name}: `}${biography(each)}`),
    ...(instances.length > 12 ? [l10n.t('… and {0} more', instances.length - 12)] : []),
    l10n.t('The data in it is lost.'),
  ].join('\n');
  const remove = l10n.t('Delete');
  if ((await window.showWarningMessage(question, { modal: true, detail }, remove)) !== remove) return false;
  for (const { name } of instances.filter((each) => each.protected)) {
    if (!(await typeName(name))) return false;
  }
  return true;
}

function biography({ createdAt, owner, template }: Instance): string {
  const wording = currentWording();
  const age = span(wording.now.getTime() - Date.parse(createdAt), wording);
  return l10n.t('{0} old, owned by {1}, clone of {2}', age, owner, template);
}

async function typeName(name: string): Promise<boolean> {
  const typed = await window.showInputBox({
    title: l10n.t('"{0}" Is Protected', name),
    prompt: l10n.t('Type its name to delete it: {0}', name),
    ignoreFocusOut: true,
    validateInput: (text) => (text === name ? undefined : l10n.t('This is not its name.')),
  });
  return typed === name;
}

export async function confirmReset(instance: Instance, version: Version | undefined): Promise<boolean> {
  const age = version && moment(version.dumpModifiedAt, currentWording());
  const detail = [
    biography(instance),
    age === undefined
      ? l10n.t('Everything changed in it is lost; it will be as in its template.')
      : l10n.t('Everything changed in it is lost; it will be as in its template, with the data of {0}.', age),
    l10n.t('Address and credentials stay.'),
  ].join('\n');
  const reset = l10n.t('Reset');
  const question = l10n.t('Reset the database "{0}" of {1}?', instance.name, instance.template);
  return (await window.showWarningMessage(question, { modal: true, detail }, reset)) === reset;
}

export async function askAddress(known: string): Promise<string | undefined> {
  return window.showInputBox({
    title: l10n.t('Connect to MyAAS (1/2)'),
    prompt: l10n.t('Address of the daemon'),
    value: known,
    placeHolder: 'http://127.0.0.1:5001',
    ignoreFocusOut: true,
    validateInput: (url) =>
      parseAddress(url) === undefined
        ? l10n.t('Such as "http://127.0.0.1:5001" or "unix:/run/myaas/api.sock".')
        : undefined,
  });
}

export async function askToken(address: string): Promise<string | undefined> {
  const token = await window.showInputBox({
    title: l10n.t('Connect to MyAAS (2/2)'),
    prompt: l10n.t('Your token for {0}, as "myaas user add" printed it', address),
    password: true,
    ignoreFocusOut: true,
    // A header holds nothing else, and no token of ours does.
    validateInput: (text) => (/^[\x21-\x7e]+$/.test(text.trim()) ? undefined : l10n.t('This is no token.')),
  });
  return token?.trim();
}

/** What to do with a `.env` that git would take up. */
export async function aboutGit({ path, state, choices }: GitQuestion): Promise<GitChoice | undefined> {
  const file = basename(path);
  const titles: Record<GitChoice, string> = {
    ignore: l10n.t('Add to .gitignore'),
    local: l10n.t('Use .env.local'),
    anyway: l10n.t('Write Anyway'),
  };
  const message =
    state === 'tracked'
      ? l10n.t('{0} is in git. The password written to it could be committed.', file)
      : l10n.t('{0} is not ignored by git. The password written to it could be committed.', file);
  const items: (MessageItem & { readonly value: GitChoice })[] = choices.map((value) => ({
    title: titles[value],
    value,
  }));
  return (await window.showWarningMessage(message, { modal: true, detail: path }, ...items))?.value;
}
