/** Whether git would take a file up, and what to do so that it does not. */
import { execFile } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { basename, dirname, join, relative, sep } from 'node:path';
import { promisify } from 'node:util';
import { hasErrno } from '../../daemon/errors/error.ts';
import { localFile } from './file.ts';
import { editTextFile } from './text-file.ts';

/** `none`: no git or no repository; `unignored`: the next `git add .` takes it up. */
export type GitState = 'none' | 'ignored' | 'tracked' | 'unignored';

/** `ignore`: add the file to `.gitignore`; `local`: use `.env.local` instead; `anyway`: write it all the same. */
export type GitChoice = 'ignore' | 'local' | 'anyway';

export interface GitQuestion {
  /** The file that was to be written, as the user knows it. */
  readonly path: string;
  readonly state: 'tracked' | 'unignored';
  /** What can be offered, the best first. */
  readonly choices: readonly GitChoice[];
}

/**
 * What is to be asked before `path` is written; undefined: nothing. `local` is the state of `.env.local`, undefined
 * where that cannot be used.
 */
export function questionAbout(
  path: string,
  state: GitState,
  local: GitState | undefined,
): GitQuestion | undefined {
  switch (state) {
    case 'none':
    case 'ignored':
      return undefined;
    case 'tracked':
    case 'unignored': {
      const canUseLocal = basename(path) !== localFile && local !== undefined && local !== 'tracked';
      const choices: GitChoice[] = [];
      // To git, ignoring what it tracks already means nothing.
      if (state === 'unignored') choices.push('ignore');
      if (canUseLocal) choices.push('local');
      return { path, state, choices: [...choices, 'anyway'] };
    }
  }
}

/** What git does with `path`, which need not exist, but its directory must. */
export async function gitStateOf(path: string): Promise<GitState> {
  const directory = dirname(path);
  const tracked = await git(directory, ['ls-files', '--error-unmatch', '--', `:(literal)${basename(path)}`]);
  if (tracked === 'absent') return 'none';
  if (tracked === 0) return 'tracked';
  const ignored = await git(directory, ['check-ignore', '--quiet', '--', `./${basename(path)}`]);
  if (ignored === 0) return 'ignored';
  if (ignored === 1) return 'unignored';
  // Git fails where there is no repository, and also in one it does not trust: then we had better ask.
  return (await isInRepository(directory)) ? 'unignored' : 'none';
}

/** Adds the file at `path`, inside of `folder`, to the folder's `.gitignore`. Throws as `editTextFile` does. */
export async function addToGitignore(folder: string, path: string): Promise<void> {
  const way = relative(folder, path).split(sep).join('/');
  const pattern = `/${way.replace(/[\\*?[]/g, '\\$&').replace(/ $/, '\\ ')}`;
  await editTextFile(join(folder, '.gitignore'), (text) => withLine(text, pattern), {
    within: folder,
    newMode: 0o644,
  });
}

function withLine(text: string, line: string): string {
  const lineEnd = /\r?\n/.exec(text)?.[0] ?? '\n';
  const end = text === '' || text.endsWith('\n') ? '' : lineEnd;
  return `${text}${end}${line}${lineEnd}`;
}

/** The exit code of git; `absent` where there is no git. */
async function git(cwd: string, args: readonly string[]): Promise<number | 'absent'> {
  // fsmonitor is a program that a repository names.
  const options = ['-c', 'core.fsmonitor=false', '--no-optional-locks'];
  try {
    await promisify(execFile)('git', [...options, ...args], { cwd });
    return 0;
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return 'absent';
    if (error instanceof Error && 'code' in error && typeof error.code === 'number') return error.code;
    throw error;
  }
}

async function isInRepository(directory: string): Promise<boolean> {
  const found = await stat(join(directory, '.git')).then(
    () => true,
    () => false,
  );
  if (found) return true;
  return dirname(directory) === directory ? false : isInRepository(dirname(directory));
}
