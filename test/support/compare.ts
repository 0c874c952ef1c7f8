/** Imports against the yardstick: see `PlainServer`. */
import assert from 'node:assert/strict';
import { zstdCompressSync } from 'node:zlib';
import type { Import } from '../../daemon/contract/templates.ts';
import { contentsOf } from './contents.ts';
import type { TestHost } from './daemon.ts';
import type { PlainServer } from './plain.ts';

/** Imports a dump, and has it equal to what the plain client makes of it. */
export async function importAndCompare(
  host: TestHost,
  plain: PlainServer,
  template: string,
  sql: Buffer,
  packed: boolean,
): Promise<Import> {
  await plain.dropDatabases();
  const file = packed ? `${template}.sql.zst` : `${template}.sql`;
  await host.writeDump(file, packed ? zstdCompressSync(sql) : sql);
  const [imported] = (await host.update([template])).imports;
  assert.equal(imported?.error, null);
  await plain.load(sql, template);
  const expected = await plain.contents();
  await plain.dropDatabases();
  const instance = await host.create(template, 'look');
  const connection = await host.connect(instance);
  try {
    assert.deepEqual(await contentsOf(connection), expected);
  } finally {
    connection.destroy();
    await host.api('DELETE', `/v1/instances/${instance.id}`);
  }
  return imported;
}

/** A dump with tables that are large enough to be loaded in bulk. */
export interface BulkCase {
  readonly what: string;
  readonly sql: string;
  /** Tables that are loaded side by side in the end, and parts of the reasons why others were not. */
  readonly tables: number;
  readonly plain: readonly RegExp[];
}

export const long = 'some text that makes rows longer';

export const many = (head: string, row: (id: number) => string, count = 20_000): string =>
  `${head} VALUES ${Array.from({ length: count }, (_, index) => row(index + 1)).join(',')};\n`;
