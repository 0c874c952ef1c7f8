/** Finding the instance that somebody means, and saying what it is. */
import type { Instance } from '../contract/instances.ts';
import { errors } from '../errors/errors.ts';
import type { Api } from './api.ts';
import { relative } from './units.ts';

/** `template/name`, as people call an instance. */
export function titleOf({ template, name }: Pick<Instance, 'template' | 'name'>): string {
  return `${template}/${name}`;
}

/**
 * The instance that `reference` means: `template/name`, an id, or a name that only one instance has, where one of our
 * own comes before others'. Throws `MYAAS_INSTANCE_NOT_FOUND` and `MYAAS_AMBIGUOUS`.
 */
export async function findInstance(api: Api, reference: string): Promise<Instance> {
  if (reference.includes('/')) return api.instance(reference);
  const [status, instances] = await Promise.all([api.status(), api.instances()]);
  const found = meant(instances, reference, status.user.name);
  if (found.length > 1) throw errors.ambiguous(reference, found.map(titleOf));
  const [instance] = found;
  if (!instance) throw errors.instanceNotFound(reference);
  return instance;
}

/** The instances that `reference`, an id or a name, can mean for `user`. */
export function meant(instances: readonly Instance[], reference: string, user: string): readonly Instance[] {
  const byId = instances.filter(({ id }) => id === reference);
  if (byId.length > 0) return byId;
  const byName = instances.filter(({ name }) => name === reference);
  const own = byName.filter(({ owner }) => owner === user);
  return own.length > 0 ? own : byName;
}

/** When an instance ends, for people. */
export function leaseOf({ expiresAt, protected: isProtected }: Instance): string {
  if (isProtected) return 'protected';
  return expiresAt === null ? 'never' : relative(expiresAt);
}

/** "mariadb 11.8", and what its template's is, where that is another. */
export function serverOf({ engine, engineSeries, upgradedFrom }: Instance): string {
  const server = engineSeries === undefined ? engine : `${engine} ${engineSeries}`;
  return upgradedFrom === undefined ? server : `${server}, upgraded from ${upgradedFrom}`;
}

/** States as a sentence has them. */
export const stateWords = {
  creating: 'being made',
  ready: 'ready',
  asleep: 'asleep, the first connection wakes it',
  waking: 'waking up',
  resetting: 'being reset',
  deleting: 'being deleted',
  failed: 'failed',
} as const satisfies Record<Instance['state'], string>;

/** How the states of instances are coloured. */
export const stateStyles = {
  creating: 'cyan',
  ready: 'green',
  asleep: 'dim',
  waking: 'cyan',
  resetting: 'cyan',
  deleting: 'dim',
  failed: 'red',
} as const satisfies Record<Instance['state'], string>;
