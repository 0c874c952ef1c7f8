/** The client programs, and how they are told where to connect. */
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import type { WithCredentials } from './credentials.ts';

type Address = Omit<WithCredentials, 'password'>;

interface Client {
  /** The better one first. */
  readonly programs: readonly [string, ...string[]];
  /** For Debian. */
  readonly package: string;
  /** Where it finds the password, which has no place in an argument list. */
  readonly passwordVariable: string;
  readonly argumentsOf: (address: Address) => string[];
  /** Where it finds the rest, when it is given no arguments. */
  readonly variablesOf: (address: Address) => Record<string, string>;
}

const mysql: Client = {
  programs: ['mariadb', 'mysql'],
  package: 'mariadb-client',
  passwordVariable: 'MYSQL_PWD',
  argumentsOf: ({ host, port, user, database }) => [
    '--protocol=tcp',
    `--host=${host}`,
    `--port=${port}`,
    `--user=${user}`,
    database,
  ],
  variablesOf: ({ host, port }) => ({ MYSQL_HOST: host, MYSQL_TCP_PORT: String(port) }),
};

const postgres: Client = {
  programs: ['psql'],
  package: 'postgresql-client',
  passwordVariable: 'PGPASSWORD',
  argumentsOf: ({ host, port, user, database }) => [
    `--host=${host}`,
    `--port=${port}`,
    `--username=${user}`,
    `--dbname=${database}`,
  ],
  variablesOf: ({ host, port, user, database }) => ({
    PGHOST: host,
    PGPORT: String(port),
    PGDATABASE: database,
    PGUSER: user,
  }),
};

/** It knows no variables but that of the password. */
const valkey: Client = {
  programs: ['valkey-cli', 'redis-cli'],
  package: 'valkey-tools',
  passwordVariable: 'REDISCLI_AUTH',
  argumentsOf: ({ host, port, user, database }) => [
    '-h',
    host,
    '-p',
    String(port),
    '--user',
    user,
    '-n',
    database,
  ],
  variablesOf: () => ({}),
};

const ofOthers: Readonly<Record<string, Client>> = { postgres, valkey };
export const clientOf = (engine: string): Client => ofOthers[engine] ?? mysql;

/** For a shell's prompt: the password in the environment of this one command. */
export function clientCommandOf(instance: WithCredentials): string {
  const { passwordVariable, programs, argumentsOf } = clientOf(instance.engine);
  const words = [programs[0], ...argumentsOf(instance).map(quote)];
  return [`${passwordVariable}=${quote(instance.password)}`, ...words].join(' ');
}

/** By which the programs find the database when they are given no arguments. */
export function clientVariablesOf(instance: WithCredentials): Record<string, string> {
  const { passwordVariable, variablesOf } = clientOf(instance.engine);
  return { ...variablesOf(instance), [passwordVariable]: instance.password };
}

function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** The path of the client program; undefined when this machine has none. */
export async function findClientProgram(
  { programs }: Client,
  env: NodeJS.ProcessEnv,
): Promise<string | undefined> {
  const directories = (env['PATH'] ?? '').split(delimiter).filter((directory) => directory !== '');
  for (const program of programs) {
    for (const directory of directories) {
      const file = join(directory, program);
      if (await isExecutable(file)) return file;
    }
  }
  return undefined;
}

async function isExecutable(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
}
