/** Where the daemon is and which token is ours: found without a question when this machine knows. */
import { constants } from 'node:fs';
import { access, open } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { hasErrno } from '../daemon/errors/error.ts';
import { parseAddress, type Connection } from './client.ts';
import { failures } from './errors.ts';

/** The addresses of a daemon on this machine that nobody configured otherwise. */
export const localSocket = '/run/myaas/api.sock';
export const localAddress = 'http://127.0.0.1:5001';

export interface Sources {
  readonly env: NodeJS.ProcessEnv;
  /** The setting `myaas.url`; empty when it is not made. */
  readonly settingUrl: string;
  /** The token that `MyAAS: Connect…` stored for an address. */
  readonly storedToken: (url: string) => PromiseLike<string | undefined>;
  /** The default socket's path, another in tests. */
  readonly socket?: string;
}

/**
 * The address: the setting, which is made on purpose; else MYAAS_URL; else what `myaas login` stored; else this machine's
 * socket, or its TCP port. The token: the one given in VS Code for that very address; else MYAAS_TOKEN or the one of
 * `myaas login`, where they belong to that address. Throws `MYAAS_BAD_CLIENT_CONFIG`.
 */
export async function findConnection(sources: Sources): Promise<Connection> {
  const { env, settingUrl, storedToken, socket = localSocket } = sources;
  const config = await readClientConfig(env);
  const chosen = settingUrl === '' ? undefined : checkAddress('The setting "myaas.url"', settingUrl);
  const fromEnv = env['MYAAS_URL'] ? checkAddress('MYAAS_URL', env['MYAAS_URL']) : undefined;
  const url = chosen ?? fromEnv ?? config?.url ?? (await findLocal(socket));
  // A token is sent to nobody but the daemon it is for.
  const envToken = chosen === undefined || chosen === fromEnv ? env['MYAAS_TOKEN'] || undefined : undefined;
  const configToken = config?.url === url ? config.token : undefined;
  return { url, token: (await storedToken(url)) ?? envToken ?? configToken };
}

/** `~/.config/myaas/config.json`, or below XDG_CONFIG_HOME when that is absolute, as its specification says. */
export function clientConfigPath(env: NodeJS.ProcessEnv): string {
  const configHome = env['XDG_CONFIG_HOME'];
  const base = configHome?.startsWith('/') ? configHome : join(env['HOME'] ?? homedir(), '.config');
  return join(base, 'myaas', 'config.json');
}

function checkAddress(where: string, url: string): string {
  const address = parseAddress(url);
  if (address === undefined) throw failures.badAddress(where, url);
  return address;
}

/** The socket when there is one, even one that we may not use: then that is what to tell. */
async function findLocal(socket: string): Promise<string> {
  try {
    await access(socket, constants.F_OK);
    return `unix:${socket}`;
  } catch {
    // Not there: a daemon in a container or behind a port forwarding has its TCP port alone.
    return localAddress;
  }
}

async function readClientConfig(
  env: NodeJS.ProcessEnv,
): Promise<{ readonly url: string; readonly token: string } | undefined> {
  const file = clientConfigPath(env);
  const hint = 'Run "myaas login", which writes it anew.';
  const opened = await open(file).catch((error: unknown) => {
    if (hasErrno(error, 'ENOENT') || hasErrno(error, 'ENOTDIR')) return undefined;
    throw failures.badClientConfig(file, 'it cannot be read', hint);
  });
  if (!opened) return undefined;
  try {
    if (((await opened.stat()).mode & 0o077) !== 0) {
      const mend = `Run "chmod 600 ${file}"; when others may have read the token, ask for a new one.`;
      throw failures.badClientConfig(file, 'others on this machine can read the token in it', mend);
    }
    const config = parseClientConfig(await opened.readFile('utf8'));
    if (!config) throw failures.badClientConfig(file, 'it does not hold a "url" and a "token"', hint);
    return config;
  } finally {
    await opened.close();
  }
}

function parseClientConfig(text: string): { readonly url: string; readonly token: string } | undefined {
  let config: unknown;
  try {
    config = JSON.parse(text);
  } catch {
    // As good as empty; the caller says what should be in it.
    return undefined;
  }
  if (typeof config !== 'object' || config === null || !('url' in config) || !('token' in config))
    return undefined;
  const url = typeof config.url === 'string' ? parseAddress(config.url) : undefined;
  if (url === undefined || typeof config.token !== 'string' || config.token === '') return undefined;
  return { url, token: config.token };
}
