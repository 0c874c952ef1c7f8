import type { Context } from './command.ts';
import { connect } from './connection.ts';
import { findInstance } from './instance.ts';

/** `myaas logs`: what an instance's server wrote into its log. */
export async function printLogs(context: Context, [reference]: readonly [string]): Promise<number> {
  const api = await connect(context);
  const { id } = await findInstance(api, reference);
  const log = await api.instanceLogs(id);
  if (context.json) context.output.json({ log });
  else context.output.stdout.write(log);
  return 0;
}
