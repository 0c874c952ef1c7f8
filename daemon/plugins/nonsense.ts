import { randomUUID } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import type { ErrorBody } from '../contract/contract.ts';
import { hasErrno, MyaasError } from '../errors/error.ts';

/** The code of Node's parser, and what it is to people. */
function asMyaasError(thrown: Error): MyaasError {
  const [status, why] = hasErrno(thrown, 'HPE_HEADER_OVERFLOW')
    ? ([431, 'The head of the request is too large'] as const)
    : hasErrno(thrown, 'ERR_HTTP_REQUEST_TIMEOUT')
      ? ([408, 'The request did not come to its end in time'] as const)
      : ([400, 'What was sent is no HTTP request'] as const);
  return new MyaasError('MYAAS_BAD_REQUEST', status, `${why}.`, 'See /v1/openapi.json for the API.');
}

/** Answers, on the bare connection, what is no request or never becomes one, and hangs up. In the envelope of all errors. */
export function refuseNonsense(thrown: Error, socket: Duplex): void {
  if (socket.destroyed || hasErrno(thrown, 'ECONNRESET')) return;
  const { code, status, message, hint } = asMyaasError(thrown);
  const body = JSON.stringify({
    error: { code, message, hint, requestId: randomUUID() },
  } satisfies ErrorBody);
  const head = [
    `HTTP/1.1 ${String(status)} ${STATUS_CODES[status] ?? ''}`,
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${String(Buffer.byteLength(body))}`,
    'Connection: close',
  ];
  if (socket.writable) socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy());
  else socket.destroy();
}
