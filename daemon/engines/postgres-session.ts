/** Talking to a PostgreSQL server through its socket, as the user of an instance. */
import { dirname } from 'node:path';
import { addAbortSignal } from 'node:stream';
import { Socket } from 'node:net';
import pg from 'pg';
import type { Account } from './engine.ts';
import { port } from './postgres-commands.ts';
import { scramVerifier } from './postgres-scram.ts';

export type PostgresClient = pg.Client;

/** With a signal, the connection breaks when that aborts, and so does whatever is being asked then. */
export async function connect(
  socketPath: string,
  { username, password }: Account,
  database: string,
  signal?: AbortSignal,
): Promise<PostgresClient> {
  const stream = new Socket();
  if (signal) addAbortSignal(signal, stream);
  const client = new pg.Client({
    host: dirname(socketPath),
    port,
    user: username,
    password,
    database,
    stream: () => stream,
    application_name: 'myaas',
  });
  // A server that goes away between queries is noticed by the next query, or was asked to go.
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

/** Logs in, has a query answered, and then whatever else. Throws the signal's reason when it aborts. */
export async function greet<T>(
  socketPath: string,
  account: Account,
  database: string,
  signal: AbortSignal,
  andThen: (client: PostgresClient) => Promise<T>,
): Promise<T> {
  try {
    signal.throwIfAborted();
    const client = await connect(socketPath, account, database, signal);
    try {
      await client.query('select 1');
      return await andThen(client);
    } finally {
      // Says goodbye, without waiting for it.
      void client.end().catch(() => undefined);
    }
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  }
}

/** What stopping the server would cut short. */
export async function workOf(client: PostgresClient): Promise<string | undefined> {
  const { rows } = await client.query<{ state: string; seconds: string }>(
    `select state, floor(extract(epoch from now() - coalesce(xact_start, query_start)))::text as seconds
     from pg_stat_activity
     where pid <> pg_backend_pid() and backend_type = 'client backend' and state <> 'idle'
     order by coalesce(xact_start, query_start) limit 1`,
  );
  const [oldest] = rows;
  if (!oldest) return undefined;
  return oldest.state === 'active'
    ? `a statement has been running for ${oldest.seconds} s`
    : `a transaction has been open for ${oldest.seconds} s`;
}

/** Of the role that is logged in. The server reads no password, and logs none. */
export async function changePassword(client: PostgresClient, password: string): Promise<void> {
  await client.query(`alter role current_user password '${await scramVerifier(password)}'`);
}
