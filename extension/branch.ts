/** The git branch of a folder, read from git's own files: no program is started and no other extension needed. */
import { readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { hasErrno } from '../daemon/errors/error.ts';

/** The branch checked out in `folder` or above it; undefined when there is none, or HEAD is detached. */
export async function branchOf(folder: string): Promise<string | undefined> {
  const gitDirectory = await findGitDirectory(folder);
  if (gitDirectory === undefined) return undefined;
  return /^ref: refs\/heads\/(.+)$/m.exec((await read(join(gitDirectory, 'HEAD'))) ?? '')?.[1];
}

async function findGitDirectory(folder: string): Promise<string | undefined> {
  for (let directory = resolve(folder); ; directory = dirname(directory)) {
    const git = join(directory, '.git');
    if ((await read(join(git, 'HEAD'))) !== undefined) return git;
    // A worktree or submodule has a file that says where its git directory is (gitrepository-layout(5)).
    const elsewhere = /^gitdir: (.+)$/m.exec((await read(git)) ?? '')?.[1];
    if (elsewhere !== undefined) return resolve(directory, elsewhere);
    if (dirname(directory) === directory) return undefined;
  }
}

async function read(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const isAbsent = ['ENOENT', 'ENOTDIR', 'EISDIR', 'EACCES'].some((code) => hasErrno(error, code));
    if (isAbsent) return undefined;
    throw error;
  }
}
