/** Looks at everything that `reconcile.ts` compares. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Paths } from '../paths.ts';
import { isSubvolume } from '../drivers/btrfs.ts';
import type { Docker } from '../drivers/docker.ts';
import type { Registry } from '../drivers/registry.ts';
import { errors } from '../errors/errors.ts';
import type { Catalogue } from '../templates/catalogue.ts';
import { cloneOf, type Builder } from './builder.ts';
import { readCard } from './clone-card.ts';
import { compare, type Discrepancy, type Home, type Machine, type Records } from './reconcile.ts';

export interface SurveyDeps {
  readonly paths: Paths;
  readonly docker: Docker;
  readonly registry: Registry;
  readonly catalogue: Pick<Catalogue, 'leftovers'>;
  readonly builder: Pick<Builder, 'isReachable'>;
  /** Ids of imports that are under way, and of volumes. */
  readonly others: () => readonly string[];
}

const cloneId = /^[0-9a-f]{12}$/;
const runId = /^(import-)?[0-9a-f]{12}$/;

/** Throws when the disk is away, of which nothing follows for what is on it. */
export async function survey(deps: SurveyDeps): Promise<Discrepancy[]> {
  const before = recordsOf(deps);
  const machine = await lookAround(deps, before);
  return compare(before, machine, recordsOf(deps));
}

function recordsOf({ registry, others }: SurveyDeps): Records {
  return {
    instances: registry.instances(),
    spares: registry.spares.list(),
    discarded: registry.spares.discarded(),
    others: others(),
  };
}

async function lookAround(deps: SurveyDeps, records: Records): Promise<Machine> {
  const { paths, docker, catalogue, builder } = deps;
  if (!(await isSubvolume(paths.data))) {
    throw errors.hostNotReady(`The disk with ${paths.data} is not there.`, 'Mount it, or run "myaas init".');
  }
  const claimed = new Set(records.instances.map(({ clone }) => clone));
  const [containers, homes, runs, versions] = await Promise.all([
    docker.list(),
    homesIn(paths.instances, claimed),
    readdir(paths.runs),
    catalogue.leftovers(),
  ]);
  return {
    containers,
    homes,
    runs: runs.filter((name) => runId.test(name)),
    versions,
    isReachable: (row, server) => builder.isReachable(cloneOf(row), server),
  };
}

/** `claimed` are known to be somebody's, so that nobody need ask them. */
async function homesIn(directory: string, claimed: ReadonlySet<string>): Promise<Home[]> {
  const entries = await readdir(directory, { withFileTypes: true });
  return Promise.all(
    entries.map(async (entry): Promise<Home> => {
      const { name } = entry;
      const path = join(directory, name);
      if (!cloneId.test(name) || !entry.isDirectory()) return { name, kind: 'foreign', holder: undefined };
      // One look, and no more of a known clone: there may be hundreds.
      const hasData = await stat(join(path, 'datadir')).then(
        (found) => found.isDirectory(),
        () => false,
      );
      const card = claimed.has(name) ? undefined : await readCard(path);
      return { name, kind: hasData ? 'clone' : 'bare', holder: card?.holder?.ref };
    }),
  );
}
