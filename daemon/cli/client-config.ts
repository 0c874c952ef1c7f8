/** `~/.config/myaas/config.json`: the daemon's address and our token, as the extension reads them too. */
import { mkdir, open } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { hasErrno } from '../errors/error.ts';
import { errors } from '../errors/errors.ts';
import { parseAddress, type Connection } from './client.ts';
import { writeFileAtomically } from './atomic.ts';

/** The file's path; XDG_CONFIG_HOME counts when it is absolute, as its specification says. */
export function clientConfigPath(env: NodeJS.ProcessEnv): string {
  const configHome = env['XDG_CONFIG_HOME'];
  const base = configHome?.startsWith('/') ? configHome : join(env['HOME'] ?? homedir(), '.config');
  return join(base, 'myaas', 'config.json');
}

/** What `myaas login` stored; undefined when nothing is. Throws `MYAAS_BAD_CLIENT_CONFIG`. */
export async function readClientConfig(env: NodeJS.ProcessEnv): Promise<Connection | undefined> {
  const file = clientConfigPath(env);
  const opened = await open(file).catch((error: unknown) => {
    if (hasErrno(error, 'ENOENT') || hasErrno(error, 'ENOTDIR')) return undefined;
    throw error;
  });
  if (!opened) return undefined;
  try {
    const { mode } = await opened.stat();
    if ((mode & 0o077) !== 0) {
      const hint = `Run "chmod 600 ${file}"; when others may have read the token, ask for a new one.`;
      throw errors.badClientConfig(file, 'others on this machine can read the token in it', hint);
    }
    return parseClientConfig(file, await opened.readFile('utf8'));
  } finally {
    await opened.close();
  }
}

function parseClientConfig(file: string, text: string): Connection {
  const hint = 'Run "myaas login", which writes it anew.';
  let config: unknown;
  try {
    config = JSON.parse(text);
  } catch {
    throw errors.badClientConfig(file, 'it is not JSON', hint);
  }
  const { url, token } = (typeof config === 'object' && config !== null ? config : {}) as Record<
    string,
    unknown
  >;
  const address = typeof url === 'string' ? parseAddress(url) : undefined;
  if (address === undefined || typeof token !== 'string' || token === '') {
    throw errors.badClientConfig(file, 'it does not hold a "url" and a "token"', hint);
  }
  return { url: address, token };
}

/** Stores address and token for this account alone. Returns the file's path. */
export async function writeClientConfig(env: NodeJS.ProcessEnv, connection: Connection): Promise<string> {
  const file = clientConfigPath(env);
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  await writeFileAtomically(file, Buffer.from(`${JSON.stringify(connection, null, 2)}\n`), { mode: 0o600 });
  return file;
}
