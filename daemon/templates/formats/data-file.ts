/** Dumps that are a file which the server itself opens when it starts. */
import { createWriteStream } from 'node:fs';
import { chown } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { readMeter } from '../meter.ts';
import type { ImportRun } from '../run.ts';
import { unpack } from './unpack.ts';

/** Puts the dump in the data directory; its hash. Throws `MYAAS_DUMP_BAD` when it can't be unpacked. */
export async function placeDataFile(run: ImportRun, name: string): Promise<string> {
  run.enter('copying');
  const path = `${run.datadir}/${name}`;
  const { content, sha256 } = await unpack(run.dump, run.signal, readMeter(run));
  await pipeline(content, createWriteStream(path, { mode: 0o600 }), { signal: run.signal });
  const { uid, gid } = run.deps.servers.owner;
  await chown(path, uid, gid);
  return sha256();
}
