/** Dumps that a program of the product reads, with several connections where it may go to and fro in them. */
import { constants } from 'node:fs';
import { chown, copyFile, mkdir, readFile, rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { Readable } from 'node:stream';
import type { ArchiveDescription, ArchiveTool } from '../../engines/dump-support.ts';
import { inContainer, type AdminSession } from '../../engines/engine.ts';
import { errors } from '../../errors/errors.ts';
import { feedClient, loadFailed } from '../client.ts';
import type { Dump } from '../dumps.ts';
import { readMeter } from '../meter.ts';
import type { ImportRun } from '../run.ts';
import { isPacked, startOf, unpack } from './unpack.ts';
import { preambleBytes } from './preamble.ts';

/** More of a table of contents nobody has. */
const longestContentsBytes = 256 * 2 ** 20;
const directory = 'archive';

/** Whether a dump that is one file is an archive. */
export async function isArchive(run: ImportRun, tool: ArchiveTool): Promise<boolean> {
  return tool.recognises((await startOf(run.dump, preambleBytes, run.signal)).toString('latin1'));
}

/** Loads an archive into `wanted`; its hash, where it is known from the reading. Throws `MYAAS_DUMP_BAD`. */
export async function loadArchive(
  run: ImportRun,
  tool: ArchiveTool,
  admin: AdminSession,
  wanted: string,
): Promise<string | undefined> {
  run.enter('loading');
  const { dump } = run;
  const { roles, isParallel } = await describe(run, tool);
  for (const role of roles) await admin.ensureRole?.(role);
  if (dump.format === 'file' && (await isPacked(dump))) {
    const { content, sha256 } = await unpack(dump, run.signal, readMeter(run));
    const failure = await feedClient(run, 'client', tool.command(wanted, undefined), content);
    if (failure) throw loadFailed(dump.file, failure);
    return sha256();
  }
  await stage(run, dump);
  const path = `${inContainer.home}/dump`;
  const command = tool.command(wanted, { path, jobs: isParallel ? availableParallelism() : 1 });
  const failure = await feedClient(run, 'client', command, Readable.from([]), undefined, {
    directory: `${run.home}/${directory}`,
  });
  if (failure) throw loadFailed(dump.file, failure);
  await rm(`${run.home}/${directory}`, { recursive: true });
  run.report(dump.sizeBytes, 0);
  return undefined;
}

async function describe(run: ImportRun, tool: ArchiveTool): Promise<ArchiveDescription> {
  const { dump, signal } = run;
  const surroundings = { file: dump.file, series: run.image.series };
  const found =
    dump.format === 'file'
      ? await describeFile(run, tool)
      : tool.describe(await readFile(`${dump.path}/${tool.directoryFile}`, { signal }), surroundings);
  if (found) return found;
  throw errors.dumpBad(
    dump.file,
    'it is truncated: its table of contents is not whole.',
    'Make the dump anew.',
  );
}

/** By as much of the beginning as it takes. */
async function describeFile(run: ImportRun, tool: ArchiveTool) {
  const surroundings = { file: run.dump.file, series: run.image.series };
  for (let lengthBytes = 2 ** 20; lengthBytes <= longestContentsBytes; lengthBytes *= 16) {
    const head = await startOf(run.dump, lengthBytes, run.signal);
    const found = tool.describe(head, surroundings);
    if (found || head.length < lengthBytes) return found;
  }
  return undefined;
}

/**
 * Puts the dump where the program may read it, who is nobody of the host: as a clone of its blocks where the file system
 * can, which takes no time and no space.
 */
async function stage(run: ImportRun, dump: Dump): Promise<void> {
  const { uid, gid } = run.deps.servers.owner;
  const target = `${run.home}/${directory}/dump`;
  await mkdir(dump.format === 'file' ? `${run.home}/${directory}` : target, { recursive: true });
  const names = dump.format === 'file' ? [''] : dump.files.map(({ name }) => `/${name}`);
  for (const name of names) {
    run.signal.throwIfAborted();
    if (name.lastIndexOf('/') > 0) throw errors.dumpBad(dump.file, `there is a directory in it: ${name}.`);
    await copyFile(dump.path + name, target + name, constants.COPYFILE_FICLONE);
    await chown(target + name, uid, gid);
  }
}
