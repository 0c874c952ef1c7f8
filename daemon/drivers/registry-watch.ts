import { watch } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { Log } from '../log.ts';
import { messageOf } from '../errors/error.ts';

/** Many writes at once are one change. */
const settleMs = 20;

/** Calls `onChange` soon after any process has written to the registry, until `signal` aborts. */
export function watchRegistry(file: string, onChange: () => void, log: Log, signal: AbortSignal): void {
  // SQLite appends to it whatever is written, and whoever has the registry open keeps it there.
  const writeAheadLog = `${basename(file)}-wal`;
  let timer: NodeJS.Timeout | undefined;
  const watcher = watch(dirname(file), { signal }, (_type, name) => {
    if (name !== writeAheadLog) return;
    timer ??= setTimeout(() => {
      timer = undefined;
      if (!signal.aborted) onChange();
    }, settleMs);
  });
  watcher.on('error', (error) => {
    if (!signal.aborted) log.warn(`Changes of ${file} are noticed later from now on: ${messageOf(error)}`);
  });
}
