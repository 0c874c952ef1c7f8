/** Which daemon a client command talks to, and with which token. */
import { constants } from 'node:fs';
import { access, readFile } from 'node:fs/promises';
import { listenAddressOf, readConfig } from '../config.ts';
import { pathsOf } from '../paths.ts';
import { hasErrno } from '../errors/error.ts';
import { errors } from '../errors/errors.ts';
import { Api } from './api.ts';
import { Client, parseAddress, type Connection } from './client.ts';
import type { Context } from './command.ts';
import { readClientConfig } from './client-config.ts';

/** The API of the daemon that the environment, the client configuration or this machine names. */
export async function connect({ env, signal }: Pick<Context, 'env' | 'signal'>): Promise<Api> {
  return new Api(new Client(await findConnection(env)), signal);
}

/**
 * The daemon's address and our token: MYAAS_URL and MYAAS_TOKEN; else what `myaas login` stored; else, for root, the
 * socket of this machine's daemon with the token it leaves for root.
 */
export async function findConnection(env: NodeJS.ProcessEnv): Promise<Connection> {
  const stored = await readClientConfig(env);
  const url = addressOf(env) ?? stored?.url ?? (await localAddress(env));
  if (env['MYAAS_TOKEN']) return { url, token: env['MYAAS_TOKEN'] };
  // A token is sent to nobody but the daemon it is for.
  if (stored?.url === url) return { url, token: stored.token };
  return { url, token: await readRootToken(env, url) };
}

/** The address in MYAAS_URL. */
export function addressOf(env: NodeJS.ProcessEnv): string | undefined {
  const url = env['MYAAS_URL'];
  if (!url) return undefined;
  const address = parseAddress(url);
  if (address === undefined) throw errors.badConfig([`MYAAS_URL: ${addressExpected(url)}`]);
  return address;
}

export function addressExpected(url: string): string {
  return `${JSON.stringify(url)} is not a daemon's address, such as "http://127.0.0.1:5001" or "unix:/run/myaas/api.sock".`;
}

/** Where this machine's daemon is: its socket when we may use it, else its TCP port. */
export async function localAddress(env: NodeJS.ProcessEnv): Promise<string> {
  const config = readConfig(env);
  const { apiSocket } = pathsOf(config);
  if (process.getuid?.() === 0) return `unix:${apiSocket}`;
  try {
    await access(apiSocket, constants.R_OK | constants.W_OK);
    return `unix:${apiSocket}`;
  } catch {
    // Not there, or not for us: both are what TCP is for.
    return listenAddressOf(config);
  }
}

async function readRootToken(env: NodeJS.ProcessEnv, url: string): Promise<string> {
  const { apiSocket, rootToken } = pathsOf(readConfig(env));
  if (process.getuid?.() !== 0 || url !== `unix:${apiSocket}`) throw errors.notLoggedIn();
  try {
    return (await readFile(rootToken, 'utf8')).trim();
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) throw errors.daemonUnreachable(url, 'it is not running');
    throw error;
  }
}
