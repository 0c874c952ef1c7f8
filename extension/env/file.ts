/** Which file of a workspace folder gets the credentials. */
import { basename, isAbsolute, win32 } from 'node:path';
import { envErrors } from './errors.ts';

/** Files that are meant for everybody, and so for git. */
const shared = /^\.env\.(?:example|sample|dist|template|defaults?)$|^(?:example|sample)\.env$/i;

/** Where conventions of the project can be learned from. */
export const sampleFiles = ['.env.example', '.env.dist', '.env.sample', '.env.template'] as const;

export const plainFile = '.env';
export const localFile = '.env.local';

/** `name`, from the setting `myaas.env.file`. Throws `MYAAS_ENV_FILE_REFUSED` for what may leave the folder. */
export function checkedName(name: string): string {
  const hint = 'Give a path relative to the workspace folder in the setting "myaas.env.file".';
  if (isAbsolute(name) || win32.isAbsolute(name) || /^[A-Za-z]:/.test(name)) {
    throw envErrors.fileRefused(name, 'it is an absolute path', hint);
  }
  if (name.split(/[\\/]/).includes('..')) {
    throw envErrors.fileRefused(name, 'it leads out of the workspace folder', hint);
  }
  return checkedNotShared(name);
}

/** Throws `MYAAS_ENV_FILE_REFUSED` for `.env.example` and the like; also to be asked of what a link leads to. */
export function checkedNotShared(path: string): string {
  if (shared.test(basename(path))) {
    throw envErrors.fileRefused(
      path,
      'it is a sample, made to be shared',
      'Name another file, such as ".env".',
    );
  }
  return path;
}

/** The setting, else an existing `.env`, else in Symfony `.env.local`, else `.env`. */
export function chooseFile(
  setting: string | undefined,
  project: { readonly hasPlainFile: boolean; readonly isSymfony: boolean },
): string {
  if (setting !== undefined && setting.trim() !== '') return checkedName(setting.trim());
  return project.isSymfony && !project.hasPlainFile ? localFile : plainFile;
}

/** The files that may hold credentials of ours, the one that overrides the others first. */
export function filesToSearch(setting: string | undefined): readonly string[] {
  if (setting !== undefined && setting.trim() !== '') return [checkedName(setting.trim())];
  return [localFile, plainFile];
}
