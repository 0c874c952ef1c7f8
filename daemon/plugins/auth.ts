import { timingSafeEqual, createHash } from 'node:crypto';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Registry } from '../drivers/registry.ts';
import { errors } from '../errors.ts';
import { checkMayWrite, root, type User } from '../rights.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks; undefined only on the few routes that are open to all. */
    user: User | undefined;
  }
}

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
    if (!isReading(request)) checkMayWrite(request.user);
    return Promise.resolve();
  });
}

/** Whether a request changes nothing, whatever it is for. */
export const isReading = ({ method }: FastifyRequest): boolean => method === 'GET' || method === 'HEAD';

/** The user of a request behind `requireUser`. */
export function userOf(request: FastifyRequest): User {
  if (!request.user) throw errors.unauthorized('The request carries no token.');
  return request.user;
}
