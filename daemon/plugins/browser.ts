/** Against pages in a browser of somebody who can reach the API: none of them has any business with it. */
import { isIP } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { errors } from '../errors/errors.ts';

/** The name in a `Host` header, in lower case, without its port and brackets. */
function hostNameOf(host: string): string {
  return host
    .replace(/:\d+$/, '')
    .replace(/^\[|\]$/g, '')
    .toLowerCase();
}

/**
 * Why a request must come from a page; undefined when it does not look like that. Browsers send `Origin` with all that
 * changes something and all that scripts send elsewhere, and `Sec-Fetch-Site` with all they send to this machine's own
 * names (`none`: somebody typed the address). That leaves pages of a foreign name that was made to point here (DNS
 * rebinding): those name themselves in `Host`. By TLS they would not get a connection.
 */
function signOfPage(
  { headers, host, socket }: FastifyRequest,
  ownNames: ReadonlySet<string>,
): string | undefined {
  if (headers.origin !== undefined) return 'it has an Origin header';
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'none') return `its Sec-Fetch-Site header is "${site.slice(0, 20)}"`;
  const isPlainTcp = socket.remoteAddress !== undefined && !(socket instanceof TLSSocket);
  const name = hostNameOf(host);
  if (isPlainTcp && isIP(name) === 0 && !ownNames.has(name)) return 'its Host header has a foreign name';
  return undefined;
}

/** Refuses whatever a page may have sent. `ownNames`: what this host is called, besides its addresses. */
export function refusePages(app: FastifyInstance, ownNames: readonly string[]): void {
  const names = new Set(ownNames.map((name) => name.toLowerCase()));
  app.addHook('onRequest', async (request) => {
    const sign = signOfPage(request, names);
    if (sign !== undefined) throw errors.foreignPage(sign);
    return Promise.resolve();
  });
}
