/** How MyAAS's containers are made: what is closed in them, and how they are found again. */
import type { ContainerCreateOptions } from 'dockerode';

/** What a container is there for. */
export type Role = 'namespace' | 'server' | 'initialise' | 'import' | 'client' | `client-${number}` | 'hook';

export interface ContainerSpec {
  readonly role: Role;
  /** The instance, or the version being imported, that the container belongs to. */
  readonly id: string;
  /** Tells containers apart that do the same for one id at the same time. */
  readonly ordinal?: number | undefined;
  readonly labels?: Readonly<Record<string, string>>;
  readonly image: string;
  readonly command: readonly string[];
  /** No secrets: everybody who may ask Docker reads them. */
  readonly env?: Readonly<Record<string, string>>;
  readonly user: { readonly uid: number; readonly gid: number };
  readonly mounts: readonly { readonly source: string; readonly target: string; readonly readOnly?: true }[];
  readonly memoryBytes: number;
  /** Such as "0,3"; all cores when left out. */
  readonly cpus?: string | undefined;
  /** What a stop of Docker sends; default: SIGTERM. */
  readonly stopSignal?: 'SIGTERM' | 'SIGINT' | undefined;
  /** Keeps standard input open for `attach`. */
  readonly stdin?: boolean;
}

/** What tells this installation's containers from those of others. */
export interface HostNames {
  readonly hostId: string;
  readonly prefix: string;
}

export const labelOf = { host: 'com.myaas.host', role: 'com.myaas.role', id: 'com.myaas.id' } as const;
/** How many processes and threads a server may have: MariaDB uses one thread a connection. */
const pidsLimit = 2048;

const hardened = {
  ReadonlyRootfs: true,
  CapDrop: ['ALL'],
  SecurityOpt: ['no-new-privileges'],
  // A core file would hold data and passwords, and lie wherever the host has such files put.
  Ulimits: [{ Name: 'core', Soft: 0, Hard: 0 }],
};

/** The idle container whose network namespace, with nothing in it, all others share. */
export function namespaceOptions(image: string, { hostId, prefix }: HostNames): ContainerCreateOptions {
  return {
    Image: image,
    name: `${prefix}-${hostId}-namespace`,
    Entrypoint: ['/bin/sleep', 'infinity'],
    Cmd: [],
    User: '65534:65534',
    // As a container's first process it does not hear SIGTERM: every stop of Docker would wait 10 s for it.
    StopSignal: 'SIGKILL',
    Labels: { [labelOf.host]: hostId, [labelOf.role]: 'namespace', [labelOf.id]: '' },
    HostConfig: { ...hardened, NetworkMode: 'none', Memory: 16 * 2 ** 20, PidsLimit: 4 },
  };
}

/** A container in the network namespace of another. */
export function serverOptions(
  spec: ContainerSpec,
  namespaceId: string,
  { hostId, prefix }: HostNames,
): ContainerCreateOptions {
  const stdin = spec.stdin ?? false;
  return {
    Image: spec.image,
    name: [prefix, spec.role, spec.id, ...(spec.ordinal === undefined ? [] : [spec.ordinal])].join('-'),
    // The program itself: no wrapper script of the image.
    Entrypoint: spec.command.slice(0, 1),
    Cmd: spec.command.slice(1),
    Env: Object.entries(spec.env ?? {}).map(([name, value]) => `${name}=${value}`),
    User: `${String(spec.user.uid)}:${String(spec.user.gid)}`,
    Labels: { ...spec.labels, [labelOf.host]: hostId, [labelOf.role]: spec.role, [labelOf.id]: spec.id },
    AttachStdin: stdin,
    OpenStdin: stdin,
    StdinOnce: stdin,
    StopSignal: spec.stopSignal ?? 'SIGTERM',
    Healthcheck: { Test: ['NONE'] },
    HostConfig: {
      ...hardened,
      NetworkMode: `container:${namespaceId}`,
      Memory: spec.memoryBytes,
      MemorySwap: spec.memoryBytes,
      PidsLimit: pidsLimit,
      ...(spec.cpus !== undefined && { CpusetCpus: spec.cpus }),
      Mounts: spec.mounts.map(({ source, target, readOnly = false }) => ({
        Type: 'bind',
        Source: source,
        Target: target,
        ReadOnly: readOnly,
      })),
      LogConfig: { Type: 'json-file', Config: { 'max-size': '5m', 'max-file': '1' } },
    },
  };
}
