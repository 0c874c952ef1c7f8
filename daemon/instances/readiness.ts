/** Waiting for what a server does to files, told by the kernel: no looking again and again. */
import { existsSync, readFileSync, watch } from 'node:fs';

/** Resolves when `directory` has an entry `name`. */
export const fileAppears = (directory: string, name: string, signal: AbortSignal): Promise<void> =>
  becomesTrue(directory, signal, () => existsSync(`${directory}/${name}`));

/** Resolves when the file `name` in `directory` is there and says so. */
export const fileSays = (
  directory: string,
  { name, says }: { readonly name: string; readonly says: RegExp },
  signal: AbortSignal,
): Promise<void> =>
  becomesTrue(
    directory,
    signal,
    () => existsSync(`${directory}/${name}`) && says.test(readFileSync(`${directory}/${name}`, 'utf8')),
  );

/** Looks again whenever something in the directory changes. */
async function becomesTrue(directory: string, signal: AbortSignal, isTrue: () => boolean): Promise<void> {
  signal.throwIfAborted();
  await new Promise<void>((resolve, reject) => {
    const watcher = watch(directory, { signal }, () => {
      if (isTrue()) done();
    });
    const done = () => {
      watcher.close();
      resolve();
    };
    watcher.once('error', reject);
    watcher.once('close', () => reject(new Error(`Nobody waits for files in ${directory} any more.`)));
    if (isTrue()) done();
  });
}
