import { finished } from 'node:stream/promises';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ErrorBody } from '../contract/contract.ts';
import { hasErrno, messageOf, MyaasError } from '../errors/error.ts';
import { errors } from '../errors/errors.ts';
import { noteFailure } from './audit.ts';
import { collectMethods } from './methods.ts';

/** Whatever was thrown, as one of the catalogue. */
export function asMyaasError(thrown: FastifyError | Error): MyaasError {
  if (thrown instanceof MyaasError) return thrown;
  if (hasErrno(thrown, 'ENOSPC')) return errors.noRoom(thrown);
  if (hasErrno(thrown, 'EROFS') || hasErrno(thrown, 'EIO'))
    return errors.diskFailed('the system refuses to', thrown);
  if ('validation' in thrown) return errors.badRequest(`${thrown.message}.`);
  if ('code' in thrown && thrown.code === 'FST_ERR_CTP_BODY_TOO_LARGE') return errors.tooLarge();
  if ('statusCode' in thrown && typeof thrown.statusCode === 'number' && thrown.statusCode < 500) {
    return new MyaasError(
      'MYAAS_BAD_REQUEST',
      thrown.statusCode,
      `${thrown.message}.`,
      'See /v1/openapi.json for what this call takes.',
    );
  }
  return errors.internal(thrown);
}

/** Logs a failure that is ours; what clients did wrong is theirs to know. */
export function logFailure(request: FastifyRequest, thrown: Error, error: MyaasError): void {
  if (error.status < 500) return;
  const { cause } = error;
  const because =
    cause === undefined
      ? ''
      : `: ${cause instanceof Error ? (cause.stack ?? cause.message) : messageOf(cause)}`;
  request.log.error(`${request.method} ${request.routeOptions.url ?? ''}: ${thrown.message}${because}`);
}

/** Answers with the one envelope for every error there is. */
export async function sendFailure(
  thrown: FastifyError | Error,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const error = asMyaasError(thrown);
  logFailure(request, thrown, error);
  challenge(reply, error);
  await hearOut(request, error);
  const { code, message, hint } = error;
  noteFailure(request, code);
  const body: ErrorBody = { error: { code, message, hint, requestId: request.id } };
  return reply.code(error.status).send(body);
}

/** Reads the rest of a body that is too large: a client that still writes would find the connection closed, not why. */
export async function hearOut({ raw }: FastifyRequest, { status }: MyaasError): Promise<void> {
  if (status === 413 && !raw.readableEnded) await finished(raw.resume()).catch(() => undefined);
}

/** A 401 must say how to do better (RFC 9110, 11.6.1). */
export function challenge(reply: FastifyReply, { status }: MyaasError): void {
  if (status === 401) reply.header('www-authenticate', 'Bearer realm="MyAAS"');
}

export function useErrorEnvelope(app: FastifyInstance): void {
  app.setErrorHandler<FastifyError>(sendFailure);
  const methodsOf = collectMethods(app);
  app.setNotFoundHandler(async (request, reply) => {
    const path = request.url.split('?')[0] ?? '';
    const methods = methodsOf(path);
    const shown = path.slice(0, 200);
    if (methods.length === 0)
      return sendFailure(errors.notFound(`${request.method} ${shown}`), request, reply);
    // As RFC 9110, 15.5.6 has it.
    reply.header('allow', methods.join(', '));
    return sendFailure(errors.methodNotAllowed(request.method, shown, methods), request, reply);
  });
}
