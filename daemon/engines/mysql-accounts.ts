/** The accounts of a MySQL server that is to become a template. */
import type { Connection, RowDataPacket } from 'mysql2/promise';
import { systemDatabases } from './mysql-session.ts';
import { quoteText } from './quoting.ts';

/** What the server's own locked accounts have (sql/auth/sql_authentication.h): no password has this hash. */
const noPassword = '$A$005$THISISACOMBINATIONOFINVALIDSALTANDPASSWORDTHATMUSTNEVERBRBEUSED';

/** As `AdminSession` has it. */
export async function secureAccounts(connection: Connection, username: string): Promise<void> {
  await connection.query("delete from mysql.user where user = ''");
  // Locked rather than dropped: they are the DEFINERs of views, triggers and routines. Roles are accounts, too.
  await connection.query(
    `update mysql.user set plugin = 'caching_sha2_password', authentication_string = ?, account_locked = 'Y',
       password_expired = 'N', user_attributes = null
     where user not in ('mysql.infoschema', 'mysql.session', 'mysql.sys')`,
    [noPassword],
  );
  await connection.query('delete from mysql.proxies_priv');
  await connection.query('flush privileges');
  await createLocked(connection, username, 'localhost');
  const definers = await missingDefiners(connection);
  for (const { user, host } of definers) await createLocked(connection, String(user), String(host));
}

async function createLocked(connection: Connection, user: string, host: string): Promise<void> {
  const account = `${quoteText(user)}@${quoteText(host)}`;
  await connection.query(`drop user if exists ${account}`);
  await connection.query(`create user ${account} identified by random password account lock`);
  await connection.query(`grant all privileges on *.* to ${account} with grant option`);
}

/** Without its DEFINER, an account of the server that the dump comes from, a view or routine can't be used. */
async function missingDefiners(connection: Connection): Promise<RowDataPacket[]> {
  const [definers] = await connection.query<RowDataPacket[]>(
    `select distinct definers.user as user, definers.host as host from (
       select substring_index(definer, '@', -1) as host,
         left(definer, char_length(definer) - char_length(substring_index(definer, '@', -1)) - 1) as user
       from (select definer, table_schema as db from information_schema.views
         union select definer, trigger_schema from information_schema.triggers
         union select definer, routine_schema from information_schema.routines
         union select definer, event_schema from information_schema.events) as objects
       where db not in (?)) as definers
     left join mysql.user on user.user = definers.user collate utf8mb3_bin
       and user.host = definers.host collate utf8mb3_general_ci
     where user.user is null and definers.user <> '' and definers.host <> ''`,
    [systemDatabases],
  );
  return definers;
}
