import type { Context } from './command.ts';
import { connect } from './connection.ts';
import { findInstance } from './instance.ts';
import { credentialsOf } from './variables.ts';

/** `myaas url`: the connection URL of an instance, with its password, which is what is asked for. */
export async function printUrl(context: Context, [reference]: readonly [string]): Promise<number> {
  const { url } = credentialsOf(await findInstance(await connect(context), reference));
  if (context.json) context.output.json({ url });
  else context.output.line(url);
  return 0;
}
