import type { Context } from './command.ts';
import { forEachInstance } from './each.ts';
import { titleOf } from './instance.ts';

/** `myaas sleep`: stops servers that nothing runs in. */
export async function putToSleep(context: Context, [references]: readonly [string[]]): Promise<number> {
  return forEachInstance(context, references, {
    act: (api, { id }) => api.sleepInstance(id),
    line: (instance) => `${titleOf(instance)} is asleep; the first connection wakes it.`,
    json: (instances) => ({ instances }),
  });
}
