import type { Instance } from '../contract/instances.ts';
import { MyaasError } from '../errors/error.ts';
import type { Api } from './api.ts';
import type { Context } from './command.ts';
import { connect } from './connection.ts';
import { findInstance } from './instance.ts';

/** What a command does to each of several instances, and how it tells of it. */
export interface Deed<T> {
  readonly act: (api: Api, instance: Instance) => Promise<T>;
  readonly line: (result: T) => string;
  readonly json: (results: readonly T[]) => unknown;
}

/** Does something to all the instances it can be done to, and fails when it could not be done to one. */
export async function forEachInstance<T>(
  context: Context,
  references: readonly string[],
  deed: Deed<T>,
): Promise<number> {
  const { output, json } = context;
  const api = await connect(context);
  const results: T[] = [];
  let exitCode = 0;
  for (const reference of references) {
    try {
      const result = await deed.act(api, await findInstance(api, reference));
      results.push(result);
      if (!json) output.line(deed.line(result));
    } catch (error) {
      // What concerns one of them must not keep the others; no daemon or a Ctrl-C concerns all.
      if (!(error instanceof MyaasError) || error.code === 'MYAAS_DAEMON_UNREACHABLE') throw error;
      output.error(error, json);
      exitCode = 1;
    }
  }
  if (json) output.json(deed.json(results));
  return exitCode;
}
