/** What the operator dropped in `dumps/`. MyAAS only reads there. */
import { lstat, readdir, realpath, stat } from 'node:fs/promises';
import { sep } from 'node:path';
import { errors, hasErrno, messageOf, type MyaasError } from '../errors.ts';
import { isName } from '../names.ts';
import { compressions } from './unpack.ts';

export interface Dump {
  readonly template: string;
  /** Its name in the directory, for people. */
  readonly file: string;
  /** Where the data is: symlinks resolved. */
  readonly path: string;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
  /** `<template>.after-import.sql`, when there is one. */
  readonly hookPath: string | undefined;
}

export interface BadDump {
  readonly template: string;
  readonly file: string;
  readonly error: MyaasError;
}

const dumpPattern = new RegExp(`^(.*)\\.sql(?:\\.(?:${Object.keys(compressions).join('|')}))?$`, 'i');
const hookSuffix = '.after-import';

/** Every dump of the directory, and every file that looks like one and can't be. Sorted by name. */
export async function listDumps(directory: string): Promise<{ dumps: Dump[]; bad: BadDump[] }> {
  let files: string[];
  try {
    files = (await readdir(directory)).sort();
  } catch (error) {
    if (!hasErrno(error, 'ENOENT')) throw error;
    throw errors.hostNotReady(
      `The dumps directory ${directory} is not there.`,
      'Run "myaas init" as root.',
      error,
    );
  }
  const root = await realpath(directory);
  const candidates = files.flatMap((file) => {
    const stem = dumpPattern.exec(file)?.[1];
    return stem === undefined || file.startsWith('.') ? [] : [{ file, stem }];
  });
  const stems = candidates.map(({ stem }) => stem);
  const dumps: Dump[] = [];
  const bad: BadDump[] = [];
  for (const { file, stem } of candidates) {
    if (stem.endsWith(hookSuffix)) continue;
    const reject = (why: string, hint?: string) =>
      bad.push({ template: stem, file, error: errors.dumpBad(file, why, hint) });
    if (!isName('template', stem)) {
      reject(
        'its name cannot be a template name.',
        'A name has 1 to 63 letters, digits, "_" or "-" and starts with a letter or digit.',
      );
      continue;
    }
    if (stems.filter((other) => other === stem).length > 1) {
      const rivals = candidates.filter((other) => other.stem === stem).map((other) => other.file);
      reject(`several dumps are for template "${stem}": ${rivals.join(', ')}.`, 'Keep one of them.');
      continue;
    }
    const hook = `${stem}${hookSuffix}.sql`;
    const misnamedHook = candidates.find((other) => other.stem === stem + hookSuffix && other.file !== hook);
    if (misnamedHook) {
      // Better no import than one whose masking was left out.
      reject(
        `its hook ${misnamedHook.file} must be called ${hook}, and not be packed.`,
        'Unpack or rename the hook.',
      );
      continue;
    }
    const resolved = await resolveFile(root, directory, file);
    const resolvedHook = files.includes(hook) ? await resolveFile(root, directory, hook) : undefined;
    if ('why' in resolved) reject(resolved.why, resolved.hint);
    else if (resolvedHook && 'why' in resolvedHook)
      reject(`its hook ${hook} ${resolvedHook.why}`, resolvedHook.hint);
    else dumps.push({ template: stem, file, ...resolved, hookPath: resolvedHook?.path });
  }
  return { dumps, bad };
}

/** The dump as it is now: it may have waited long for its turn. Throws `MYAAS_DUMP_BAD` when it has vanished. */
export async function refreshDump(dump: Dump): Promise<Dump> {
  try {
    const { size, mtimeMs } = await stat(dump.path);
    return { ...dump, sizeBytes: size, modifiedMs: mtimeMs };
  } catch (error) {
    throw errors.dumpBad(dump.file, `it cannot be read: ${messageOf(error)}.`);
  }
}

type Resolved = { path: string; sizeBytes: number; modifiedMs: number } | { why: string; hint: string };

async function resolveFile(root: string, directory: string, file: string): Promise<Resolved> {
  const link = `${directory}/${file}`;
  try {
    const path = await realpath(link);
    if (!path.startsWith(root + sep)) {
      return {
        why: 'is a symbolic link that leaves the dumps directory.',
        hint: 'Copy or hard-link the file, or bind-mount its directory below dumps/.',
      };
    }
    const { size, mtimeMs } = await stat(path);
    if (!(await lstat(path)).isFile())
      return { why: 'is not a regular file.', hint: 'A dump is one file of SQL.' };
    return { path, sizeBytes: size, modifiedMs: mtimeMs };
  } catch (error) {
    // One unreadable file, whatever is the matter with it, is no reason to import none of the others.
    if (hasErrno(error, 'ENOENT'))
      return { why: 'points to nothing, or vanished.', hint: 'Mend the link or put the file back.' };
    return { why: `cannot be read: ${messageOf(error)}.`, hint: 'Mend the link or put the file back.' };
  }
}
