/** The accounts of a MariaDB server that is to become a template. */
import type { Connection, RowDataPacket } from 'mysql2/promise';
import { systemDatabases } from './mysql-session.ts';
import { quoteText } from './quoting.ts';

/** As `AdminSession` has it. */
export async function secureAccounts(connection: Connection, username: string): Promise<void> {
  // The grant tables themselves, whatever the dump has made of them: accounts of hosts that no name service knows
  // are not to be had by ALTER USER. First what comes with every new data directory: root without a password, of
  // many hosts, and nobody.
  await connection.query(
    `delete from mysql.global_priv
       where user = '' or (host <> 'localhost' and coalesce(json_value(priv, '$.authentication_string'), '') = ''
         and json_value(priv, '$.is_role') is null)`,
  );
  // Locked rather than dropped: they are the DEFINERs of views, triggers and routines.
  await connection.query(
    `update mysql.global_priv
       set priv = json_set(json_remove(priv, '$.auth_or'), '$.plugin', 'mysql_native_password',
         '$.authentication_string', 'invalid', '$.account_locked', true)
       where json_value(priv, '$.is_role') is null`,
  );
  await connection.query('delete from mysql.proxies_priv');
  await connection.query('flush privileges');
  const account = `${quoteText(username)}@'localhost'`;
  await connection.query(
    `create or replace user ${account} identified via mysql_native_password using 'invalid' account lock`,
  );
  await connection.query(`grant all privileges on *.* to ${account} with grant option`);
  await createMissingDefiners(connection);
}

/** Without its DEFINER, an account of the server that the dump comes from, a view or routine can't be used. */
async function createMissingDefiners(connection: Connection): Promise<void> {
  const [definers] = await connection.query<RowDataPacket[]>(
    `select definers.user, definers.host from (
         select substring_index(definer, '@', -1) as host,
           left(definer, char_length(definer) - char_length(substring_index(definer, '@', -1)) - 1) as user
         from (select definer, table_schema as db from information_schema.views
           union select definer, trigger_schema from information_schema.triggers
           union select definer, routine_schema from information_schema.routines
           union select definer, event_schema from information_schema.events) as objects
         where db not in (?)) as definers
       left join mysql.global_priv using (user, host)
       where global_priv.user is null and definers.user <> '' and definers.host <> ''
       group by user, host`,
    [systemDatabases],
  );
  for (const { user, host } of definers) {
    const account = `${quoteText(String(user))}@${quoteText(String(host))}`;
    await connection.query(
      `create user ${account} identified via mysql_native_password using 'invalid' account lock`,
    );
    await connection.query(`grant all privileges on *.* to ${account} with grant option`);
  }
}
