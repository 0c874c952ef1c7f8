/** Who may do what in instances: everything with the data, and nothing with the files of the host or of the server. */
import pg from 'pg';
import type { PostgresClient } from './postgres-session.ts';
import { scramVerifier } from './postgres-scram.ts';
import { superuser } from './postgres-commands.ts';

const name = (text: string): string => pg.escapeIdentifier(text);
const text = (value: string): string => pg.escapeLiteral(value);

/** Leave to look at and to keep house with everything; those that are not there are of newer servers. */
const granted = [
  'pg_monitor',
  'pg_signal_backend',
  'pg_checkpoint',
  'pg_read_all_data',
  'pg_write_all_data',
  'pg_maintain',
];

/** Since then who makes roles can't give more than what was given (PostgreSQL's release notes of 16). */
const safeCreateRole = 160_000;

const allRoles = `select rolname as name from pg_roles where oid >= 16384`;

export async function hasRole(client: PostgresClient, role: string): Promise<boolean> {
  const { rowCount } = await client.query('select from pg_roles where rolname = $1', [role]);
  return rowCount === 1;
}

/** Locks the roles of the dump, and makes `username` a member of all of them, so that whatever they own is its own as well. */
export async function secureRoles(client: PostgresClient, username: string): Promise<void> {
  // A dump may have said anything; this is what it must not have said. The catalogues themselves, since grants
  // remember who has made them, and only that one's are taken back by REVOKE.
  await client.query('set allow_system_table_mods = on');
  await client.query(
    `delete from pg_auth_members where member >= 16384 and (roleid < 16384 or roleid = $1::regrole)`,
    [name(username)],
  );
  await client.query(
    `delete from pg_db_role_setting where exists (select from unnest(setconfig) as s where s like '%preload_libraries=%')`,
  );
  await client.query('delete from pg_parameter_acl');
  await client.query('reset allow_system_table_mods');
  await client.query('alter system reset all');
  const { rows: roles } = await client.query<{ name: string }>(allRoles);
  const locked = 'nosuperuser nologin noreplication nobypassrls nocreatedb nocreaterole password null';
  for (const role of roles) await client.query(`alter role ${name(role.name)} ${locked}`);
  await admitUser(client, username);
  for (const role of roles)
    if (role.name !== username)
      await client.query(`grant ${name(role.name)} to ${name(username)} with admin option`);
  await client.query(`alter role ${name(superuser)} nologin password null`);
}

async function admitUser(client: PostgresClient, username: string): Promise<void> {
  const { rows } = await client.query<{ number: string }>(
    `select current_setting('server_version_num') as number`,
  );
  const createRole = Number(rows[0]?.number) >= safeCreateRole ? 'createrole' : 'nocreaterole';
  // Of a password that nobody knows: each clone gets its own in the place of it.
  const placeholder = await scramVerifier(crypto.randomUUID());
  await client.query(
    `alter role ${name(username)} login createdb bypassrls ${createRole} valid until 'infinity' connection limit -1
     password ${text(placeholder)}`,
  );
  const { rows: known } = await client.query<{ name: string }>(
    'select rolname as name from pg_roles where rolname = any($1)',
    [granted],
  );
  for (const role of known) await client.query(`grant ${name(role.name)} to ${name(username)}`);
  const { rows: databases } = await client.query<{ name: string }>(
    `select datname as name from pg_database
     where not datistemplate and datdba = (select oid from pg_roles where rolname = $1)`,
    [superuser],
  );
  for (const database of databases)
    await client.query(`alter database ${name(database.name)} owner to ${name(username)}`);
}

/** Kinds of objects that a superuser may own, and how they are named: whose code would run with all rights. */
const ofSuperuser = `
  select format('schema %I', nspname) as object from pg_namespace where nspowner = $1::regrole and oid >= 16384
    and nspname !~ '^pg_'
  union all
  select format('%s %s', case prokind when 'p' then 'procedure' when 'a' then 'aggregate' else 'function' end,
    oid::regprocedure) from pg_proc where proowner = $1::regrole and oid >= 16384
  union all
  select format('%s %s', case relkind when 'v' then 'view' when 'm' then 'materialized view' when 'f' then 'foreign table'
    when 'S' then 'sequence' else 'table' end, oid::regclass)
  from pg_class where relowner = $1::regrole and oid >= 16384 and relkind in ('r', 'p', 'v', 'm', 'f', 'S')
    and relnamespace <> 'pg_toast'::regnamespace
    and not exists (select from pg_depend where classid = 'pg_class'::regclass and objid = pg_class.oid and deptype in ('a', 'i')
      and refclassid = 'pg_class'::regclass and relkind = 'S')`;

/** What is to be done in each database: nothing there runs as the superuser, and no function of the server is anybody's. */
export async function secureDatabase(client: PostgresClient, username: string): Promise<void> {
  await client.query('set allow_system_table_mods = on');
  await client.query(
    `update pg_proc set proacl = initial.initprivs
     from (select f.oid, i.initprivs from pg_proc f left join pg_init_privs i
       on i.objoid = f.oid and i.classoid = 'pg_proc'::regclass and i.objsubid = 0 where f.oid < 16384) as initial
     where pg_proc.oid = initial.oid and pg_proc.proacl is distinct from initial.initprivs`,
  );
  await client.query('reset allow_system_table_mods');
  const { rows } = await client.query<{ object: string }>(ofSuperuser, [name(superuser)]);
  for (const { object } of rows) await client.query(`alter ${object} owner to ${name(username)}`);
}
