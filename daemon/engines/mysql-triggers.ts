/** Triggers must not see what an import changes: an audit trigger would write the old values down. */
import type { Connection, RowDataPacket } from 'mysql2/promise';
import { quoteName, quoteText } from './quoting.ts';

/** Does its work while the table has no triggers. They are the same afterwards, in the same order. */
export async function withoutTriggers(
  connection: Connection,
  database: string,
  table: string,
  work: () => Promise<void>,
): Promise<void> {
  const [listed] = await connection.query<RowDataPacket[]>(
    `select trigger_name as name from information_schema.triggers
     where event_object_schema = ? and event_object_table = ? order by event_manipulation, action_timing, action_order`,
    [database, table],
  );
  const triggers: RowDataPacket[] = [];
  for (const { name } of listed) {
    const place = `${quoteName(database)}.${quoteName(String(name))}`;
    const [[trigger]] = await connection.query<RowDataPacket[]>(`show create trigger ${place}`);
    if (trigger) triggers.push(trigger);
    await connection.query(`drop trigger ${place}`);
  }
  await work();
  if (triggers.length === 0) return;
  await connection.query('set @mask_mode = @@sql_mode, @mask_collation = @@collation_connection');
  await connection.query(`use ${quoteName(database)}`);
  for (const trigger of triggers) {
    const text = (column: string) => quoteText(String(trigger[column]));
    await connection.query(
      `set sql_mode = ${text('sql_mode')}, collation_connection = ${text('collation_connection')}`,
    );
    await connection.query(String(trigger['SQL Original Statement']));
  }
  await connection.query('set sql_mode = @mask_mode, collation_connection = @mask_collation');
}
