import type { Context } from './command.ts';
import { connect } from './connection.ts';
import { findInstance, titleOf } from './instance.ts';

interface Options {
  readonly version?: string;
}

/** `myaas reset`: fresh data for an instance. */
export async function reset(
  context: Context,
  [reference]: readonly [string],
  { version }: Options,
): Promise<number> {
  const api = await connect(context);
  const { id } = await findInstance(api, reference);
  const instance = await api.resetInstance(id, version === undefined ? {} : { version });
  if (context.json) context.output.json(instance);
  else context.output.line(`${titleOf(instance)} is as version ${instance.version} of its template again.`);
  return 0;
}
