/** Where the HTTP API is to be had: TCP, with TLS when there is a certificate, and a Unix socket. */
import { once } from 'node:events';
import { watch } from 'node:fs';
import { chmod, chown, readFile, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import { dirname } from 'node:path';
import { requestTimeoutMs } from './app.ts';
import type { Config } from './config.ts';
import { accounts } from './host/accounts.ts';
import type { Paths } from './paths.ts';
import { hasErrno, messageOf } from './errors/error.ts';
import { errors } from './errors/errors.ts';
import { isLoopback } from './exposure.ts';
import { lookupGroup } from './host/accounts.ts';
import type { Log } from './log.ts';
import { refuseNonsense } from './plugins/nonsense.ts';
import type { App } from './routes/app.ts';

/** As Fastify's own servers: longer than what clients and proxies keep idle connections for. */
const keepAliveMs = 72_000;
/** Certificate and key are written one after the other. */
const settleMs = 500;

interface TlsFiles {
  readonly cert: string;
  readonly key: string;
}

function tlsFilesOf({ tlsCert: cert, tlsKey: key }: Config): TlsFiles | undefined {
  return cert === undefined || key === undefined ? undefined : { cert, key };
}

/** Throws `MYAAS_BAD_CONFIG` when tokens and passwords would cross the network in plain text. */
export function checkListen(config: Config): void {
  const { listen, allowPlainHttp } = config;
  if ((config.tlsCert === undefined) !== (config.tlsKey === undefined))
    throw errors.badConfig(['MYAAS_TLS_CERT and MYAAS_TLS_KEY: one is of no use without the other.']);
  if (isLoopback(listen.host) || tlsFilesOf(config) || allowPlainHttp) return;
  throw errors.badConfig([
    `MYAAS_LISTEN: ${listen.host} can be reached from the network, where tokens and passwords would be sent in plain text. Set MYAAS_TLS_CERT and MYAAS_TLS_KEY; or MYAAS_ALLOW_PLAIN_HTTP=true, if something else encrypts.`,
  ]);
}

/** Listens everywhere, until disposed of; the app itself is closed by its owner. */
export async function listen(
  app: App,
  config: Config,
  paths: Paths,
  log: Log,
  signal: AbortSignal,
): Promise<Disposable> {
  const servers: (Server | TlsServer)[] = [];
  const { host, port } = config.listen;
  const tls = tlsFilesOf(config);
  try {
    if (tls) servers.push(await listenTls(app, config.listen, tls, log, signal));
    else await app.listen({ host, port });
  } catch (error) {
    if (hasErrno(error, 'EADDRINUSE')) {
      throw errors.hostNotReady(
        `Another program listens on ${host}:${String(port)}.`,
        'Stop it (is "myaas serve" running already?), or set MYAAS_LISTEN.',
        error,
      );
    }
    throw error;
  }
  servers.push(await listenSocket(app, paths.apiSocket));
  return {
    [Symbol.dispose]: () => {
      for (const server of servers) {
        server.close();
        server.closeAllConnections();
      }
    },
  };
}

/** The Unix socket, which the group may use. */
async function listenSocket(app: App, path: string): Promise<Server> {
  await rm(path, { force: true });
  const server = createServer(
    { keepAliveTimeout: keepAliveMs, requestTimeout: requestTimeoutMs },
    (request, response) => app.routing(request, response),
  );
  server.on('clientError', refuseNonsense);
  server.listen(path);
  await once(server, 'listening');
  await chown(path, 0, (await lookupGroup(accounts.apiGroup)) ?? 0);
  await chmod(path, 0o660);
  return server;
}

async function listenTls(
  app: App,
  address: Config['listen'],
  files: TlsFiles,
  log: Log,
  signal: AbortSignal,
): Promise<TlsServer> {
  await app.ready();
  const server = createTlsServer(
    {
      ...(await readPair(files)),
      minVersion: 'TLSv1.2',
      keepAliveTimeout: keepAliveMs,
      requestTimeout: requestTimeoutMs,
    },
    (request, response) => app.routing(request, response),
  );
  server.on('clientError', refuseNonsense);
  server.listen(address);
  await once(server, 'listening');
  renewOnChange(server, files, log, signal);
  return server;
}

/** Throws `MYAAS_BAD_CONFIG` when they cannot be read. */
async function readPair({ cert, key }: TlsFiles): Promise<{ cert: Buffer; key: Buffer }> {
  const read = async (variable: string, file: string) => {
    try {
      return await readFile(file);
    } catch (error) {
      throw errors.badConfig([`${variable}: ${messageOf(error)}.`]);
    }
  };
  return { cert: await read('MYAAS_TLS_CERT', cert), key: await read('MYAAS_TLS_KEY', key) };
}

/** New connections get a new certificate; one that is not good leaves the old one in use. */
function renewOnChange(server: TlsServer, files: TlsFiles, log: Log, signal: AbortSignal): void {
  let timer: NodeJS.Timeout | undefined;
  const renew = async () => {
    try {
      server.setSecureContext({ ...(await readPair(files)), minVersion: 'TLSv1.2' });
      log.info('The certificate of the API was read anew.');
    } catch (error) {
      log.error(`The certificate of the API stays the one it was: ${messageOf(error)}`);
    }
  };
  // The directories: certificates are renewed by renaming files and links, which a watch of a file does not outlive.
  for (const directory of new Set([dirname(files.cert), dirname(files.key)])) {
    watch(directory, { signal }, () => {
      clearTimeout(timer);
      timer = setTimeout(() => void renew(), settleMs);
    }).on('error', (error) => {
      if (!signal.aborted) log.warn(`A new certificate takes a restart: ${messageOf(error)}`);
    });
  }
  signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
}
