/** Makes a new version of the one before: a snapshot of its data, in which the tables that differ are loaded anew. */
import { chown, mkdir } from 'node:fs/promises';
import { snapshot } from '../../drivers/btrfs.ts';
import type { BulkSession } from '../../engines/bulk.ts';
import type { AdminSession, AdoptTool } from '../../engines/engine.ts';
import { errors } from '../../errors/errors.ts';
import { DumpLoader } from '../formats/load.ts';
import { adoptOnStart } from '../import-server.ts';
import type { ImportRun } from '../run.ts';
import { keyOf } from './part-reader.ts';
import type { Update } from './plan.ts';
import type { Tail } from './tails.ts';

/** Leaves a data directory for a server that adopts it. */
export async function takeFormer(run: ImportRun, { former }: Update, tool: AdoptTool): Promise<void> {
  run.enter('copying');
  const { paths, servers } = run.deps;
  const { uid, gid } = servers.owner;
  await snapshot(`${paths.version(former.template, former.version)}/datadir`, run.datadir);
  await mkdir(`${run.home}/tmp`);
  await chown(`${run.home}/tmp`, uid, gid);
  await adoptOnStart(run, tool);
}

/** Loads the tables that differ; the hash of the dump. Throws when it does not come to the same as a full load. */
export async function loadChanges(
  run: ImportRun,
  { former, changes, tails, sha256 }: Update,
  admin: AdminSession,
  wanted: string,
): Promise<string> {
  const { file } = run.dump;
  const version = await admin.version();
  if (version !== former.engineVersion)
    throw errors.importFailed(
      `${file}: the version before is of another server, ${former.engineVersion}; this one is ${version}.`,
      'Load the dump as a whole.',
    );
  // As a full load begins.
  if (!former.databases.includes(wanted)) await admin.createDatabase(wanted);
  await withBulkSession(run, async (session) => {
    await session.drop(changes.drop);
    for (const tail of tails) await cutTail(run, session, tail);
  });
  await new DumpLoader(run, admin).load(wanted);
  const loaded = new Map(run.found?.parts.tables.map((table) => [keyOf(table), table.hash]));
  if (
    changes.load.some((table) => loaded.get(keyOf(table)) !== table.hash) ||
    tails.some((tail) => run.found?.rows.get(keyOf(tail))?.tailHash !== tail.hash)
  )
    throw errors.dumpBad(
      file,
      'it was changed while it was read.',
      'Wait until it is whole, and import again.',
    );
  return sha256;
}

/** Leaves the rows before the tail. */
async function cutTail(run: ImportRun, session: BulkSession, tail: Tail): Promise<void> {
  const rows = await session.deleteBehind(tail, tail.key, tail.lastKey);
  if (rows === tail.rows) return;
  throw errors.importFailed(
    `${run.dump.file}: the version before has ${String(rows)} of ${String(tail.rows)} rows of "${tail.table}" that stay.`,
    'Load the dump as a whole.',
  );
}

/** Refreshes the statistics of what was loaded. */
export const analyzeChanges = (run: ImportRun, { changes, tails }: Update): Promise<void> =>
  withBulkSession(run, (session) => session.analyze([...changes.load, ...tails]));

async function withBulkSession(run: ImportRun, work: (session: BulkSession) => Promise<void>): Promise<void> {
  const session = await run.engine.bulk?.open(run.deps.servers.socketOf(run.server([])), run.signal);
  if (!session) throw new Error('An update was planned for an engine that has none.');
  try {
    await work(session);
  } finally {
    session.close();
  }
}
