/** How much a user may have, as the options of `myaas user` say it. */
import type { OwnQuota, UserChanges } from '../drivers/registry-users.ts';
import { errors } from '../errors/errors.ts';
import { limits, unlimited, type Quota } from '../quota.ts';

export interface QuotaOptions {
  readonly instances?: string;
  readonly lease?: string;
  readonly disk?: string;
}

const optionOf: Readonly<Record<keyof Quota, keyof QuotaOptions>> = {
  maxInstances: 'instances',
  maxLeaseSeconds: 'lease',
  maxDiskBytes: 'disk',
};
const names = Object.keys(optionOf) as readonly (keyof Quota)[];

/** What is to be changed; "default" goes back to what the configuration says. Throws `MYAAS_USAGE`. */
export function quotaChangesOf(options: QuotaOptions): Omit<UserChanges, 'role'> {
  return Object.fromEntries(
    names.flatMap((name) => {
      const text = options[optionOf[name]];
      return text === undefined ? [] : [[name, parse(name, text)]];
    }),
  );
}

function parse(name: keyof Quota, text: string): number | null {
  if (text === 'default') return null;
  const limit = limits[name].parse(text);
  if (limit !== undefined) return limit;
  const what = `--${optionOf[name]}: ${JSON.stringify(text)} is not ${limits[name].expected}.`;
  throw errors.usage(what, 'Or give "default", for what the configuration says.');
}

/** `instances 3, lease 7d`; "-" when all is as the configuration says. */
export function quotaText(quota: OwnQuota): string {
  const own = names.flatMap((name) => {
    const limit = quota[name];
    return limit === null ? [] : [`${optionOf[name]} ${limits[name].text(limit)}`];
  });
  return own.join(', ') || '-';
}

/** For programs: a number, "none", or null for what the configuration says. */
export function quotaForPrograms(quota: OwnQuota) {
  return Object.fromEntries(names.map((name) => [name, quota[name] === unlimited ? 'none' : quota[name]]));
}
