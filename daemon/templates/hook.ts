/** The hooks of an import: what the operator has done to the data before anybody can clone it. */
import { chown, mkdir, rm, writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { inContainer } from '../engines/engine.ts';
import { errors } from '../errors/errors.ts';
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

const lastLines = 20;

/**
 * Runs the program `<template>.after-import` in a container of the server's image, which reaches the import's server and
 * nothing else. Throws `MYAAS_DUMP_BAD` with the end of what it said when it fails or takes too long.
 */
export async function runScriptHook(run: ImportRun, script: Buffer, database: string): Promise<void> {
  run.enter('hook');
  const { docker, paths, servers, config } = run.deps;
  const file = `${run.dump.template}.after-import`;
  const home = `${run.home}/hook`;
  const { uid, gid } = servers.owner;
  await mkdir(`${home}/tmp`, { recursive: true });
  await chown(`${home}/tmp`, uid, gid);
  await writeFile(`${home}/after-import`, script, { mode: 0o755 });
  for (const { name, text } of run.engine.hookFiles) await writeFile(`${home}/${name}`, text);
  const containerId = await docker.create({
    role: 'hook',
    id: run.id,
    image: run.image.reference,
    command: [`${inContainer.home}/after-import`],
    user: servers.owner,
    env: {
      ...run.engine.hookEnvironment,
      HOME: inContainer.home,
      MYAAS_TEMPLATE: run.dump.template,
      MYAAS_DATABASE: database,
      TMPDIR: inContainer.tmp,
    },
    mounts: [
      { source: home, target: inContainer.home },
      { source: paths.run(run.id), target: inContainer.run },
    ],
    memoryBytes: config.memoryLimitBytes,
  });
  const over = new AbortController();
  const timeout = delay(config.hookTimeoutSeconds * 1000, 'timeout' as const, { signal: over.signal }).catch(
    () => undefined,
  );
  const ended = await Promise.race([run.runToEnd(containerId), timeout]).finally(() => over.abort());
  const said = (await docker.logs(containerId, lastLines)).trim();
  await docker.remove(containerId);
  await rm(home, { recursive: true });
  if (ended === 0) return;
  const why =
    ended === 'timeout'
      ? `it ran for more than ${String(config.hookTimeoutSeconds)} s`
      : `it ended with exit code ${String(ended)}`;
  throw errors.dumpBad(
    file,
    `${why}${said === '' ? ' and said nothing.' : `. It said last:\n${said}`}`,
    ended === 'timeout'
      ? 'Mend it, or raise MYAAS_HOOK_TIMEOUT.'
      : 'Mend the hook; the template stays as it was.',
  );
}
