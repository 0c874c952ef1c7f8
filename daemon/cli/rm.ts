import { MyaasError } from '../errors/error.ts';
import type { Api } from './api.ts';
import type { Context } from './command.ts';
import { forEachInstance } from './each.ts';
import { titleOf } from './instance.ts';

interface Options {
  readonly force?: true;
}

/** `myaas rm`: deletes instances. */
export async function remove(
  context: Context,
  [references]: readonly [string[]],
  { force }: Options,
): Promise<number> {
  return forEachInstance(context, references, {
    act: async (api, instance) => {
      await deleteInstance(api, instance.id, force);
      return titleOf(instance);
    },
    line: (title) => `Deleted ${title}.`,
    json: (deleted) => ({ deleted }),
  });
}

/** Deletes an instance, with `force` a protected one too; one that is gone already is what was wanted. */
export async function deleteInstance(api: Api, id: string, force = false): Promise<void> {
  try {
    await api.deleteInstance(id, force);
  } catch (error) {
    if (!(error instanceof MyaasError && error.code === 'MYAAS_INSTANCE_NOT_FOUND')) throw error;
  }
}
