import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { loadFailed, runClient } from './client.ts';
import type { Dump } from './dumps.ts';
import type { ImportRun } from './run.ts';

/** Runs `<template>.after-import.sql`; its hash, null when there is none. Throws `MYAAS_DUMP_BAD` when it fails. */
export async function runHook(run: ImportRun, database: string): Promise<string | null> {
  const { hookPath, template } = run.dump;
  if (hookPath === undefined) return null;
  run.enter('hook');
  const file = `${template}.after-import.sql`;
  const outcome = await runClient(run, { file, path: hookPath }, database);
  if (outcome.failure) throw loadFailed(file, outcome.failure);
  return outcome.sha256;
}

/** The hash of the hook as it is now. */
export async function hookSha256({ hookPath }: Dump): Promise<string | null> {
  if (hookPath === undefined) return null;
  return createHash('sha256')
    .update(await readFile(hookPath))
    .digest('hex');
}
