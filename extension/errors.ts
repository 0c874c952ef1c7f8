/** Every failure that the extension itself finds. What the daemon reports comes as `ReportedError`. */
import type { ErrorBody } from '../daemon/contract/contract.ts';
import { MyaasError } from '../daemon/errors/error.ts';

/** An error that the daemon answered with. */
export class ReportedError extends MyaasError {
  /** Names the request in the daemon's log. */
  readonly requestId: string;

  constructor(status: number, { code, message, hint, requestId }: ErrorBody['error']) {
    super(code, status, message, hint);
    this.requestId = requestId;
  }
}

export const failures = {
  unreachable: (address: string, why: string, cause?: unknown) =>
    new MyaasError(
      'MYAAS_DAEMON_UNREACHABLE',
      503,
      `No MyAAS daemon answers at ${address}: ${why}.`,
      'Start it ("systemctl start myaas"), or name another by "MyAAS: Connect…".',
      cause,
    ),
  socketForbidden: (path: string) =>
    new MyaasError(
      'MYAAS_SOCKET_FORBIDDEN',
      403,
      `You may not use the socket ${path}.`,
      'Join its group ("sudo usermod -aG myaas $USER", then log in anew), or connect to http://127.0.0.1:5001.',
    ),
  notMyaas: (address: string, status: number) =>
    new MyaasError(
      'MYAAS_VERSION_MISMATCH',
      502,
      `What answers at ${address} is not a MyAAS daemon of this version (HTTP ${status}).`,
      'Update the daemon, or name another by "MyAAS: Connect…".',
    ),
  versionMismatch: (daemon: string, extension: string) =>
    new MyaasError(
      'MYAAS_VERSION_MISMATCH',
      502,
      `The daemon is version ${daemon}, this extension is version ${extension}.`,
      'Update the older of the two.',
    ),
  noToken: (address: string) =>
    new MyaasError(
      'MYAAS_NOT_LOGGED_IN',
      401,
      `No token is known for the MyAAS daemon at ${address}.`,
      'Give yours by "MyAAS: Connect…". An operator makes tokens with "sudo myaas user add NAME".',
    ),
  badClientConfig: (file: string, why: string, hint: string) =>
    new MyaasError('MYAAS_BAD_CLIENT_CONFIG', 400, `${file} is not used: ${why}.`, hint),
  badAddress: (where: string, url: string) =>
    new MyaasError(
      'MYAAS_BAD_CLIENT_CONFIG',
      400,
      `${where}: ${JSON.stringify(url)} is not a daemon's address.`,
      'Give one such as "http://127.0.0.1:5001" or "unix:/run/myaas/api.sock".',
    ),
  badAnswer: (address: string, why: string) =>
    new MyaasError(
      'MYAAS_BAD_ANSWER',
      502,
      `The answer from ${address} makes no sense: ${why}.`,
      'See that no other program listens there, and that daemon and extension have the same version.',
    ),
  noCredentials: (name: string, owner: string) =>
    new MyaasError(
      'MYAAS_NO_CREDENTIALS',
      403,
      `The credentials of "${name}" are shown only to its owner, ${owner}, and to admins.`,
      'Make a database of your own: "MyAAS: New Database".',
    ),
  templateUnknown: (name: string) =>
    new MyaasError(
      'MYAAS_TEMPLATE_NOT_FOUND',
      404,
      `There is no template "${name}".`,
      'The view "Templates" shows what there is; an operator adds more by putting dumps in the dumps directory.',
    ),
  noTemplates: () =>
    new MyaasError(
      'MYAAS_TEMPLATE_NOT_FOUND',
      404,
      'There is no template to clone yet.',
      'An operator puts a dump in the dumps directory and runs "myaas update".',
    ),
  importFailed: (message: string, hint: string) => new MyaasError('MYAAS_IMPORT_FAILED', 500, message, hint),
  noClientProgram: (client: { readonly programs: readonly string[]; readonly package: string }) =>
    new MyaasError(
      'MYAAS_PROGRAM_MISSING',
      500,
      `There is no ${client.programs.map((name) => `"${name}"`).join(' or ')} program on this machine.`,
      `Install one ("apt-get install ${client.package}"), or connect another way: "Copy Connection URL".`,
    ),
  notTrusted: () =>
    new MyaasError(
      'MYAAS_NOT_TRUSTED',
      403,
      'No credentials are written into a workspace that is not trusted.',
      'Trust the workspace first ("Workspaces: Manage Workspace Trust").',
    ),
  noFolder: () =>
    new MyaasError(
      'MYAAS_NO_FOLDER',
      400,
      'No folder is open whose .env could get the credentials.',
      'Open your project\'s folder first, or use "Copy Connection URL".',
    ),
  noneUsed: () =>
    new MyaasError(
      'MYAAS_NONE_USED',
      404,
      'The .env of this workspace points at no database.',
      'Take one by "Use in This Workspace", or make one by "New Database".',
    ),
  cancelled: (what: string) =>
    new MyaasError('MYAAS_CANCELLED', 409, `${what} was cancelled.`, 'Nothing was left behind.'),
} as const;

/** Whether `thrown` is the failure with this `code`. */
export function hasCode(thrown: unknown, code: string): thrown is MyaasError {
  return thrown instanceof MyaasError && thrown.code === code;
}
