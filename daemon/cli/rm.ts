import { MyaasError } from '../errors.ts';
import type { Api } from './api.ts';
import type { Context } from './command.ts';
import { connect } from './connection.ts';
import { findInstance, titleOf } from './instance.ts';

interface Options {
  readonly force?: true;
}

/** `myaas rm`: deletes instances, all that can be, and fails when one could not. */
export async function remove(
  context: Context,
  [references]: readonly [string[]],
  { force }: Options,
): Promise<number> {
  const { output, json } = context;
  const api = await connect(context);
  const removed: string[] = [];
  let exitCode = 0;
  for (const reference of references) {
    try {
      removed.push(await removeOne(api, reference, force === true));
      if (!json) output.line(`Deleted ${removed.at(-1) ?? ''}.`);
    } catch (error) {
      // What concerns one of them must not keep the others; no daemon or a Ctrl-C concerns all.
      if (!(error instanceof MyaasError) || error.code === 'MYAAS_DAEMON_UNREACHABLE') throw error;
      output.error(error, json);
      exitCode = 1;
    }
  }
  if (json) output.json({ deleted: removed });
  return exitCode;
}

async function removeOne(api: Api, reference: string, force: boolean): Promise<string> {
  const instance = await findInstance(api, reference);
  await deleteInstance(api, instance.id, force);
  return titleOf(instance);
}

/** Deletes an instance, with `force` a protected one too; one that is gone already is what was wanted. */
export async function deleteInstance(api: Api, id: string, force = false): Promise<void> {
  try {
    await api.deleteInstance(id, force);
  } catch (error) {
    if (!(error instanceof MyaasError && error.code === 'MYAAS_INSTANCE_NOT_FOUND')) throw error;
  }
}
