import type { RowDataPacket } from 'mysql2/promise';
import type { Instance } from '../../daemon/contract/instances.ts';
import type { TestHost } from './daemon.ts';

/** The rows of one statement, over a connection of its own. */
export async function askOf(host: TestHost, instance: Instance, sql: string): Promise<RowDataPacket[]> {
  const connection = await host.connect(instance);
  try {
    const [rows] = await connection.query<RowDataPacket[]>(sql);
    return rows;
  } finally {
    connection.destroy();
  }
}
