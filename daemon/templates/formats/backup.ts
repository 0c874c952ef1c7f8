/** Physical backups: copied or unpacked, prepared, and used as they are. No SQL is loaded at all. */
import { access, chown, mkdir, readFile, rm } from 'node:fs/promises';
import { createSubvolume } from '../../drivers/btrfs.ts';
import { runProgram } from '../../drivers/program.ts';
import { inContainer, type AdoptTool, type BackupTool } from '../../engines/engine.ts';
import { hasErrno, MyaasError } from '../../errors/error.ts';
import { errors } from '../../errors/errors.ts';
import { addExtraFiles, adoptOnStart } from '../import-server.ts';
import type { ImportRun } from '../run.ts';
import { checkpointNames, infoNames, readTree } from './tree.ts';
import { startOf, unpack } from './unpack.ts';

/** What a stream is told by, and a dump of SQL is not. */
export async function isBackupStream(run: ImportRun, { streamStart }: BackupTool): Promise<boolean> {
  return (await startOf(run.dump, streamStart.length, run.signal)).equals(streamStart);
}

/**
 * Makes the version's data directory of a backup; the hash of its stream, if it is one. Throws `MYAAS_DUMP_BAD` where the
 * backup is to blame.
 */
export async function adoptBackup(
  run: ImportRun,
  tool: BackupTool,
  adopt: AdoptTool,
): Promise<string | undefined> {
  run.enter('copying');
  await createSubvolume(run.datadir);
  await mkdir(`${run.home}/tmp`);
  const { uid, gid } = run.deps.servers.owner;
  for (const path of [run.datadir, `${run.home}/tmp`]) await chown(path, uid, gid);
  let sha256;
  if (run.dump.format === 'file') sha256 = await extract(run, tool);
  else await copy(run);
  await assertUsable(run, tool);
  await prepare(run, tool);
  for (const name of [...checkpointNames, ...infoNames, 'backup-my.cnf'])
    await rm(`${run.datadir}/${name}`, { force: true });
  await addExtraFiles(run);
  await adoptOnStart(run, adopt);
  return sha256;
}

/** On btrfs a copy shares its blocks with the original: it takes no time and no space. */
async function copy(run: ImportRun): Promise<void> {
  const { uid, gid } = run.deps.servers.owner;
  const options = { remedy: 'See "df" for free space.', signal: run.signal };
  const copying = [
    '--recursive',
    '--reflink=auto',
    '--no-preserve=all',
    '--',
    `${run.dump.path}/.`,
    run.datadir,
  ];
  await runProgram('cp', copying, options);
  // What was looked at before may have been exchanged since; this copy is ours alone.
  await readTree(run.datadir, run.dump.file);
  await runProgram('chown', ['--recursive', `${String(uid)}:${String(gid)}`, '--', run.datadir], options);
  await runProgram('chmod', ['--recursive', 'u=rwX,go=', '--', run.datadir], options);
}

async function extract(run: ImportRun, tool: BackupTool): Promise<string> {
  const { docker, servers, config } = run.deps;
  const containerId = await docker.create({
    role: 'client',
    id: run.id,
    image: run.image.reference,
    command: tool.extractCommand,
    user: servers.owner,
    mounts: [{ source: run.home, target: inContainer.home }],
    memoryBytes: config.memoryLimitBytes,
    stdin: true,
  });
  using _ = run.killOnAbort(containerId);
  const { content, sha256 } = await unpack(run.dump, run.signal, (doneBytes) => run.report(doneBytes, null));
  const { exitCode, stderr } = await docker.feed(containerId, content).catch((error: unknown) => {
    run.signal.throwIfAborted();
    throw asMissingProgram(run, error);
  });
  run.signal.throwIfAborted();
  await docker.remove(containerId);
  if (exitCode !== 0)
    throw errors.dumpBad(run.dump.file, `it is not a whole stream of mariadb-backup: ${stderr.trim()}`);
  return sha256();
}

/** Throws `MYAAS_DUMP_BAD` when the backup is none that our server can open. */
async function assertUsable(run: ImportRun, backup: BackupTool): Promise<void> {
  const { file } = run.dump;
  const hint = 'Make a full backup with the same series of MariaDB, or a dump of SQL.';
  const info = await readFirst(run, infoNames);
  const checkpoints = await readFirst(run, checkpointNames);
  const options = await readFirst(run, ['backup-my.cnf']);
  if (info === undefined || checkpoints === undefined || options === undefined)
    throw errors.dumpBad(file, 'it is not whole: its checkpoints, info or backup-my.cnf are missing.', hint);
  const why = backup.whyUnusable({ info, checkpoints, options });
  if (why !== undefined) throw errors.dumpBad(file, why, hint);
  for (const { name } of await readTree(run.datadir, file)) {
    if (/\.(qp|xbcrypt)$/.test(name)) {
      throw errors.dumpBad(
        file,
        `${name} in it is packed or encrypted.`,
        'Unpack it first, or pack the stream as a whole.',
      );
    }
    if (name.endsWith('.isl')) {
      const table = name.replace(/\.isl$/, '').replace('/', '.');
      throw errors.dumpBad(
        file,
        `the data of table ${table} lies in another directory (DATA DIRECTORY).`,
        hint,
      );
    }
  }
  const ours = run.image.series;
  const theirs = backup.seriesOfBackup({ info, checkpoints, options });
  if (theirs !== ours)
    throw errors.dumpBad(file, `it is of MariaDB ${String(theirs)}, and instances have ${ours}.`, hint);
}

async function readFirst(run: ImportRun, names: readonly string[]): Promise<string | undefined> {
  for (const name of names) {
    try {
      return await readFile(`${run.datadir}/${name}`, 'utf8');
    } catch (error) {
      if (!hasErrno(error, 'ENOENT')) throw error;
    }
  }
  return undefined;
}

async function prepare(run: ImportRun, tool: BackupTool): Promise<void> {
  run.enter('preparing');
  await runTool(run, 'prepare', tool.prepareCommand(run.deps.config.memoryLimitBytes));
  // Its last step: without it the server would begin by making a new, empty log.
  await access(`${run.datadir}/ib_logfile0`);
}

/** Runs a program of the server image over the data directory, and returns what it said. */
async function runTool(run: ImportRun, what: string, command: readonly string[]): Promise<string> {
  const { docker, servers, config } = run.deps;
  const containerId = await docker.create({
    role: 'initialise',
    id: run.id,
    image: run.image.reference,
    command,
    user: servers.owner,
    mounts: [{ source: run.home, target: inContainer.home }],
    memoryBytes: config.memoryLimitBytes,
  });
  const exitCode = await run.runToEnd(containerId).catch((error: unknown) => {
    run.signal.throwIfAborted();
    throw asMissingProgram(run, error);
  });
  const said = await docker.logs(containerId, 15);
  await docker.remove(containerId);
  if (exitCode !== 0)
    throw errors.dumpBad(run.dump.file, `"${String(command[0])}" could not ${what} it:\n${said.trim()}`);
  return said;
}

/** Docker starts every program that an image has. */
function asMissingProgram(run: ImportRun, error: unknown): unknown {
  if (!(error instanceof MyaasError) || error.code !== 'MYAAS_DOCKER_FAILED') return error;
  return errors.importFailed(
    `${run.dump.file}: the server image ${run.image.reference} has no mariadb-backup, which physical backups need: ${error.message}`,
    'Run "myaas init", which builds or pulls an image that has it, or set MYAAS_MYSQL_IMAGE to one.',
    error,
  );
}
