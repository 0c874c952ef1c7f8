/** A data directory of a new version, and the server that fills it. */
import { chown, mkdir, rm, writeFile } from 'node:fs/promises';
import { createSubvolume } from '../drivers/btrfs.ts';
import type { AdminSession, AdoptTool } from '../engines/engine.ts';
import { messageOf, MyaasError } from '../errors/error.ts';
import { errors } from '../errors/errors.ts';
import { OnlyPlain } from './bulk/only-plain.ts';
import type { ImportRun } from './run.ts';

/** An import's server, and the session that only the import has. */
export interface ImportServer {
  readonly admin: AdminSession;
  readonly containerId: string;
}

/** Makes the data directory of an empty server. */
export async function initialise(run: ImportRun): Promise<void> {
  run.enter('initialising');
  const { seeds, servers } = run.deps;
  const { uid, gid } = servers.owner;
  const command = run.engine.initialiseCommand?.(run.facts);
  if (command) {
    await seeds.plant(run, command);
  } else {
    await createSubvolume(run.datadir);
    await chown(run.datadir, uid, gid);
  }
  await mkdir(`${run.home}/tmp`);
  await chown(`${run.home}/tmp`, uid, gid);
  await addExtraFiles(run);
}

/** Puts what a server needs besides its own files in the data directory. */
export async function addExtraFiles(run: ImportRun): Promise<void> {
  const { uid, gid } = run.deps.servers.owner;
  for (const { name, text } of await run.engine.extraFiles()) {
    await rm(`${run.datadir}/${name}`, { force: true });
    await writeFile(`${run.datadir}/${name}`, text, { mode: 0o400, flag: 'wx' });
    await chown(`${run.datadir}/${name}`, uid, gid);
  }
}

/** Has the import's server, when it starts over the data directory of another, let its administrator in. */
export async function adoptOnStart(run: ImportRun, { file }: AdoptTool): Promise<void> {
  const { uid, gid } = run.deps.servers.owner;
  const path = `${run.home}/${file.name}`;
  await writeFile(path, file.text, { mode: 0o400 });
  await chown(path, uid, gid);
}

export async function startImportServer(run: ImportRun, command: readonly string[]): Promise<ImportServer> {
  run.enter('starting');
  const { engine } = run;
  const { containerId, greeted } = await run.deps.servers.start(
    run.server(command),
    () => Promise.resolve(),
    (socketPath) => engine.admin(socketPath),
    run.signal,
  );
  return { admin: greeted, containerId };
}

/** What an error means when it is the server that failed, whatever the client or our own session saw of it. */
export async function explainFailure(
  run: ImportRun,
  error: unknown,
  { admin, containerId }: ImportServer,
): Promise<unknown> {
  if (run.signal.aborted || error instanceof OnlyPlain) return error;
  const { docker, servers } = run.deps;
  const { file } = run.dump;
  const why = messageOf(error);
  if (await admin.isAlive()) {
    if (error instanceof MyaasError) return error;
    return errors.importFailed(
      `${file}: the server refused to make a template of what was loaded: ${why}`,
      'Does the dump change the database "mysql", which is the server\'s own? Leave it out.',
      error,
    );
  }
  const ranOutOfMemory = (await docker.inspect(containerId))?.State.OOMKilled ?? false;
  const what = ranOutOfMemory ? 'ran out of memory' : 'stopped, or cut our connection,';
  return errors.importFailed(
    `${file}: the database server ${what} during the import: ${why}\n${await servers.lastWords(containerId)}`,
    ranOutOfMemory
      ? 'Raise MYAAS_MEMORY_LIMIT.'
      : "If the dump says SHUTDOWN or KILL, take that out; else see the server's last words above.",
    error,
  );
}
