/**
 * What registry, Docker and disk disagree about. Pure: `survey.ts` looks, `healing.ts` acts. Invariant: only what the
 * registry says is nobody's, or what bears our own label, is ever removed; data that the registry does not know is kept.
 */
import type { ContainerInfo } from '../drivers/docker.ts';
import type { InstanceRow } from '../drivers/registry.ts';
import type { SpareRow } from '../drivers/registry-spares.ts';

/** What the registry says at one moment. */
export interface Records {
  readonly instances: readonly InstanceRow[];
  readonly spares: readonly SpareRow[];
  readonly discarded: readonly string[];
  /** Ids of imports that are under way, and of volumes. */
  readonly others: readonly string[];
}

/** An entry of the directory of instances. */
export interface Home {
  readonly name: string;
  /** `clone`: a directory named like ours with data in it. `bare`: one without. `foreign`: anything else. */
  readonly kind: 'clone' | 'bare' | 'foreign';
  /** The instance that it was given to, as it says itself; undefined when it says nothing. */
  readonly holder: string | undefined;
}

/** What there is on the machine. */
export interface Machine {
  readonly containers: readonly ContainerInfo[];
  readonly homes: readonly Home[];
  /** Names of run directories. */
  readonly runs: readonly string[];
  /** Whether a running server is to be reached where its clone's belongs. */
  readonly isReachable: (row: InstanceRow, server: ContainerInfo) => boolean;
  /** What is no version among the versions of templates. */
  readonly versions: {
    /** Left of imports and deletions that were cut short. */
    readonly ours: readonly UnfinishedVersion[];
    /** Not begun by us: `template/version`. */
    readonly strange: readonly string[];
  };
}

export interface UnfinishedVersion {
  readonly template: string;
  readonly version: string;
}

export type Discrepancy =
  /** Cut short by the end of the daemon: only to be found at its start. */
  | { readonly kind: 'half-made'; readonly row: InstanceRow }
  | { readonly kind: 'data-gone'; readonly row: InstanceRow }
  | { readonly kind: 'server-gone'; readonly row: InstanceRow }
  /** Its files are not where its container looks for them: the base directory has moved, or a run directory is gone. */
  | { readonly kind: 'server-adrift'; readonly row: InstanceRow }
  | { readonly kind: 'awake'; readonly row: InstanceRow }
  | { readonly kind: 'spare-in-use'; readonly spare: SpareRow; readonly holder: string }
  | { readonly kind: 'stray-server'; readonly clone: string; readonly containerId: string }
  | { readonly kind: 'stray-import'; readonly role: string; readonly containerId: string }
  | { readonly kind: 'stray-run-directory'; readonly name: string }
  | ({ readonly kind: 'unfinished-version' } & UnfinishedVersion)
  | { readonly kind: 'unknown-data'; readonly clone: string; readonly holder: string | undefined }
  | { readonly kind: 'foreign-file'; readonly name: string }
  | { readonly kind: 'unknown-version'; readonly name: string };

/** `before` and `after` the look at the machine: what has changed meanwhile is somebody's work, and left alone. */
export function compare(before: Records, machine: Machine, after: Records): Discrepancy[] {
  const known = knownBy(before).union(knownBy(after));
  const then = new Map(before.instances.map((row) => [row.id, row]));
  const steady = after.instances.filter(({ id, clone, state }) => {
    const former = then.get(id);
    return former?.clone === clone && former.state === state;
  });
  const homes = new Map(machine.homes.map((home) => [home.name, home]));
  const servers = new Map(
    machine.containers.filter(({ role }) => role === 'server').map((container) => [container.id, container]),
  );
  return [
    ...steady.flatMap((row) => disagreement(row, homes.get(row.clone), servers.get(row.clone), machine)),
    ...before.spares.flatMap((spare) => takenSpare(spare, homes.get(spare.id), after)),
    ...strays(known, machine),
    ...machine.versions.ours.map((version) => ({ kind: 'unfinished-version', ...version }) as const),
    ...machine.versions.strange.map((name) => ({ kind: 'unknown-version', name }) as const),
  ];
}

function knownBy({ instances, spares, discarded, others }: Records): Set<string> {
  const clones = instances.map(({ clone }) => clone);
  return new Set([...clones, ...spares.map(({ id }) => id), ...discarded, ...others]);
}

function disagreement(
  row: InstanceRow,
  home: Home | undefined,
  server: ContainerInfo | undefined,
  { isReachable }: Machine,
): Discrepancy[] {
  switch (row.state) {
    case 'creating':
    case 'deleting':
      return [{ kind: 'half-made', row }];
    case 'failed':
      return [];
    case 'asleep':
      if (home?.kind !== 'clone') return [{ kind: 'data-gone', row }];
      return server?.running ? [{ kind: 'awake', row }] : [];
    case 'ready':
      if (home?.kind !== 'clone') return [{ kind: 'data-gone', row }];
      if (!server?.running) return [{ kind: 'server-gone', row }];
      return isReachable(row, server) ? [] : [{ kind: 'server-adrift', row }];
  }
}

/** An old registry calls a spare what has been somebody's since: it must not be handed out again, nor removed. */
function takenSpare(spare: SpareRow, home: Home | undefined, after: Records): Discrepancy[] {
  const isStillSpare = after.spares.some(({ id }) => id === spare.id);
  const holder = home?.holder;
  return isStillSpare && holder !== undefined ? [{ kind: 'spare-in-use', spare, holder }] : [];
}

/** What nobody has. */
function strays(known: ReadonlySet<string>, { containers, runs, homes }: Machine): Discrepancy[] {
  const found: Discrepancy[] = [];
  for (const { id, role, containerId } of containers) {
    if (role === 'namespace' || known.has(id)) continue;
    found.push(
      role === 'server'
        ? { kind: 'stray-server', clone: id, containerId }
        : { kind: 'stray-import', role, containerId },
    );
  }
  for (const name of runs) if (!known.has(name)) found.push({ kind: 'stray-run-directory', name });
  for (const { name, kind, holder } of homes) {
    if (known.has(name)) continue;
    if (kind === 'clone') found.push({ kind: 'unknown-data', clone: name, holder });
    else found.push({ kind: 'foreign-file', name });
  }
  return found;
}
