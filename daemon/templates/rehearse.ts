/** A new version is started as instances are, before it is published: once for good, and once on trial. */
import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { snapshot } from '../drivers/btrfs.ts';
import { errors } from '../errors/errors.ts';
import type { ImportRun } from './run.ts';

const throwawayPassword = (): string => createHash('sha256').update(crypto.randomUUID()).digest('hex');

/**
 * Starts the server once with the settings of instances and shuts it down again: logs are resized and temporary
 * tablespaces laid out here, once, and not in every clone.
 */
export async function settle(
  run: ImportRun,
  database: string,
  moreFlags: readonly string[] = [],
): Promise<void> {
  run.enter('settling');
  const { engine } = run;
  const { servers, config } = run.deps;
  const account = { username: config.dbUsername, password: throwawayPassword() };
  const serving = run.serving(run.home, account);
  const { containerId } = await servers.start(
    { ...serving, command: [...serving.command, ...moreFlags] },
    () => Promise.resolve(),
    (socketPath, signal) => engine.admitLast(socketPath, account, database, signal),
    run.signal,
  );
  await run.shutDown(containerId);
}

/** Proves, on a snapshot, that a clone comes up without crash recovery and answers. */
export async function tryClone(run: ImportRun, database: string): Promise<void> {
  run.enter('trial clone');
  const { engine } = run;
  const { docker, servers, config } = run.deps;
  const home = `${run.home}/trial`;
  const account = { username: config.dbUsername, password: throwawayPassword() };
  await mkdir(home);
  const { containerId } = await servers.start(
    run.serving(home, account),
    () => snapshot(run.datadir, `${home}/datadir`),
    (socketPath, signal) => engine.admit(socketPath, account, database, signal),
    run.signal,
  );
  const recovery = engine.findRecovery(await docker.logs(containerId, 200));
  if (recovery !== undefined) {
    throw errors.serverFailed(
      'A clone of the new version needs crash recovery, so it is not published.',
      recovery,
    );
  }
  await run.dismantle();
}
