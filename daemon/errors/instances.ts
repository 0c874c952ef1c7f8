/** What keeps an instance or a volume from being made or used. */
import { MyaasError } from './error.ts';

export const instanceErrors = {
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
  engineVersion: (why: string, hint: string, cause?: unknown) =>
    new MyaasError('MYAAS_ENGINE_VERSION', 422, why, hint, cause),
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
} as const;
