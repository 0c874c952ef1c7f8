import { randomBytes } from 'node:crypto';
import { open, rm, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hasErrno } from '../errors/error.ts';
import { errors } from '../errors/errors.ts';
import { runChild } from './child.ts';
import type { Context } from './command.ts';
import { connect } from './connection.ts';
import { findInstance } from './instance.ts';
import { credentialsOf } from './variables.ts';

interface Login {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
}

/** A client program, and how it is told the password, which would be everybody's to see in an argument. */
interface Client {
  /** The better one first. */
  readonly programs: readonly string[];
  /** For Debian. */
  readonly package: string;
  /** What is in the file that it opens as its file descriptor 3; left out where it reads no such file. */
  secrets?(login: Login): string;
  args(login: Login): readonly string[];
  env?(login: Login): NodeJS.ProcessEnv;
}

const secretFile = '/dev/fd/3';

const mysql: Client = {
  programs: ['mariadb', 'mysql'],
  package: 'mariadb-client',
  /** An option file (https://mariadb.com/kb/en/configuring-mariadb-with-option-files/). */
  secrets: ({ host, port, user, password, database }) =>
    [
      '[client]',
      'protocol=tcp',
      `host=${quote(host)}`,
      `port=${String(port)}`,
      `user=${quote(user)}`,
      `password=${quote(password)}`,
      '[mysql]',
      `database=${quote(database)}`,
    ].join('\n'),
  args: () => [`--defaults-extra-file=${secretFile}`],
};

const postgres: Client = {
  programs: ['psql'],
  package: 'postgresql-client',
  /** A password file (https://www.postgresql.org/docs/current/libpq-pgpass.html). */
  secrets: ({ password }) => `*:*:*:*:${password.replaceAll(/[\\:]/g, '\\$&')}`,
  args: ({ host, port, user, database }) => [
    `--host=${host}`,
    `--port=${String(port)}`,
    `--username=${user}`,
    `--dbname=${database}`,
  ],
  env: () => ({ PGPASSFILE: secretFile, PGPASSWORD: undefined }),
};

const valkey: Client = {
  programs: ['valkey-cli', 'redis-cli'],
  package: 'valkey-tools',
  args: ({ host, port, user, database }) => ['-h', host, '-p', String(port), '--user', user, '-n', database],
  env: ({ password }) => ({ REDISCLI_AUTH: password }),
};

const ofOthers: Readonly<Record<string, Client>> = { postgres, valkey };
const clientOf = (engine: string): Client => ofOthers[engine] ?? mysql;

/** `myaas shell`: the database's client program, logged in. */
export async function openShell(
  { interrupts, ...context }: Context,
  [reference, given]: readonly [string, string[]],
): Promise<number> {
  const instance = credentialsOf(await findInstance(await connect(context), reference));
  const client = clientOf(instance.engine);
  await using secrets = client.secrets && (await openSecrets(client.secrets(instance)));
  const args = [...client.args(instance), ...(given[0] === '--' ? given.slice(1) : given)];
  const env = { ...process.env, ...client.env?.(instance) };
  for (const program of client.programs) {
    try {
      return await runChild(interrupts, program, args, { env, ...(secrets && { fd3: secrets.fd }) });
    } catch (error) {
      if (!hasErrno(error, 'ENOENT')) throw error;
    }
  }
  const names = client.programs.map((name) => `"${name}"`).join(' or ');
  throw errors.programFailed(
    `There is no ${names} program on this machine.`,
    `Install one ("apt-get install ${client.package}"), or connect another way: "myaas url".`,
  );
}

/** A file that has no name any more when the client opens it. A pipe would not do, for it is read more than once. */
async function openSecrets(text: string): Promise<FileHandle> {
  const file = join(tmpdir(), `myaas-${randomBytes(12).toString('hex')}.cnf`);
  const opened = await open(file, 'wx+', 0o600);
  await rm(file);
  await opened.writeFile(`${text}\n`);
  return opened;
}

/** A value of an option file, where backslashes and quotes have a meaning. */
function quote(value: string): string {
  return `"${value.replaceAll(/[\\"]/g, '\\$&')}"`;
}
