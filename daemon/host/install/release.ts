/**
 * A release: a directory with all that MyAAS is, its own Node included. It is made of the program that runs and of the
 * Node that runs it, whether these lie in an unpacked archive, in a checkout's `dist` or in another release.
 */
import { createHash } from 'node:crypto';
import {
  chmod,
  copyFile,
  cp,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  statfs,
  writeFile,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Type, type Static } from 'typebox';
import { Parse } from 'typebox/value';
import { runProgram } from '../../drivers/program.ts';
import { hasErrno } from '../../errors/error.ts';
import { errors } from '../../errors/errors.ts';
import { exists } from '../files.ts';

const Facts = Type.Object({
  version: Type.String(),
  /** A gate of another protocol than the daemon's is of no use to it. */
  gateProtocol: Type.Integer(),
});
export type Facts = Readonly<Static<typeof Facts>>;

/** What a program says of itself is kept with it, for the installation of the next. */
const factsFile = 'release.json';
const node = 'node';
/** What the directory of a built program has for other purposes. */
const unneeded = /(?:\.map|\.vsix|\.deb|\.tar\.gz|^extension\.cjs|^node$|^release\.json)$/;

/** Where a program lies that can be made a release of, and the Node that it runs with. */
export interface Source {
  readonly directory: string;
  readonly node: string;
}

/** The running program. Throws `MYAAS_HOST_NOT_READY` when it is not a built one. */
export async function runningProgram(): Promise<Source> {
  const directory = dirname(process.argv[1] ?? '');
  if (!(await exists(join(directory, 'myaas.js')))) {
    throw errors.hostNotReady(
      `${directory} has no built program that could be installed.`,
      'Run "npm run build", then "sudo node dist/myaas.js install".',
    );
  }
  return { directory, node: process.execPath };
}

/** What the release in `directory` has said of itself; undefined when there is none, or only a part of one. */
export async function factsOf(directory: string): Promise<Facts | undefined> {
  try {
    return Parse(Facts, JSON.parse(await readFile(join(directory, factsFile), 'utf8')));
  } catch (error) {
    if (hasErrno(error, 'ENOENT') || hasErrno(error, 'ENOTDIR')) return undefined;
    throw error;
  }
}

/** What a program says of itself. Throws `MYAAS_PROGRAM_FAILED` when it does not run on this machine. */
export async function askForFacts(source: Source): Promise<Facts> {
  return Parse(Facts, JSON.parse(await askProgram(source, '__release')));
}

/** Runs a program that is not in use yet, and returns what it prints. */
export function askProgram({ directory, node }: Source, ...args: readonly string[]): Promise<string> {
  return runProgram(node, [join(directory, 'myaas.js'), ...args], {
    remedy: 'Is the archive complete, and made for this kind of machine?',
  });
}

/** A name that changes with anything in the program: its version, and a part of its contents' hash. */
export async function nameFor(source: Source, { version }: Facts): Promise<string> {
  const hash = createHash('sha256');
  for (const file of await filesIn(source.directory)) {
    hash.update(file).update(await readFile(join(source.directory, file)));
  }
  const { size } = await stat(source.node);
  return `${version}-${hash.update(`${process.versions.node} ${size}`).digest('hex').slice(0, 8)}`;
}

/** The files of a program, besides Node. */
async function filesIn(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && !unneeded.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
    .sort();
}

/**
 * Puts a program and its Node into `target`, which has that name only when it is complete and has run. Throws
 * `MYAAS_DISK_FULL` and `MYAAS_PROGRAM_FAILED`; then nothing of it is left.
 */
export async function makeRelease(source: Source, target: string): Promise<void> {
  const unfinished = `${target}.unfinished`;
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(dirname(target), { recursive: true });
  const neededBytes = await assertRoom(source, dirname(target));
  try {
    await fillRelease(source, unfinished);
    await seal(unfinished);
    await rm(target, { recursive: true, force: true });
    await rename(unfinished, target);
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true });
    if (hasErrno(error, 'ENOSPC') || hasErrno(error, 'EDQUOT'))
      throw await tooFull(dirname(target), neededBytes);
    throw error;
  }
}

/** Everything but the place: `directory` becomes a release. */
export async function fillRelease(source: Source, directory: string): Promise<void> {
  await mkdir(directory, { mode: 0o755 });
  for (const file of await filesIn(source.directory)) {
    await mkdir(dirname(join(directory, file)), { recursive: true, mode: 0o755 });
    await cp(join(source.directory, file), join(directory, file));
  }
  await copyFile(source.node, join(directory, node));
  await chmod(join(directory, node), 0o755);
  await copyFile(join(directory, 'assets', 'myaas'), join(directory, 'myaas'));
  await chmod(join(directory, 'myaas'), 0o755);
}

/** Has a new release run, and keeps what it says of itself. */
export async function seal(directory: string, runBy = join(directory, node)): Promise<void> {
  const facts = await askForFacts({ directory, node: runBy });
  await writeFile(join(directory, factsFile), `${JSON.stringify(facts)}\n`);
}

async function tooFull(directory: string, neededBytes: number): Promise<Error> {
  const { bavail, bsize } = await statfs(directory);
  return errors.diskFull(directory, bavail * bsize, neededBytes, 'Make room there, and run it again.');
}

async function assertRoom(source: Source, directory: string): Promise<number> {
  const files = (await filesIn(source.directory)).map((file) => join(source.directory, file));
  let neededBytes = 0;
  for (const file of [...files, source.node]) neededBytes += (await stat(file)).size;
  const { bavail, bsize } = await statfs(directory);
  if (bavail * bsize < neededBytes) throw await tooFull(directory, neededBytes);
  return neededBytes;
}
