/** What is wrong with the host, its settings or Docker Engine. */
import { MyaasError, messageOf } from './error.ts';

export const hostErrors = {
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
  noRoom: (cause: unknown) =>
    new MyaasError(
      'MYAAS_NO_ROOM',
      507,
      'There is no room left on the disk.',
      'Delete instances or templates, or enlarge the disk.',
      cause,
    ),
  diskFailed: (why: string, cause?: unknown) =>
    new MyaasError(
      'MYAAS_DISK_FAILED',
      503,
      `The disk cannot be written: ${why}.`,
      'See "dmesg": a btrfs with errors becomes read-only. Mount it again when that is mended, and restart "myaas serve".',
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
} as const;
