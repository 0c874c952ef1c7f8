import type { FastifyReply } from 'fastify';
import { errors } from '../errors/errors.ts';

/** Aborts when the client goes away before it has its answer. */
export function hangUpSignal(reply: FastifyReply): AbortSignal {
  const controller = new AbortController();
  const hungUp = () => {
    if (!reply.raw.writableEnded) controller.abort(errors.cancelled('The request, whose client hung up,'));
  };
  if (reply.raw.destroyed) hungUp();
  else reply.raw.once('close', hungUp);
  return controller.signal;
}
