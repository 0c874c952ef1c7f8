/** The `mariadb` program, and how it is told where to connect. */
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import type { WithCredentials } from './credentials.ts';

/** The better one first. */
const programs = ['mariadb', 'mysql'] as const;

/** Everything but the password, which has no place in an argument list. */
export function argumentsOf({ host, port, user, database }: Omit<WithCredentials, 'password'>): string[] {
  return ['--protocol=tcp', `--host=${host}`, `--port=${port}`, `--user=${user}`, database];
}

/** For a shell's prompt: the password in the environment of this one command. */
export function clientCommandOf(instance: WithCredentials): string {
  return [`MYSQL_PWD=${quote(instance.password)}`, 'mariadb', ...argumentsOf(instance).map(quote)].join(' ');
}

function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** The path of the client program; undefined when this machine has none. */
export async function findClientProgram(env: NodeJS.ProcessEnv): Promise<string | undefined> {
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
