/** All that a server holds, in words: two servers hold the same when this says the same of both. */
import { createHash } from 'node:crypto';
import type { Connection, RowDataPacket } from 'mysql2/promise';

/** What there is, such as "table shop.orders: rows", and how it is. */
export type Contents = Readonly<Record<string, string>>;

type Texts = Readonly<Record<string, string | null>>;

const systemDatabases = `'information_schema', 'mysql', 'performance_schema', 'sys'`;

/** What else than tables there is, where it is listed, and by which word `SHOW CREATE` knows it. */
const otherKinds = [
  {
    from: 'routines',
    columns: `routine_schema as db, routine_name as name, lower(routine_type) as kind`,
    schema: 'routine_schema',
  },
  {
    from: 'triggers',
    columns: `trigger_schema as db, trigger_name as name, 'trigger' as kind`,
    schema: 'trigger_schema',
  },
  {
    from: 'events',
    columns: `event_schema as db, event_name as name, 'event' as kind`,
    schema: 'event_schema',
  },
] as const;

const quoteName = (name: string): string => `\`${name.replaceAll('`', '``')}\``;

/** Reads everything in all databases but the server's own. */
export async function contentsOf(connection: Connection): Promise<Contents> {
  const contents: Record<string, string> = {};
  // As stored: a conversion could hide that two differ.
  await connection.query('set character_set_results = null');
  // The text of a view names databases where they are not the current one.
  await connection.query('use information_schema');

  const ask = async (sql: string): Promise<Texts[]> => {
    const [rows] = await connection.query<RowDataPacket[]>({
      sql,
      typeCast: (field) => field.buffer()?.toString() ?? null,
    });
    return rows;
  };
  const digest = async (sql: string): Promise<string> => {
    const [rows] = await connection.query<RowDataPacket[]>({
      sql,
      rowsAsArray: true,
      typeCast: (field) => field.buffer()?.toString('hex') ?? null,
    });
    return `${String(rows.length)} rows ${createHash('sha256').update(JSON.stringify(rows)).digest('hex')}`;
  };
  const describe = async (kind: string, db: string, name: string) => {
    const [row = {}] = await ask(`show create ${kind} ${quoteName(db)}.${quoteName(name)}`);
    // When a trigger was made is when the dump was loaded: the one thing that two servers can't have in common.
    const told = Object.entries(row).filter(([column]) => column !== 'Created');
    contents[`${kind} ${db}.${name}: definition`] = told
      .map(([column, value]) => `${column}: ${String(value)}`)
      .join('\n');
  };

  const databases = await ask(
    `select * from information_schema.schemata where schema_name not in (${systemDatabases})`,
  );
  for (const database of databases) {
    contents[`database ${String(database['SCHEMA_NAME'])}`] = Object.values(database).map(String).join(' ');
  }
  const tables = await ask(
    `select table_schema as db, table_name as name, table_type as type from information_schema.tables
     where table_schema not in (${systemDatabases})`,
  );
  for (const { db, name, type } of tables as { db: string; name: string; type: string }[]) {
    const kind = type === 'VIEW' ? 'view' : type === 'SEQUENCE' ? 'sequence' : 'table';
    const place = `${quoteName(db)}.${quoteName(name)}`;
    await describe(kind, db, name);
    // What a view shows follows from the tables, if its definer may see them.
    if (kind === 'view') continue;
    const history = type === 'SYSTEM VERSIONED' ? 'for system_time all' : '';
    contents[`${kind} ${db}.${name}: rows`] = await digest(`select * from ${place} ${history}`);
    // The checksum of a system-versioned table covers the hidden columns that tell when its rows were loaded.
    if (type !== 'BASE TABLE') continue;
    const [checksum] = await ask(`checksum table ${place}`);
    contents[`${kind} ${db}.${name}: checksum`] = String(checksum?.['Checksum']);
  }
  for (const { from, columns, schema } of otherKinds) {
    const listed = await ask(
      `select ${columns} from information_schema.${from} where ${schema} not in (${systemDatabases})`,
    );
    for (const { db, name, kind } of listed as { db: string; name: string; kind: string }[]) {
      await describe(kind, db, name);
    }
  }
  return contents;
}
