import { loadFailed, runClient } from './client.ts';
import type { ImportRun } from './run.ts';

/** Runs `<template>.after-import.sql`, when there is one. Throws `MYAAS_DUMP_BAD` when it fails. */
export async function runHook(run: ImportRun, database: string): Promise<void> {
  const { hook } = run.dump.companions;
  if (!hook) return;
  run.enter('hook');
  const outcome = await runClient(run, hook, database);
  if (outcome.failure) throw loadFailed(hook.file, outcome.failure);
}
