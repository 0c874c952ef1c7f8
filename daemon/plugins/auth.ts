import { timingSafeEqual, createHash } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Registry } from '../drivers/registry.ts';
import { errors } from '../errors/errors.ts';
import { checkMayWrite, root, type User } from '../rights.ts';
import type { Sessions } from '../sessions.ts';
import type { Limits } from './rate-limit.ts';

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

export interface Access {
  readonly authenticator: Authenticator;
  readonly limits: Limits;
  readonly sessions: Sessions;
}

/**
 * Lets nobody without a valid token into the routes of `scope`, but for `withoutToken` when it says who that is. A
 * request ends when its token is revoked.
 */
export function requireUser(
  scope: FastifyInstance,
  { authenticator, limits, sessions }: Access,
  withoutToken?: User,
): void {
  const identify = async (request: FastifyRequest, reply: FastifyReply): Promise<User> => {
    try {
      const user = authenticator.userOf(request) ?? withoutToken;
      if (user) return user;
      throw errors.unauthorized('The request carries no token.');
    } catch (error) {
      await limits.failed(request, reply);
      throw error;
    }
  };
  scope.addHook('onRequest', async (request, reply) => {
    const user = await identify(request, reply);
    request.user = user;
    await limits.known(request, reply);
    if (!isReading(request)) checkMayWrite(user);
    const session = sessions.open(user, () => request.raw.destroy());
    reply.raw.once('close', () => session[Symbol.dispose]());
  });
}

/** Whether a request changes nothing, whatever it is for. */
const isReading = ({ method }: FastifyRequest): boolean => method === 'GET' || method === 'HEAD';

/** The user of a request behind `requireUser`. */
export function userOf(request: FastifyRequest): User {
  if (!request.user) throw errors.unauthorized('The request carries no token.');
  return request.user;
}
