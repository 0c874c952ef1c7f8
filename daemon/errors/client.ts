/** What keeps the client commands from doing their work. */
import { MyaasError } from './error.ts';

export const clientErrors = {
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
