/** Talking to the PostgreSQL server of an import as its superuser. A session of PostgreSQL is in one database. */
import pg from 'pg';
import type { AdminSession, Contents, Masker, TableCounts } from './engine.ts';
import { hasRole, secureDatabase, secureRoles } from './postgres-accounts.ts';
import { loader, superuser } from './postgres-commands.ts';
import { postgresMasker } from './postgres-mask.ts';
import { connect, type PostgresClient } from './postgres-session.ts';

/** The one that is always there. */
const maintenanceDatabase = 'postgres';
export const systemDatabases = [maintenanceDatabase, 'template0', 'template1'];

const ofSystem = `(nspname ~ '^pg_' or nspname = 'information_schema')`;
const notOfExtension = (catalogue: string): string =>
  `not exists (select from pg_depend where classid = '${catalogue}'::regclass and objid = ${catalogue}.oid and deptype = 'e')`;

/** Objects of a database that somebody has made there. */
const countObjects = `
  select (select count(*) from pg_class join pg_namespace n on n.oid = relnamespace
      where not ${ofSystem} and relkind in ('r', 'p', 'v', 'm', 'f', 'S') and ${notOfExtension('pg_class')})
    + (select count(*) from pg_proc join pg_namespace n on n.oid = pronamespace
      where not ${ofSystem} and ${notOfExtension('pg_proc')}) as objects`;

export class PostgresAdminSession implements AdminSession {
  readonly masker: Masker;
  readonly #socketPath: string;
  readonly #main: PostgresClient;
  /** Once the roles are locked nobody can log in any more, so these stay. */
  readonly #kept = new Map<string, PostgresClient>();

  constructor(socketPath: string, main: PostgresClient) {
    this.#socketPath = socketPath;
    this.#main = main;
    this.masker = postgresMasker((database) => connectAsSuperuser(socketPath, database));
  }

  static async open(socketPath: string): Promise<PostgresAdminSession> {
    const main = await connectAsSuperuser(socketPath, maintenanceDatabase);
    if (!(await hasRole(main, loader)))
      await main.query(`create role ${pg.escapeIdentifier(loader)} superuser login`);
    return new PostgresAdminSession(socketPath, main);
  }

  async version(): Promise<string> {
    const { rows } = await this.#main.query<{ version: string }>(
      `select current_setting('server_version') as version`,
    );
    return rows[0]?.version ?? '';
  }

  async createDatabase(name: string): Promise<void> {
    if (name === maintenanceDatabase) return;
    await this.#main.query(`create database ${pg.escapeIdentifier(name)} template template0`);
  }

  async dropDatabase(name: string): Promise<void> {
    if (name === maintenanceDatabase) return;
    await this.#main.query(`drop database ${pg.escapeIdentifier(name)}`);
  }

  async contents(): Promise<Contents> {
    const databases: string[] = [];
    let objectCount = 0;
    for (const name of await this.#databases()) {
      if (name === 'template1') continue;
      const count = await this.#countObjects(name);
      objectCount += count;
      if (name !== maintenanceDatabase || count > 0) databases.push(name);
    }
    return { databases, objectCount };
  }

  async isEmpty(database: string): Promise<boolean> {
    return (await this.#countObjects(database)) === 0;
  }

  async secureAccounts(username: string): Promise<void> {
    const from = pg.escapeIdentifier(loader);
    const to = pg.escapeIdentifier(username);
    // Either the dump brought a role of that name, or whatever it left without an owner has made the loader's one.
    const isThere = await hasRole(this.#main, username);
    if (!isThere) await this.#main.query(`alter role ${from} rename to ${to}`);
    for (const name of await this.#databases()) {
      const client = await connectAsSuperuser(this.#socketPath, name);
      this.#kept.set(name, client);
      if (isThere) await client.query(`reassign owned by ${from} to ${to}; drop owned by ${from}`);
      await secureDatabase(client, username);
    }
    if (isThere) await this.#main.query(`drop role ${from}`);
    await secureRoles(this.#main, username);
  }

  async ensureRole(name: string): Promise<void> {
    if (!(await hasRole(this.#main, name)))
      await this.#main.query(`create role ${pg.escapeIdentifier(name)} nologin`);
  }

  async locales(): Promise<readonly string[]> {
    const { rows } = await this.#main.query<{ name: string }>(
      `select distinct collcollate as name from pg_collation where collprovider = 'c' and collcollate <> ''`,
    );
    return rows.map(({ name }) => name);
  }

  async analyze(signal: AbortSignal): Promise<void> {
    for (const client of this.#kept.values()) {
      signal.throwIfAborted();
      // What every clone would do with the first look at a row, and write, is done here once.
      await client.query('vacuum (freeze, analyze)');
    }
  }

  async countTables(): Promise<TableCounts> {
    const counts = { tables: 0, rows: 0 };
    for (const client of this.#kept.values()) {
      const { rows } = await client.query<{ tables: string; rows: string }>(
        `select count(*) as tables, coalesce(sum(greatest(reltuples, 0)), 0)::bigint as rows
         from pg_class join pg_namespace n on n.oid = relnamespace
         where not ${ofSystem} and relkind = 'r' and ${notOfExtension('pg_class')}`,
      );
      counts.tables += Number(rows[0]?.tables);
      counts.rows += Number(rows[0]?.rows);
    }
    return counts;
  }

  async prepareShutdown(): Promise<void> {
    // Beside the work of others, since the shutdown's own makes everybody wait.
    await this.#main.query('checkpoint');
  }

  async isAlive(): Promise<boolean> {
    try {
      await this.#main.query('select 1');
      return true;
    } catch {
      // Whatever the reason, it is no answer.
      return false;
    }
  }

  close(): void {
    for (const client of [this.#main, ...this.#kept.values()]) void client.end().catch(() => undefined);
  }

  async #databases(): Promise<string[]> {
    const { rows } = await this.#main.query<{ name: string }>(
      'select datname as name from pg_database where datallowconn order by datname',
    );
    return rows.map(({ name }) => name);
  }

  /** By a connection that is closed again: a database that somebody is connected to can't be dropped. */
  async #countObjects(database: string): Promise<number> {
    const client = await connectAsSuperuser(this.#socketPath, database);
    try {
      const { rows } = await client.query<{ objects: string }>(countObjects);
      return Number(rows[0]?.objects);
    } finally {
      await client.end();
    }
  }
}

const connectAsSuperuser = async (socketPath: string, database: string): Promise<PostgresClient> =>
  connect(socketPath, { username: superuser, password: '' }, database);
