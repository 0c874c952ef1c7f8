/** What may lie beside a dump and is done to its data before anybody can clone it. */
import { createHash } from 'node:crypto';
import { open, readFile } from 'node:fs/promises';
import { errors } from '../errors/errors.ts';
import { resolveInside } from './inside.ts';
import type { DumpFile } from './formats/unpack.ts';

export interface Companions {
  /** `<template>.after-import.sql` */
  readonly hook: DumpFile | undefined;
  /** `<template>.after-import`, a program */
  readonly script: DumpFile | undefined;
  /** `<template>.mask.json` */
  readonly mask: DumpFile | undefined;
  /** `<template>.engine`: which product is to serve it */
  readonly engine: DumpFile | undefined;
}

/** How a version remembers what it was made with. */
export interface CompanionHashes {
  readonly hookSha256: string | null;
  readonly scriptSha256: string | null;
  readonly maskSha256: string | null;
  readonly engineSha256: string | null;
}

const pattern = /^(.*?)\.(?:after-import|mask|engine)(?:\..*)?$/i;
const suffixes = {
  hook: '.after-import.sql',
  script: '.after-import',
  mask: '.mask.json',
  engine: '.engine',
} as const;

export const isCompanion = (file: string): boolean => pattern.test(file);
/** The template that a file is a companion of. */
export const companionOf = (file: string): string | undefined => pattern.exec(file)?.[1];

/** The companions of a template among `files`, those of `root`. Throws `MYAAS_DUMP_BAD` for one that would be left out. */
export async function findCompanions(
  root: string,
  files: readonly string[],
  template: string,
  dump: string,
): Promise<Companions> {
  const known = Object.values(suffixes).map((suffix) => template + suffix);
  const misnamed = files.find((file) => pattern.exec(file)?.[1] === template && !known.includes(file));
  if (misnamed !== undefined) {
    // Better no import than one whose masking was left out.
    throw errors.dumpBad(
      dump,
      `its companion ${misnamed} has a name that means nothing, so it would be left out.`,
      `Call it ${known.join(', or ')}, and do not pack it.`,
    );
  }
  const find = async (suffix: string): Promise<DumpFile | undefined> => {
    const file = template + suffix;
    return files.includes(file) ? { file, path: await resolveInside(root, file) } : undefined;
  };
  const companions = {
    hook: await find(suffixes.hook),
    script: await find(suffixes.script),
    mask: await find(suffixes.mask),
    engine: await find(suffixes.engine),
  };
  if (companions.script) await readScript(companions.script);
  return companions;
}

/**
 * The text of an executable companion. Throws `MYAAS_DUMP_BAD` unless it is root's alone: others who may write in the
 * directory may give us data, not programs.
 */
export async function readScript({ file, path }: DumpFile): Promise<Buffer> {
  await using opened = await open(path, 'r');
  const found = await opened.stat();
  const why = !found.isFile()
    ? 'is not a regular file'
    : found.uid !== 0
      ? 'does not belong to root'
      : (found.mode & 0o022) !== 0
        ? 'can be written by others than root'
        : (found.mode & 0o100) === 0
          ? 'is not executable'
          : undefined;
  if (why !== undefined)
    throw errors.dumpBad(file, `${why}, so it is not run.`, `Run "chown root" and "chmod 755" on it.`);
  return await opened.readFile();
}

export async function hashCompanions(companions: Companions): Promise<CompanionHashes> {
  const hash = async (companion: DumpFile | undefined) =>
    companion
      ? createHash('sha256')
          .update(await readFile(companion.path))
          .digest('hex')
      : null;
  return {
    hookSha256: await hash(companions.hook),
    scriptSha256: await hash(companions.script),
    maskSha256: await hash(companions.mask),
    engineSha256: await hash(companions.engine),
  };
}
