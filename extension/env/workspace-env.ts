/**
 * The workspace's `.env`: gives it an instance's credentials, takes them away, and tells which instance it names.
 * Knows nothing of VS Code: what it must ask and which documents are open comes in by `WorkspaceFolder` and `Ask`.
 *
 *     const folder = { path: workspaceFolder.uri.fsPath, documentAt };
 *     const written = await writeCredentials(folder, credentials, settings, { aboutGit });
 *     await removeCredentials(folder, credentials, settings);
 *     const instance = await instanceOf(folder, settings, store.instances);
 *
 * Multi-root: call each by folder. All paths are absolute and of the local file system.
 */
import { join } from 'node:path';
import type { Instance } from '../../daemon/contract/instances.ts';
import { MyaasError } from '../../daemon/errors/error.ts';
import { chooseVariables } from './detect.ts';
import { readValues, removeValues, setValues, type Values } from './editor.ts';
import { checkedNotShared, chooseFile, filesToSearch, localFile, plainFile, sampleFiles } from './file.ts';
import { examineProject, type Project, type Variables } from './frameworks.ts';
import {
  addToGitignore,
  type GitChoice,
  type GitQuestion,
  type GitState,
  gitStateOf,
  questionAbout,
} from './git.ts';
import { editTextFile, locate, readTextFile } from './text-file.ts';
import { type Credentials, endpointsIn, leadsTo, stillOurs, valuesOf } from './values.ts';

export type { Credentials };

/** `myaas.env.file` and `myaas.env.variables`; both empty unless the user says otherwise. */
export interface EnvSettings {
  readonly file?: string;
  readonly variables?: Variables;
}

/** A document open in an editor; changed there, so that undo works. */
export interface OpenDocument {
  readonly text: string;
  replace(text: string): Promise<void>;
}

export interface WorkspaceFolder {
  readonly path: string;
  /** The open and unsaved document of the file `path`. Others are changed on disk; editors take that over. */
  documentAt?(path: string): OpenDocument | undefined;
}

export interface Ask {
  /**
   * Asked when git would take the file up. Undefined: the user went away; then nothing is written. "Ask once" is the
   * caller's: remember the answer by `question.path`.
   */
  aboutGit(question: GitQuestion): Promise<GitChoice | undefined>;
}

export interface Written {
  /** The file, as the user knows it; undefined when the user went away from the question. */
  readonly path: string | undefined;
  readonly keys: readonly string[];
  /** False when the file held all of it already. */
  readonly changed: boolean;
}

/**
 * Writes `credentials` into the folder's file. Throws `MYAAS_ENV_…` when settings, file or values do not allow it and
 * `MYAAS_FILE_NOT_WRITTEN`; the file is then as it was.
 */
export async function writeCredentials(
  folder: WorkspaceFolder,
  credentials: Credentials,
  settings: EnvSettings,
  ask: Ask,
): Promise<Written> {
  const project = await examineProject((name) => tellingIn(folder, name), credentials.engine);
  const hasPlainFile = (await readIn(folder, plainFile)) !== undefined;
  let name = chooseFile(settings.file, { hasPlainFile, isSymfony: project.framework === 'symfony' });
  let values = await valuesFor(folder, name, credentials, settings, project);
  if (await holdsAll(folder, name, values)) return written(folder, name, values, false);

  const question = await questionFor(folder, name);
  if (question) {
    const choice = (await usesLocalFile(folder, question, values)) ? 'local' : await ask.aboutGit(question);
    if (choice === undefined) return { path: undefined, keys: [], changed: false };
    if (choice === 'local') {
      name = localFile;
      values = await valuesFor(folder, name, credentials, settings, project);
    }
    // Before the secret is there, so that it never is without this.
    if (choice !== 'anyway') await ignore(folder, name);
  }
  const changed = await edit(folder, name, (text) => setValues(text, values));
  return written(folder, name, values, changed);
}

/**
 * Removes the keys whose value is still that of `credentials` and tells from which files. Throws as
 * `writeCredentials` does.
 */
export async function removeCredentials(
  folder: WorkspaceFolder,
  credentials: Credentials,
  settings: EnvSettings,
): Promise<readonly Written[]> {
  const project = await examineProject((name) => tellingIn(folder, name), credentials.engine);
  const removed: Written[] = [];
  for (const name of filesToSearch(settings.file)) {
    const text = await readIn(folder, name);
    if (text === undefined) continue;
    const present = readValues(text);
    const ours = stillOurs(present, chooseVariables(present, project, settings.variables), credentials);
    if (Object.keys(ours).length === 0) continue;
    const changed = await edit(folder, name, (current) => removeValues(current, ours));
    removed.push(written(folder, name, ours, changed));
  }
  return removed;
}

