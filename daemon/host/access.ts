/** The quickstart's access to the daemon for whoever called it: a user, a token, and the file that clients read. */
import { chown } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { dirname } from 'node:path';
import { Api } from '../cli/api.ts';
import { clientConfigPath, readClientConfig } from '../cli/client-config.ts';
import { Client } from '../cli/client.ts';
import { listenAddressOf, type Config } from '../config.ts';
import { pathsOf } from '../paths.ts';
import { MyaasError } from '../errors/error.ts';
import { lookupUser, type SystemUser } from './accounts.ts';

/** The `myaas` program: its standard output. */
export type Myaas = (
  args: readonly string[],
  options: { env: NodeJS.ProcessEnv; input?: string },
) => Promise<string>;

interface Person extends SystemUser {
  readonly name: string;
}

/** Who sits at the keyboard: with sudo, not root. */
async function caller(env: NodeJS.ProcessEnv): Promise<Person> {
  const sudoUser = env['SUDO_USER'];
  const behindSudo = sudoUser === undefined ? undefined : await lookupUser(sudoUser);
  if (sudoUser !== undefined && behindSudo) return { name: sudoUser, ...behindSudo };
  const { username, uid, gid, homedir } = userInfo();
  return { name: username, uid, gid, home: env['HOME'] ?? homedir };
}

/**
 * Sees to it that the caller's clients find this daemon with a token that works. Returns the environment in which
 * `myaas` acts as the caller here, and what was done, in words.
 */
export async function ensureAccess(
  config: Config,
  env: NodeJS.ProcessEnv,
  myaas: Myaas,
): Promise<{ env: NodeJS.ProcessEnv; done: string }> {
  const person = await caller(env);
  const theirEnv = { ...env, HOME: person.home };
  const file = clientConfigPath(theirEnv);
  const socketUrl = `unix:${pathsOf(config).apiSocket}`;
  // Only root and members of the group may use the socket.
  const url = person.uid === 0 ? socketUrl : listenAddressOf(config);

  const stored = await readClientConfig(theirEnv);
  if (stored && stored.url !== url && stored.url !== socketUrl) {
    // Root's own access, not stored: the other daemon's stays what clients find.
    const here = { ...theirEnv, MYAAS_URL: socketUrl };
    return { env: here, done: `${file} names another daemon (${stored.url}), so it stays as it is` };
  }
  if (stored && (await isAdmin(stored))) return { env: theirEnv, done: `${file} has a token that works` };

  const users = JSON.parse(await myaas(['user', 'list', '--json'], { env })) as {
    name: string;
  }[];
  const command = users.some((user) => user.name === person.name)
    ? ['user', 'token', person.name]
    : ['user', 'add', person.name, '--admin'];
  const token = await myaas(command, { env });
  await myaas(['login', url, '--token-stdin'], { env: theirEnv, input: token });
  for (const path of [file, dirname(file)]) await chown(path, person.uid, person.gid);
  return { env: theirEnv, done: `user ${person.name} has a token, in ${file}` };
}

async function isAdmin(stored: { url: string; token: string }): Promise<boolean> {
  try {
    return (await new Api(new Client(stored), AbortSignal.timeout(10_000)).status()).user.admin;
  } catch (error) {
    if (error instanceof MyaasError && error.code === 'MYAAS_UNAUTHORIZED') return false;
    throw error;
  }
}
