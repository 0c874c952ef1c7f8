/** Whether the host can bear one more server: what is refused here would have slowed down or killed the others. */
import { readFile } from 'node:fs/promises';
import type { Config } from '../config.ts';
import type { Paths } from '../paths.ts';
import { diskSpace } from '../drivers/btrfs.ts';
import { errors } from '../errors/errors.ts';

export interface AdmissionDeps {
  readonly config: Pick<Config, 'memoryReserveBytes' | 'diskReserveBytes'>;
  readonly paths: Pick<Paths, 'instances'>;
  /** Gives back the memory of something that nobody uses; false when there is no such thing. */
  readonly evict: () => Promise<boolean>;
}

export interface Memory {
  readonly totalBytes: number;
  /** What can be had without swapping: free, and caches that can be dropped. */
  readonly availableBytes: number;
  /** Below it no server is started. */
  readonly reserveBytes: number;
}

/** What an idle server takes, generously: see "density" of the benchmarks. What it takes later is the reserve's part. */
const serverBytes = 96 * 2 ** 20;
const defaultReserve = { share: 0.05, leastBytes: 512 * 2 ** 20 } as const;

export class Admission {
  readonly #deps: AdmissionDeps;
  /** Servers being started, whose memory is not taken yet. */
  #starting = 0;

  constructor(deps: AdmissionDeps) {
    this.#deps = deps;
  }

  async memory(): Promise<Memory> {
    const { memTotal, memAvailable } = parseMeminfo(await readFile('/proc/meminfo', 'utf8'));
    const { share, leastBytes } = defaultReserve;
    const reserveBytes =
      this.#deps.config.memoryReserveBytes ?? Math.round(Math.max(leastBytes, memTotal * share));
    return { totalBytes: memTotal, availableBytes: memAvailable, reserveBytes };
  }

  /** Whether `count` more servers leave the reserve alone. */
  async hasRoomFor(count: number): Promise<boolean> {
    const { availableBytes, reserveBytes } = await this.memory();
    return availableBytes - (this.#starting + count) * serverBytes >= reserveBytes;
  }

  /**
   * To be held while a server starts. Takes from the pool what is missing. Throws `MYAAS_MEMORY_FULL`.
   */
  async enter(): Promise<Disposable> {
    while (!(await this.hasRoomFor(1))) {
      if (await this.#deps.evict()) continue;
      const { availableBytes, reserveBytes } = await this.memory();
      throw errors.memoryFull(availableBytes, reserveBytes + serverBytes);
    }
    this.#starting++;
    return {
      [Symbol.dispose]: () => {
        this.#starting--;
      },
    };
  }

  /** Throws `MYAAS_DISK_FULL` when the others would soon be unable to write. */
  async checkDisk(): Promise<void> {
    const { instances } = this.#deps.paths;
    const { diskReserveBytes } = this.#deps.config;
    const { freeBytes } = await diskSpace(instances);
    if (freeBytes < diskReserveBytes) throw errors.diskFull(instances, freeBytes, diskReserveBytes);
  }
}

/** The kernel writes "MemTotal:       24589480 kB" (Documentation/filesystems/proc.rst). */
function parseMeminfo(text: string): { memTotal: number; memAvailable: number } {
  const bytesOf = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1]) * 1024;
  return { memTotal: bytesOf('MemTotal'), memAvailable: bytesOf('MemAvailable') };
}
