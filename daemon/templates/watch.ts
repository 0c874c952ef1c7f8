/** Dumps are imported when they arrive, if the operator wants it. */
import { watch } from 'node:fs';
import { sep } from 'node:path';
import { messageOf } from '../errors/error.ts';
import type { Log } from '../log.ts';
import { companionOf } from './companions.ts';
import { listDumps } from './dumps.ts';
import type { ImportJobs } from './jobs.ts';

export interface WatchDeps {
  readonly dumpsDirectory: string;
  /** A dump has arrived when nothing of it has changed for so long. */
  readonly quietMs: number;
  readonly jobs: Pick<ImportJobs, 'start'>;
  readonly log: Log;
}

/** Told by the kernel of every write. What others write on a network file system it does not see. */
export function watchDumps({ dumpsDirectory, quietMs, jobs, log }: WatchDeps, signal: AbortSignal): void {
  const changed = new Map<string, NodeJS.Timeout>();

  const importArrived = async (entry: string): Promise<void> => {
    const { dumps, bad } = await listDumps(dumpsDirectory);
    const arrived = [...dumps, ...bad].find(
      ({ file, template }) => file === entry || template === companionOf(entry),
    );
    if (!arrived) return;
    log.info(`${entry} has arrived.`);
    await jobs.start({ templates: [arrived.template] });
  };

  const watcher = watch(dumpsDirectory, { recursive: true, signal }, (_, path) => {
    const entry = path?.split(sep)[0];
    if (entry === undefined || entry.startsWith('.')) return;
    clearTimeout(changed.get(entry));
    const arrive = () => {
      changed.delete(entry);
      void importArrived(entry).catch((error: unknown) =>
        log.error(`${entry} has arrived, and is not imported: ${messageOf(error)}`),
      );
    };
    changed.set(entry, setTimeout(arrive, quietMs));
  });
  watcher.on('error', (error) => log.error(`${dumpsDirectory} is not watched any more: ${messageOf(error)}`));
  watcher.on('close', () => {
    for (const timer of changed.values()) clearTimeout(timer);
  });
}
