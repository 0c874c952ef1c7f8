/** How often anybody may ask: by token, by address, and far less often without a token that counts. */
import rateLimit from '@fastify/rate-limit';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { errors } from '../errors/errors.ts';
import { userOf } from './auth.ts';
import type { App } from '../routes/app.ts';

const windowMs = 60_000;
/** People behind one address share it. */
const tokensAtAnAddress = 4;
const failureShare = 0.01;
const leastFailures = 20;

/** Counts a request. Throws `MYAAS_TOO_MANY_REQUESTS`, and tells by `Retry-After` when to come back. */
export type Limit = (request: FastifyRequest, reply: FastifyReply) => Promise<void>;

export interface Limits {
  /** For requests with a token that counts. */
  readonly known: Limit;
  /** For those that need none. */
  readonly open: Limit;
  /** For those without one that need one, or with a wrong one. */
  readonly failed: Limit;
}

const unlimited: Limit = async () => Promise.resolve();

/** Whoever may use the Unix socket has no address. */
export const addressOf = ({ socket }: FastifyRequest): string => socket.remoteAddress ?? 'socket';

/** `perMinute`: of one token; 0: no limits. */
export async function rateLimits(app: App, perMinute: number): Promise<Limits> {
  if (perMinute === 0) return { known: unlimited, open: unlimited, failed: unlimited };
  await app.register(rateLimit, { global: false });
  const limit = (max: number, keyGenerator: (request: FastifyRequest) => string): Limit => {
    const count = app.createRateLimit({ max, timeWindow: windowMs, keyGenerator });
    return async (request, reply) => {
      const state = await count(request);
      if (state.isAllowed || !state.isExceeded) return;
      reply.header('retry-after', state.ttlInSeconds);
      throw errors.tooManyRequests(state.ttlInSeconds);
    };
  };
  const token = limit(perMinute, (request) => {
    const { token: shown, name } = userOf(request);
    return shown?.id ?? name;
  });
  const address = limit(perMinute * tokensAtAnAddress, addressOf);
  return {
    // The token first: what it is refused for does not count for others at its address.
    known: async (request, reply) => {
      await token(request, reply);
      if (request.socket.remoteAddress !== undefined) await address(request, reply);
    },
    open: limit(perMinute, addressOf),
    failed: limit(Math.max(leastFailures, Math.round(perMinute * failureShare)), addressOf),
  };
}
