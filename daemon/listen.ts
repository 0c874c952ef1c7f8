/** Where the HTTP API is to be had: TCP, with TLS when there is a certificate, and a Unix socket. */
import { once } from 'node:events';
import { chmod, chown, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import { requestTimeoutMs } from './app.ts';
import type { Config } from './config.ts';
import { accounts, lookupGroup } from './host/accounts.ts';
import type { Paths } from './paths.ts';
import { hasErrno } from './errors/error.ts';
import { errors } from './errors/errors.ts';
import { isLoopback } from './exposure.ts';
import { refuseNonsense } from './plugins/nonsense.ts';
import type { App } from './routes/app.ts';
import { tlsLimits, type HostCertificate } from './tls.ts';

/** As Fastify's own servers: longer than what clients and proxies keep idle connections for. */
const keepAliveMs = 72_000;
/** Throws `MYAAS_BAD_CONFIG` when tokens and passwords would cross the network in plain text. */
export function checkListen(config: Config): void {
  const { listen, allowPlainHttp } = config;
  if ((config.tlsCert === undefined) !== (config.tlsKey === undefined))
    throw errors.badConfig(['MYAAS_TLS_CERT and MYAAS_TLS_KEY: one is of no use without the other.']);
  if (config.requireTls && config.tlsCert === undefined)
    throw errors.badConfig([
      'MYAAS_REQUIRE_TLS: without MYAAS_TLS_CERT and MYAAS_TLS_KEY PostgreSQL and Valkey have no TLS.',
    ]);
  if (isLoopback(listen.host) || config.tlsCert !== undefined || allowPlainHttp) return;
  throw errors.badConfig([
    `MYAAS_LISTEN: ${listen.host} can be reached from the network, where tokens and passwords would be sent in plain text. Set MYAAS_TLS_CERT and MYAAS_TLS_KEY; or MYAAS_ALLOW_PLAIN_HTTP=true, if something else encrypts.`,
  ]);
}

/** Listens everywhere, until disposed of; the app itself is closed by its owner. */
export async function listen(
  app: App,
  config: Config,
  paths: Paths,
  certificate: HostCertificate | undefined,
): Promise<Disposable> {
  const servers: (Server | TlsServer)[] = [];
  const { host, port } = config.listen;
  try {
    if (certificate) servers.push(await listenTls(app, config.listen, certificate));
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
  certificate: HostCertificate,
): Promise<TlsServer> {
  await app.ready();
  const server = createTlsServer(
    { ...certificate.pair, ...tlsLimits, keepAliveTimeout: keepAliveMs, requestTimeout: requestTimeoutMs },
    (request, response) => app.routing(request, response),
  );
  server.on('clientError', refuseNonsense);
  server.listen(address);
  await once(server, 'listening');
  certificate.renewals.on('renewed', (pair) => server.setSecureContext({ ...pair, ...tlsLimits }));
  return server;
}
