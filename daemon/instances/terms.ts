/**
 * On what terms users have instances: how many, for how long, and how much they may write. What a user's own quota does
 * not say, the configuration does. Admins are bound by neither, whichever of their tokens they use.
 */
import type { Config } from '../config.ts';
import type { PatchInstance } from '../contract/instances.ts';
import type { InstanceRow, Registry } from '../drivers/registry.ts';
import { errors } from '../errors/errors.ts';
import { tooManyInstances, tooMuchDisk, unlimited, type Quota } from '../quota.ts';
import { root, type User } from '../rights.ts';
import type { DiskLimit } from './disk-limit.ts';
import { leaseEnd, leaseText, parseExpiresAt, parseTtlSeconds } from './leases.ts';

export interface TermsDeps {
  readonly config: Pick<Config, keyof Quota | 'containerTtlSeconds'>;
  readonly registry: Registry;
  readonly diskLimit: Pick<DiskLimit, 'useOf'>;
}

const everything: Quota = { maxInstances: unlimited, maxLeaseSeconds: unlimited, maxDiskBytes: unlimited };

export class Terms {
  readonly #deps: TermsDeps;

  constructor(deps: TermsDeps) {
    this.#deps = deps;
  }

  /** By name: a token of fewer rights does not give its user's instances another owner. */
  quotaOf(owner: string): Quota {
    const { config, registry } = this.#deps;
    const user = registry.users.get(owner);
    if (owner === root.name || user?.role === 'admin') return everything;
    return {
      maxInstances: user?.maxInstances ?? config.maxInstances,
      maxLeaseSeconds: user?.maxLeaseSeconds ?? config.maxLeaseSeconds,
      maxDiskBytes: user?.maxDiskBytes ?? config.maxDiskBytes,
    };
  }

  /**
   * Throws `MYAAS_QUOTA_EXCEEDED` when an owner may have no more, before anything is done for it. Of the number of
   * instances the registry has the last word, of what they have written what was last seen counts.
   */
  checkRoom(owner: string): void {
    const { maxInstances, maxDiskBytes } = this.quotaOf(owner);
    if (maxInstances === unlimited && maxDiskBytes === unlimited) return;
    const clones = this.#deps.registry.clonesOf(owner);
    if (clones.length >= maxInstances) throw tooManyInstances(owner, clones.length, maxInstances);
    if (maxDiskBytes === unlimited) return;
    const uses = clones.map((clone) => this.#deps.diskLimit.useOf(clone)?.usedBytes);
    const known = uses.filter((bytes) => bytes !== undefined);
    const usedBytes = known.reduce((sum, bytes) => sum + bytes, 0);
    if (usedBytes >= maxDiskBytes)
      throw tooMuchDisk(owner, usedBytes, uses.length - known.length, maxDiskBytes);
  }

  /**
   * The end of a new lease; of the usual length, as far as the owner may have it, when they ask for none. Throws
   * `MYAAS_BAD_TTL` and `MYAAS_LEASE_TOO_LONG`.
   */
  leaseFor(owner: string, ttl: number | string | undefined): string | null {
    if (ttl !== undefined) return this.#allowed(owner, leaseEnd(parseTtlSeconds(ttl)));
    const { maxLeaseSeconds } = this.quotaOf(owner);
    const usual = this.#deps.config.containerTtlSeconds || unlimited;
    const seconds = Math.min(usual, maxLeaseSeconds);
    return leaseEnd(seconds === unlimited ? null : seconds);
  }

  /**
   * What a request changes. Whoever asks for it is bound by their own quota: an admin may give a member more. Throws
   * `MYAAS_BAD_REQUEST`, `MYAAS_BAD_TTL` and `MYAAS_LEASE_TOO_LONG`.
   */
  changesOf({ name }: User, { ttl, expiresAt, protected: isProtected }: PatchInstance): Partial<InstanceRow> {
    if (ttl !== undefined && expiresAt !== undefined)
      throw errors.badRequest('Give ttl or expiresAt, not both.');
    const { maxLeaseSeconds } = this.quotaOf(name);
    if (isProtected && maxLeaseSeconds !== unlimited)
      throw errors.leaseTooLong('A protected instance outlives its lease', leaseText(maxLeaseSeconds));
    return {
      ...(ttl !== undefined && { expiresAt: this.leaseFor(name, ttl) }),
      ...(expiresAt !== undefined && {
        expiresAt: this.#allowed(name, expiresAt === null ? null : parseExpiresAt(expiresAt)),
      }),
      ...(isProtected !== undefined && { protected: isProtected }),
    };
  }

  #allowed(owner: string, end: string | null): string | null {
    const { maxLeaseSeconds } = this.quotaOf(owner);
    if (maxLeaseSeconds === unlimited) return end;
    if (end !== null && Date.parse(end) <= Date.now() + maxLeaseSeconds * 1000) return end;
    const asked = end === null ? 'A lease without an end' : `A lease until ${end}`;
    throw errors.leaseTooLong(`${asked} is too long`, leaseText(maxLeaseSeconds));
  }
}
