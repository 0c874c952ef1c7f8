/**
 * How much one instance may write besides the data that it was cloned with. Where the file system has simple quotas the
 * kernel holds the limit; elsewhere it is watched (`DiskWatch`), which is coarser.
 */
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Paths } from '../paths.ts';
import type { DiskLimitSetting } from '../settings.ts';
import { diskSpace } from '../drivers/btrfs.ts';
import { SimpleQuotas } from '../drivers/quotas.ts';
import type { InstanceRow } from '../drivers/registry.ts';
import { hasErrno } from '../errors/error.ts';
import { errors } from '../errors/errors.ts';

export interface DiskUse {
  /** Written since it was cloned, as far as it is still there. */
  readonly usedBytes: number;
  readonly limitBytes: number;
  /** Its server can't write any more, or hardly. */
  readonly full: boolean;
}

type Measured = Pick<InstanceRow, 'clone' | 'sizeBytes'>;

/** A server that extends a file by its usual step does not get it when less is left. */
const marginBytes = 16 * 2 ** 20;

/** One instance must not take all from the others, and seldom needs as much as this. */
const defaultShare = 0.25;

/** In bytes; undefined: none. */
export function limitBytesOf(setting: DiskLimitSetting | undefined, totalBytes: number): number | undefined {
  switch (setting?.kind) {
    case 'off':
      return undefined;
    case 'bytes':
      return setting.bytes;
    case 'share':
    case undefined:
      return Math.floor(totalBytes * (setting?.share ?? defaultShare));
  }
}

export class DiskLimit {
  readonly #paths: Pick<Paths, 'instance'>;
  readonly #quotas: SimpleQuotas | undefined;
  /** Undefined: there is none. */
  readonly bytes: number | undefined;
  /** As last seen, by clone. */
  readonly #seen = new Map<string, DiskUse>();
  /** Ids of the clones' subvolumes. */
  #subvolumes = new Map<string, number>();

  private constructor(
    paths: Pick<Paths, 'instance'>,
    quotas: SimpleQuotas | undefined,
    bytes: number | undefined,
  ) {
    this.#paths = paths;
    this.#quotas = quotas;
    this.bytes = bytes;
  }

  static async open(
    paths: Pick<Paths, 'instance' | 'instances'>,
    setting: DiskLimitSetting | undefined,
  ): Promise<DiskLimit> {
    const { totalBytes } = await diskSpace(paths.instances);
    const bytes = limitBytesOf(setting, totalBytes);
    return new DiskLimit(paths, await SimpleQuotas.find(paths.instances), bytes);
  }

  /** Whether the kernel holds the limit. */
  get isHeldByKernel(): boolean {
    return this.#quotas !== undefined;
  }

  /** To be done to every clone when it is made. */
  async apply(clone: string): Promise<void> {
    if (this.bytes === undefined) return;
    await this.#quotas?.limit(this.#dataOf(clone), this.bytes);
  }

  /** Gives a clone, whose data nobody watches, a limit of its own. Throws `MYAAS_HOST_NOT_READY`. */
  async applyOwn(clone: string, limitBytes: number): Promise<void> {
    if (!this.#quotas) {
      throw errors.hostNotReady(
        'The file system has no simple quotas, which hold the limit of a volume.',
        'On Linux 6.7 or newer, set MYAAS_DISK_LIMIT and run "myaas init"; or leave "disk-limit" out.',
      );
    }
    await this.#quotas.limit(this.#dataOf(clone), limitBytes);
  }

  #dataOf(clone: string): string {
    return `${this.#paths.instance(clone)}/datadir`;
  }

  /** As it was last looked at. */
  useOf(clone: string): DiskUse | undefined {
    return this.#seen.get(clone);
  }

  forgetAllBut(clones: ReadonlySet<string>): void {
    for (const clone of this.#seen.keys()) if (!clones.has(clone)) this.#seen.delete(clone);
  }

  /** Looks at an instance now. Undefined when there is no limit, or nothing to look at. */
  async look(row: Measured): Promise<DiskUse | undefined> {
    const limitBytes = this.bytes;
    if (limitBytes === undefined) return undefined;
    const usedBytes = this.#quotas
      ? await this.#asked(this.#quotas, row, limitBytes)
      : await this.#grown(row);
    if (usedBytes === undefined) return undefined;
    const use = { usedBytes, limitBytes, full: usedBytes + marginBytes > limitBytes };
    this.#seen.set(row.clone, use);
    return use;
  }

  /** What the kernel has counted. A clone that was made under another limit gets this one. */
  async #asked(quotas: SimpleQuotas, { clone }: Measured, limitBytes: number): Promise<number | undefined> {
    if (!this.#subvolumes.has(clone)) await this.#findSubvolumes(quotas);
    const id = this.#subvolumes.get(clone);
    const use = id === undefined ? undefined : await quotas.use(id);
    if (use && use.limitBytes !== limitBytes) await this.apply(clone);
    return use?.usedBytes;
  }

  async #findSubvolumes(quotas: SimpleQuotas): Promise<void> {
    const found = [...(await quotas.subvolumes())].flatMap(([path, id]): [string, number][] => {
      const clone = /(?:^|\/)instances\/([0-9a-f]{12})\/datadir$/.exec(path)?.[1];
      return clone === undefined ? [] : [[clone, id]];
    });
    this.#subvolumes = new Map(found);
  }

  /**
   * By how much its files have grown: what was overwritten in place is not in it, and can't be more than the data it was
   * cloned with.
   */
  async #grown({ clone, sizeBytes }: Measured): Promise<number | undefined> {
    const sizes = await sizesBelow(this.#dataOf(clone));
    return Math.max(0, sizes - sizeBytes);
  }
}

/** What the files below a directory take; 0 when there is none. Servers make and remove files meanwhile. */
async function sizesBelow(directory: string): Promise<number> {
  try {
    const entries = await readdir(directory, { withFileTypes: true, recursive: true });
    const sizes = entries
      .filter((entry) => entry.isFile())
      .map(async ({ parentPath, name }) => {
        const { blocks } = await lstat(join(parentPath, name));
        return blocks * 512;
      });
    const settled = await Promise.allSettled(sizes);
    return settled.reduce((sum, size) => sum + (size.status === 'fulfilled' ? size.value : 0), 0);
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return 0;
    throw error;
  }
}
