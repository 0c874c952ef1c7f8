import { timingSafeEqual, createHash } from 'node:crypto';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Registry } from '../drivers/registry.ts';
import type { User } from '../drivers/registry-users.ts';
import { errors } from '../errors.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks; undefined only on the few routes that are open to all. */
    user: User | undefined;
  }
}

/** Root on this machine, who read the token file that only root can read. */
const root: User = { name: 'root', admin: true };

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

export class Authenticator {
  readonly #registry: Registry;
  readonly #rootDigest: Buffer;

  constructor(registry: Registry, rootToken: string) {
    this.#registry = registry;
    this.#rootDigest = digest(rootToken);
  }

  /** Whose token a request carries; undefined when it carries none. Throws `MYAAS_UNAUTHORIZED` for one of nobody. */
  userOf(request: FastifyRequest): User | undefined {
    const { authorization } = request.headers;
    if (authorization === undefined) return undefined;
    const token = /^Bearer +(\S+) *$/i.exec(authorization)?.[1];
    if (token === undefined) throw errors.unauthorized('The Authorization header is not "Bearer <token>".');
    if (timingSafeEqual(digest(token), this.#rootDigest)) return root;
    const user = this.#registry.users.byToken(token);
    if (!user) throw errors.unauthorized('The token is not valid, or was revoked.');
    return user;
  }
}

/** Lets nobody without a valid token into the routes of `scope`. */
export function requireUser(scope: FastifyInstance, authenticator: Authenticator): void {
  scope.addHook('onRequest', async (request) => {
    request.user = authenticator.userOf(request);
    if (!request.user) throw errors.unauthorized('The request carries no token.');
    return Promise.resolve();
  });
}

/** The user of a request behind `requireUser`. */
export function userOf(request: FastifyRequest): User {
  if (!request.user) throw errors.unauthorized('The request carries no token.');
  return request.user;
}

export function requireAdmin(request: FastifyRequest, what: string): void {
  if (!userOf(request).admin) throw errors.forbidden(`Only admins may ${what}.`);
}
