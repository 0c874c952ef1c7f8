import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import pg from 'pg';
import type { Instance } from '../../daemon/contract.ts';
import { startHost, type TestHost } from '../support/daemon.ts';

/** As an application connects: through the port. */
async function query(
  instance: Instance,
  sql: string,
  more: Partial<pg.ClientConfig> = {},
): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({
    host: instance.host,
    port: instance.port,
    user: instance.user,
    password: instance.password,
    database: instance.database,
    ...more,
  });
  await client.connect();
  try {
    const { rows } = await client.query<Record<string, unknown>>(sql);
    return rows;
  } finally {
    await client.end();
  }
}

describe('PostgreSQL', function () {
  this.timeout(300_000);
  let host: TestHost;
  let chinook: Instance;

  before(async () => {
    host = await startHost();
    await host.importDump('chinook', await readFile('test/data/chinook_postgresql.sql', 'utf8'));
    chinook = await host.create('chinook', 'a');
  });
  after(() => host.stop());

  it('gives a clone with the data of the dump', async () => {
    const rows = await query(chinook, 'select count(*)::int as tracks from track');
    assert.deepEqual(rows, [{ tracks: 3503 }]);
    assert.match(chinook.url ?? '', /^postgres:\/\/myaas:\w+@127\.0\.0\.1:\d+\/chinook$/);
  });
});
