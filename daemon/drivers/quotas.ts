/**
 * How much a subvolume may write, held by the kernel: btrfs' simple quotas (Linux 6.7 and newer), which count only who
 * allocated an extent, so that they cost nothing that can be measured. Classic quotas would, at each extent.
 */
import { readFile } from 'node:fs/promises';
import { hasErrno } from '../errors/error.ts';
import { runProgram } from './program.ts';

/** What takes milliseconds on a disk that is well. */
const timeoutMs = 60_000;
const remedy = 'See "myaas doctor"; "dmesg" shows whether the disk has errors.';

/** BTRFS_IOC_QUOTA_CTL and BTRFS_QUOTA_CTL_ENABLE_SIMPLE_QUOTA of linux/btrfs.h, with `struct btrfs_ioctl_quota_ctl_args`. */
const enableByIoctl = `open(my $fs, '<', $ARGV[0]) or die "$!\\n";
  ioctl($fs, 0xC0109428, my $args = pack('QQ', 4, 0)) or die "$!\\n";`;

/** The directory in which the kernel tells of a btrfs. */
async function sysfsOf(path: string): Promise<string> {
  const uuid = await runProgram('findmnt', ['--noheadings', '--output', 'UUID', '--target', path], {
    remedy,
  });
  return `/sys/fs/btrfs/${uuid.trim()}`;
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** Turns simple quotas on, for the whole file system. Throws `MYAAS_PROGRAM_FAILED` where the kernel has none. */
export async function enableSimpleQuotas(path: string): Promise<void> {
  // Not by btrfs-progs: those of Debian 12 do not know the option. Perl is part of every Debian.
  await runProgram('perl', ['-e', enableByIoctl, '--', path], {
    remedy: 'Simple quotas need Linux 6.7 or newer.',
  });
}

/** The quotas of one file system that has simple ones. */
export class SimpleQuotas {
  readonly #path: string;
  readonly #sysfs: string;

  private constructor(path: string, sysfs: string) {
    this.#path = path;
    this.#sysfs = sysfs;
  }

  /** Undefined where no simple quotas are turned on. */
  static async find(path: string): Promise<SimpleQuotas | undefined> {
    const sysfs = await sysfsOf(path);
    const mode = await readIfThere(`${sysfs}/qgroups/mode`);
    return mode === 'squota' ? new SimpleQuotas(path, sysfs) : undefined;
  }

  /** From now on the subvolume's writes fail with EDQUOT when it has allocated so much; 0: never. */
  async limit(subvolume: string, limitBytes: number): Promise<void> {
    const limit = limitBytes === 0 ? 'none' : String(limitBytes);
    await runProgram('btrfs', ['qgroup', 'limit', '--', limit, subvolume], { remedy, timeoutMs });
  }

  /** The ids of the subvolumes below the path, by the ends of theirs. */
  async subvolumes(): Promise<Map<string, number>> {
    const list = await runProgram('btrfs', ['subvolume', 'list', '--', this.#path], { remedy, timeoutMs });
    const lines = list.matchAll(/^ID (\d+) .*? path (.*)$/gm);
    return new Map([...lines].map(([, id, path]) => [path ?? '', Number(id)]));
  }

  /** What a subvolume has allocated and may allocate (0: all there is), in bytes; undefined when it is gone. */
  async use(subvolumeId: number): Promise<{ usedBytes: number; limitBytes: number } | undefined> {
    const directory = `${this.#sysfs}/qgroups/0_${String(subvolumeId)}`;
    const files = ['referenced', 'rsv_data', 'rsv_meta_pertrans', 'rsv_meta_prealloc', 'max_referenced'];
    const texts = await Promise.all(files.map((file) => readIfThere(`${directory}/${file}`)));
    if (texts.includes(undefined)) return undefined;
    const limitBytes = Number(texts.pop());
    // What is promised counts as well: it is written with the next commit, up to 30 s later.
    return { usedBytes: texts.reduce((sum, text) => sum + Number(text), 0), limitBytes };
  }
}
