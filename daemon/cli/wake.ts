import type { Context } from './command.ts';
import { forEachInstance } from './each.ts';
import { titleOf } from './instance.ts';

/** `myaas wake`: starts servers before somebody connects. */
export async function wakeUp(context: Context, [references]: readonly [string[]]): Promise<number> {
  return forEachInstance(context, references, {
    act: (api, { id }) => api.wakeInstance(id),
    line: (instance) => `${titleOf(instance)} is awake at ${instance.host}:${instance.port}.`,
    json: (instances) => ({ instances }),
  });
}
