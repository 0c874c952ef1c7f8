/**
 * Every failure MyAAS can report, in one catalogue. A `MyaasError` says what failed and why (`message`) and what
 * to do about it (`hint`); `status` is the HTTP status it becomes. Compare `code`, never `message`.
 */
export class MyaasError extends Error {
  readonly code: string;
  readonly status: number;
  readonly hint: string;

  constructor(code: string, status: number, message: string, hint: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'MyaasError';
    this.code = code;
    this.status = status;
    this.hint = hint;
  }
}

/** The message of anything that was thrown. */
export function messageOf(thrown: unknown): string {
  if (thrown instanceof Error) return thrown.message;
  return typeof thrown === 'string' ? thrown : JSON.stringify(thrown);
}

/** Whether `thrown` is a system error with this `code`, such as `ENOENT`. */
export function hasErrno(thrown: unknown, code: string): boolean {
  return thrown instanceof Error && 'code' in thrown && thrown.code === code;
}

/** What a client sent, for an error: on one line, and no longer than one likes to read. */
const quote = (text: string): string => JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);

export const errors = {
  // Requests
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

  // Templates and imports
  templateNotFound: (name: string) =>
    new MyaasError(
      'MYAAS_TEMPLATE_NOT_FOUND',
      404,
      `There is no template "${name}".`,
      '"myaas templates" lists what there is; "myaas update" imports new dumps.',
    ),
  versionNotFound: (template: string, version: string) =>
    new MyaasError(
      'MYAAS_VERSION_NOT_FOUND',
      404,
      `Template "${template}" has no version "${version}".`,
      `"myaas templates ${template}" lists its versions.`,
    ),
  templateImporting: (name: string) =>
    new MyaasError(
      'MYAAS_TEMPLATE_IMPORTING',
      409,
      `Template "${name}" is being imported for the first time.`,
      'Try again when the import is done; "myaas templates" shows its progress.',
    ),
  templateInUse: (name: string, instances: readonly string[]) =>
    new MyaasError(
      'MYAAS_TEMPLATE_IN_USE',
      409,
      `Template "${name}" is used by ${String(instances.length)} instance(s): ${instances.slice(0, 5).join(', ')}.`,
      'Delete them first, or delete the template with force, which deletes them too.',
    ),
  templateBusy: (name: string) =>
    new MyaasError(
      'MYAAS_TEMPLATE_BUSY',
      409,
      `Template "${name}" is being imported.`,
      'Wait for the end of its import, or cancel it.',
    ),
  dumpNotFound: (template: string, dumpsDir: string) =>
    new MyaasError(
      'MYAAS_DUMP_NOT_FOUND',
      404,
      `There is no dump for a template "${template}" in ${dumpsDir}.`,
      `Put ${template}.sql (or .sql.gz, .sql.zst, .sql.xz, .sql.bz2) there.`,
    ),
  dumpBad: (file: string, why: string, hint = 'Mend or remove the dump; the template stays as it was.') =>
    new MyaasError('MYAAS_DUMP_BAD', 422, `${file}: ${why}`, hint),
  engineUnknown: (name: string, known: readonly string[]) =>
    new MyaasError(
      'MYAAS_ENGINE_UNKNOWN',
      422,
      `${quote(name)} is no database product that this MyAAS knows.`,
      `There are ${known.join(', ')}.`,
    ),
  engineLacks: (what: string, title: string, hint: string) =>
    new MyaasError('MYAAS_ENGINE_LACKS', 422, `${what} is not there for ${title}.`, hint),
  maskMissing: (template: string, why: string) =>
    new MyaasError(
      'MYAAS_MASK_MISSING',
      422,
      `Template "${template}" is not published without a mask: ${why}.`,
      `Put ${template}.mask.json beside the dump.`,
    ),
  importFailed: (what: string, hint: string, cause?: unknown) =>
    new MyaasError('MYAAS_IMPORT_FAILED', 500, what, hint, cause),
  jobNotFound: (id: string) =>
    new MyaasError(
      'MYAAS_JOB_NOT_FOUND',
      404,
      `There is no import job "${id}".`,
      'Jobs are kept until the daemon restarts.',
    ),
  cancelled: (what: string) =>
    new MyaasError('MYAAS_CANCELLED', 409, `${what} was cancelled.`, 'Nothing was left behind.'),

  // Instances
  instanceNotFound: (ref: string) =>
    new MyaasError(
      'MYAAS_INSTANCE_NOT_FOUND',
      404,
      `There is no instance "${ref}".`,
      '"myaas ls --all" lists what there is.',
    ),
  instanceExists: (template: string, name: string) =>
    new MyaasError(
      'MYAAS_INSTANCE_EXISTS',
      409,
      `Instance "${template}/${name}" exists already.`,
      'Choose another name, or reset or delete the existing one.',
    ),
  volumeNotFound: (name: string) =>
    new MyaasError(
      'MYAAS_VOLUME_NOT_FOUND',
      404,
      `There is no volume "${name}".`,
      '"myaas volumes" lists what there is.',
    ),
  volumeExists: (name: string, template: string) =>
    new MyaasError(
      'MYAAS_VOLUME_EXISTS',
      409,
      `Volume "${name}" exists already, as a clone of template "${template}".`,
      'Choose another name, or remove it by "docker volume rm".',
    ),
  quotaExceeded: (what: string, hint: string) => new MyaasError('MYAAS_QUOTA_EXCEEDED', 429, what, hint),
  leaseTooLong: (what: string, longest: string) =>
    new MyaasError(
      'MYAAS_LEASE_TOO_LONG',
      403,
      `${what}: a lease may last ${longest} from now at most.`,
      'Extend it when it is about to end ("myaas extend"), or ask an operator for more: "myaas user set NAME --lease TIME".',
    ),
  instanceBusy: (ref: string, state: string) =>
    new MyaasError(
      'MYAAS_INSTANCE_BUSY',
      409,
      `Instance "${ref}" is ${state}.`,
      'Wait until it is ready, or delete it.',
    ),
  instanceInUse: (ref: string, why: string) =>
    new MyaasError(
      'MYAAS_INSTANCE_IN_USE',
      409,
      `Instance "${ref}" stays awake: ${why}.`,
      'Try again when nothing runs in it any more.',
    ),
  instanceProtected: (ref: string) =>
    new MyaasError(
      'MYAAS_INSTANCE_PROTECTED',
      409,
      `Instance "${ref}" is protected.`,
      'Take the protection off first: PATCH {"protected": false}, or "myaas extend --unprotect".',
    ),
  serverFailed: (what: string, log: string) =>
    new MyaasError(
      'MYAAS_SERVER_FAILED',
      500,
      `${what}${log === '' ? '' : `\nIts last words:\n${log}`}`,
      'See the log of "myaas serve", and "myaas doctor" for the state of the host.',
    ),
  portsExhausted: (from: number, to: number) =>
    new MyaasError(
      'MYAAS_PORTS_EXHAUSTED',
      507,
      `All instance ports ${String(from)}-${String(to)} are taken.`,
      'Delete instances, or widen MYAAS_PORTS and restart "myaas serve".',
    ),
  diskFull: (
    path: string,
    freeBytes: number,
    neededBytes: number,
    hint = 'Delete instances or templates, or enlarge the disk.',
  ) =>
    new MyaasError(
      'MYAAS_DISK_FULL',
      507,
      `Only ${String(Math.floor(freeBytes / 2 ** 20))} MiB are free in ${path}, ${String(Math.ceil(neededBytes / 2 ** 20))} MiB are needed.`,
      hint,
    ),
  instanceDiskFull: (ref: string, limitBytes: number) =>
    new MyaasError(
      'MYAAS_INSTANCE_DISK_FULL',
      507,
      `Instance "${ref}" has written as much as one instance may, ${String(Math.floor(limitBytes / 2 ** 20))} MiB, so its server can't go on.`,
      'Reset it for fresh data, or delete it; an operator may raise MYAAS_DISK_LIMIT.',
    ),
  memoryFull: (availableBytes: number, neededBytes: number) =>
    new MyaasError(
      'MYAAS_MEMORY_FULL',
      507,
      `The host has ${String(Math.floor(availableBytes / 2 ** 20))} MiB of memory left, ${String(Math.ceil(neededBytes / 2 ** 20))} MiB are needed to start another server.`,
      'Put instances to sleep ("myaas sleep"), delete some, or lower MYAAS_MEMORY_RESERVE.',
    ),
  portTaken: (port: number, why: string) =>
    new MyaasError(
      'MYAAS_PORT_TAKEN',
      409,
      `Port ${String(port)} cannot be listened on: ${why}.`,
      'Stop the program that has it, or leave it out of MYAAS_PORTS and restart "myaas serve".',
    ),
  portFailed: (port: number, code: string) =>
    new MyaasError(
      'MYAAS_PORT_FAILED',
      500,
      `The gate cannot listen on port ${String(port)}: ${code}.`,
      'See that MYAAS_BIND is an address of this machine; the log of "myaas gate" may say more.',
    ),
  gateUnavailable: (why: string) =>
    new MyaasError(
      'MYAAS_GATE_UNAVAILABLE',
      503,
      `The gate, which owns the instances' ports, does not answer: ${why}.`,
      'Start it: "systemctl start myaas-gate", or "myaas gate".',
    ),

  // The host
  badConfig: (problems: readonly string[]) =>
    new MyaasError(
      'MYAAS_BAD_CONFIG',
      500,
      `The configuration is not valid:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`,
      'Mend the environment, or /etc/myaas/myaas.env, and start again.',
    ),
  needsRoot: (command: string) =>
    new MyaasError(
      'MYAAS_NEEDS_ROOT',
      500,
      `"myaas ${command}" must be run as root.`,
      `Run "sudo myaas ${command}".`,
    ),
  olderRelease: (given: string, installed: string) =>
    new MyaasError(
      'MYAAS_OLDER_RELEASE',
      409,
      `Version ${given} is older than ${installed}, which is installed and may have changed the registry already.`,
      `Install ${installed} or a newer one; to go back, uninstall it first ("myaas uninstall"), which keeps the data.`,
    ),
  hostNotReady: (what: string, hint: string, cause?: unknown) =>
    new MyaasError('MYAAS_HOST_NOT_READY', 503, what, hint, cause),
  registryBusy: (cause: unknown) =>
    new MyaasError(
      'MYAAS_REGISTRY_BUSY',
      503,
      'Another process has the registry locked, longer than a request waits for it.',
      'Try again. When it stays so, look for a "myaas" command that hangs, or a disk that is too slow.',
      cause,
    ),
  programFailed: (what: string, hint: string, cause?: unknown) =>
    new MyaasError('MYAAS_PROGRAM_FAILED', 500, what, hint, cause),
  dockerUnavailable: (address: string, why: string, cause?: unknown) =>
    new MyaasError(
      'MYAAS_DOCKER_UNAVAILABLE',
      503,
      `Docker Engine does not answer at ${address}: ${why}.`,
      'Install and start it ("apt-get install docker.io", "systemctl start docker"), or set MYAAS_DOCKER_HOST.',
      cause,
    ),
  dockerFailed: (what: string, cause: unknown) =>
    new MyaasError(
      'MYAAS_DOCKER_FAILED',
      500,
      `Docker could not ${what}: ${messageOf(cause)}`,
      '"myaas doctor" checks Docker; its own log says more.',
      cause,
    ),
  imageMissing: (image: string, why: string, cause?: unknown) =>
    new MyaasError(
      'MYAAS_IMAGE_MISSING',
      503,
      `The server image "${image}" cannot be had: ${why}.`,
      'Run "myaas init", which pulls or builds it, or set MYAAS_MYSQL_IMAGE to an image that is there.',
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

  // The client commands
  daemonUnreachable: (address: string, why: string) =>
    new MyaasError(
      'MYAAS_DAEMON_UNREACHABLE',
      503,
      `No MyAAS daemon answers at ${address}: ${why}.`,
      'Start it ("systemctl start myaas"), or name another by MYAAS_URL or "myaas login URL".',
    ),
  certificateUntrusted: (address: string, why: string) =>
    new MyaasError(
      'MYAAS_CERTIFICATE_UNTRUSTED',
      503,
      `The certificate of ${address} is not trusted: ${why}.`,
      "When it is of a CA of your own, name the CA's PEM file: NODE_EXTRA_CA_CERTS=/path/to/ca.pem.",
    ),
  socketForbidden: (path: string) =>
    new MyaasError(
      'MYAAS_SOCKET_FORBIDDEN',
      403,
      `You may not use the socket ${path}.`,
      'Join its group ("sudo usermod -aG myaas $USER", then log in anew), or use MYAAS_URL=http://127.0.0.1:5001.',
    ),
  badClientConfig: (file: string, why: string, hint: string) =>
    new MyaasError('MYAAS_BAD_CLIENT_CONFIG', 400, `${file} is not used: ${why}.`, hint),
  ambiguous: (ref: string, candidates: readonly string[]) =>
    new MyaasError(
      'MYAAS_AMBIGUOUS',
      409,
      `"${ref}" can be ${candidates.slice(0, 5).join(', ')}${candidates.length > 5 ? ', …' : ''}.`,
      'Say which by "template/name".',
    ),
  noCredentials: (ref: string, owner: string) =>
    new MyaasError(
      'MYAAS_NO_CREDENTIALS',
      403,
      `The credentials of "${ref}" are shown only to its owner, ${owner}, and to admins.`,
      'Make an instance of your own: "myaas new".',
    ),
  fileNotWritten: (file: string, why: string, cause?: unknown) =>
    new MyaasError(
      'MYAAS_FILE_NOT_WRITTEN',
      500,
      `${file} was not written: ${why}.`,
      'The file is as it was. Mend it or its directory, or name another file.',
      cause,
    ),
  notLoggedIn: () =>
    new MyaasError(
      'MYAAS_NOT_LOGGED_IN',
      401,
      'No token is known for this MyAAS.',
      'Run "myaas login", or set MYAAS_TOKEN. An operator makes tokens with "sudo myaas user add NAME".',
    ),
  usage: (what: string, hint: string) => new MyaasError('MYAAS_USAGE', 400, what, hint),
} as const;