/** The instance, of those given, that the folder's files point at, by host, port and database. */
export async function instanceOf<T extends Candidate>(
  folder: WorkspaceFolder,
  settings: EnvSettings,
  instances: Iterable<T>,
): Promise<T | undefined> {
  const candidates = [...instances];
  for (const engine of new Set(candidates.map((one) => one.engine))) {
    const project = await examineProject((name) => tellingIn(folder, name), engine);
    const found = await instanceIn(
      folder,
      settings,
      project,
      candidates.filter((one) => one.engine === engine),
    );
    if (found) return found;
  }
  return undefined;
}

type Candidate = Pick<Instance, 'host' | 'port' | 'database'> & Partial<Pick<Instance, 'engine'>>;

/** The same for instances of one product. */
async function instanceIn<T extends Candidate>(
  folder: WorkspaceFolder,
  settings: EnvSettings,
  project: Project,
  candidates: readonly T[],
): Promise<T | undefined> {
  for (const name of filesToSearch(settings.file)) {
    const present = readValues((await tellingIn(folder, name)) ?? '');
    for (const endpoint of endpointsIn(present, chooseVariables(present, project, settings.variables))) {
      const found = candidates.find((one) => leadsTo(endpoint, one));
      if (found) return found;
    }
  }
  return undefined;
}

async function valuesFor(
  folder: WorkspaceFolder,
  name: string,
  credentials: Credentials,
  { variables }: EnvSettings,
  project: Project,
): Promise<Values> {
  const present = new Map<string, string>();
  for (const one of [...sampleFiles, plainFile, name]) {
    const text = await (one === name ? readIn : tellingIn)(folder, one);
    for (const [key, value] of readValues(text ?? '')) present.set(key, value);
  }
  const chosen = chooseVariables(present, project, variables);
  return valuesOf(chosen, credentials, chosen === variables ? undefined : project.framework);
}

async function questionFor(folder: WorkspaceFolder, name: string): Promise<GitQuestion | undefined> {
  const state = await gitStateOf(checkedNotShared(await locateIn(folder, name)));
  return questionAbout(join(folder.path, name), state, await localStateIn(folder));
}

/** State of `.env.local`; undefined where it cannot be used. */
async function localStateIn(folder: WorkspaceFolder): Promise<GitState | undefined> {
  try {
    return await gitStateOf(await locateIn(folder, localFile));
  } catch (error) {
    if (error instanceof MyaasError) return undefined;
    throw error;
  }
}

/** Whether it was chosen before, by the user or by the project: then it overrides whatever is in `.env`. */
async function usesLocalFile(
  folder: WorkspaceFolder,
  { choices }: GitQuestion,
  values: Values,
): Promise<boolean> {
  if (!choices.includes('local')) return false;
  const present = readValues((await readIn(folder, localFile)) ?? '');
  return Object.keys(values).some((key) => present.has(key));
}

async function ignore(folder: WorkspaceFolder, name: string): Promise<void> {
  const path = await locateIn(folder, name);
  if ((await gitStateOf(path)) === 'unignored') await addToGitignore(await locate(folder.path), path);
}

async function holdsAll(folder: WorkspaceFolder, name: string, values: Values): Promise<boolean> {
  const text = await readIn(folder, name);
  return text !== undefined && setValues(text, values) === text;
}

/** Where the bytes of the folder's file `name` are. Throws `MYAAS_ENV_FILE_REFUSED`. */
async function locateIn(folder: WorkspaceFolder, name: string): Promise<string> {
  return locate(join(folder.path, name), { within: folder.path });
}

async function documentOf(folder: WorkspaceFolder, name: string): Promise<OpenDocument | undefined> {
  const real = await locateIn(folder, name);
  return folder.documentAt?.(join(folder.path, name)) ?? folder.documentAt?.(real);
}

async function readIn(folder: WorkspaceFolder, name: string): Promise<string | undefined> {
  const document = await documentOf(folder, name);
  return document ? document.text : readTextFile(join(folder.path, name), { within: folder.path });
}

/** Answers whether anything was changed. Throws `MYAAS_ENV_FILE_REFUSED` for a link to a sample, too. */
async function edit(
  folder: WorkspaceFolder,
  name: string,
  change: (text: string) => string,
): Promise<boolean> {
  checkedNotShared(await locateIn(folder, name));
  const document = await documentOf(folder, name);
  if (!document) {
    return (await editTextFile(join(folder.path, name), change, { within: folder.path })).changed;
  }
  const text = change(document.text);
  if (text === document.text) return false;
  await document.replace(text);
  return true;
}

/** For files that only tell something: what cannot be read tells nothing. */
async function tellingIn(folder: WorkspaceFolder, name: string): Promise<string | undefined> {
  try {
    return await readIn(folder, name);
  } catch (error) {
    if (error instanceof MyaasError) return undefined;
    throw error;
  }
}

function written(folder: WorkspaceFolder, name: string, values: Values, changed: boolean): Written {
  return { path: join(folder.path, name), keys: Object.keys(values), changed };
}
