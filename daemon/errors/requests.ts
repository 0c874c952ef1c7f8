/** What is wrong with a request, or with who makes it. */
import { MyaasError, quote } from './error.ts';

export const requestErrors = {
  badRequest: (what: string, hint = 'See /v1/openapi.json for what this call takes.') =>
    new MyaasError('MYAAS_BAD_REQUEST', 400, what, hint),
  badName: (kind: 'template' | 'instance' | 'user' | 'token' | 'volume', name: string) =>
    new MyaasError(
      'MYAAS_BAD_NAME',
      400,
      `${quote(name)} is not a valid ${kind} name.`,
      kind === 'instance' || kind === 'token'
        ? 'A name has 1 to 63 letters, digits, "_", "-" or "." and starts with a letter or digit.'
        : 'A name has 1 to 63 letters, digits, "_" or "-" and starts with a letter or digit.',
    ),
  badTtl: (ttl: string, why: string) =>
    new MyaasError(
      'MYAAS_BAD_TTL',
      400,
      `${quote(ttl)} is not a valid lease: ${why}.`,
      'Give seconds, or a number with s, m, h, d or w ("8h", "7d"), at most 10 years, or "never".',
    ),
  unauthorized: (why: string) =>
    new MyaasError(
      'MYAAS_UNAUTHORIZED',
      401,
      why,
      'Send "Authorization: Bearer <token>". An operator makes a token with "myaas user add NAME"; "myaas login" stores it.',
    ),
  forbidden: (what: string) => new MyaasError('MYAAS_FORBIDDEN', 403, what, 'Ask an admin of this MyAAS.'),
  tooManyRequests: (seconds: number) =>
    new MyaasError(
      'MYAAS_TOO_MANY_REQUESTS',
      429,
      'There were too many requests within the last minute.',
      `Come back in ${String(seconds)} s. An operator sets how many there may be by MYAAS_RATE_LIMIT.`,
    ),
  foreignPage: (sign: string) =>
    new MyaasError(
      'MYAAS_FOREIGN_PAGE',
      403,
      `The request may come from a page in a browser: ${sign}.`,
      'Use "myaas", the extension or another program. Names of a proxy before this host belong in MYAAS_API_NAMES.',
    ),
  methodNotAllowed: (method: string, path: string, allowed: readonly string[]) =>
    new MyaasError(
      'MYAAS_METHOD_NOT_ALLOWED',
      405,
      `${method} is not for ${path}.`,
      `There is ${allowed.join(', ')}. See /v1/openapi.json for the API.`,
    ),
  notFound: (what: string) =>
    new MyaasError('MYAAS_NOT_FOUND', 404, `${what} does not exist.`, 'See /v1/openapi.json for the API.'),
  tooLarge: () =>
    new MyaasError(
      'MYAAS_BODY_TOO_LARGE',
      413,
      'The request body is too large.',
      'A request has at most 64 KiB.',
    ),
  internal: (cause: unknown) =>
    new MyaasError(
      'MYAAS_INTERNAL',
      500,
      'The daemon failed unexpectedly.',
      'The log of "myaas serve" has the details under this request id.',
      cause,
    ),
  userExists: (name: string) =>
    new MyaasError(
      'MYAAS_USER_EXISTS',
      409,
      `User "${name}" exists already.`,
      `"myaas user token ${name}" makes another token for them.`,
    ),
  tokenExists: (user: string, name: string) =>
    new MyaasError(
      'MYAAS_TOKEN_EXISTS',
      409,
      `User "${user}" has a token "${name}" already.`,
      `Choose another name, or revoke that one first: "myaas user revoke ${user}/${name}".`,
    ),
  userNotFound: (name: string) =>
    new MyaasError(
      'MYAAS_USER_NOT_FOUND',
      404,
      `There is no user and no token id "${name}".`,
      '"myaas user list" lists both.',
    ),
} as const;
