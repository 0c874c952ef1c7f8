import { randomBytes } from 'node:crypto';
import { open, rm, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { errors, hasErrno } from '../errors.ts';
import { runChild } from './child.ts';
import type { Context } from './command.ts';
import { connect } from './connection.ts';
import { findInstance } from './instance.ts';
import { credentialsOf } from './variables.ts';

/** The client programs, the better one first. */
const programs = ['mariadb', 'mysql'];

/** `myaas shell`: the database's client program, logged in. */
export async function openShell(
  { interrupts, ...context }: Context,
  [reference, given]: readonly [string, string[]],
): Promise<number> {
  const instance = credentialsOf(await findInstance(await connect(context), reference));
  await using options = await openOptionFile(instance);
  const args = ['--defaults-extra-file=/dev/fd/3', ...(given[0] === '--' ? given.slice(1) : given)];
  for (const program of programs) {
    try {
      return await runChild(interrupts, program, args, { fd3: options.fd });
    } catch (error) {
      if (!hasErrno(error, 'ENOENT')) throw error;
    }
  }
  throw errors.programFailed(
    'There is neither a "mariadb" nor a "mysql" program on this machine.',
    'Install one ("apt-get install mariadb-client"), or connect another way: "myaas url".',
  );
}

/**
 * An option file of the client's (https://mariadb.com/kb/en/configuring-mariadb-with-option-files/) with the password,
 * which would be everybody's to see in an argument. It has no name any more when the client opens it as its file
 * descriptor; a pipe would not do, for it is read more than once.
 */
async function openOptionFile(connection: {
  host: string;
  port: number;
  user: string;
  password: string;
  database: string;
}): Promise<FileHandle> {
  const { host, port, user, password, database } = connection;
  const options = [
    '[client]',
    'protocol=tcp',
    `host=${quote(host)}`,
    `port=${port}`,
    `user=${quote(user)}`,
    `password=${quote(password)}`,
    '[mysql]',
    `database=${quote(database)}`,
  ];
  const file = join(tmpdir(), `myaas-${randomBytes(12).toString('hex')}.cnf`);
  const opened = await open(file, 'wx+', 0o600);
  await rm(file);
  await opened.writeFile(`${options.join('\n')}\n`);
  return opened;
}

/** A value of an option file, where backslashes and quotes have a meaning. */
function quote(value: string): string {
  return `"${value.replaceAll(/[\\"]/g, '\\$&')}"`;
}
