import type { Context } from './command.ts';
import { connect } from './connection.ts';
import { findInstance, leaseOf, serverOf, stateStyles, stateWords, titleOf } from './instance.ts';
import { relative, size } from './units.ts';

/** `myaas show`: one instance. Its password is printed only where it was asked for: by `env`, `url` and `--json`. */
export async function show(context: Context, [reference]: readonly [string]): Promise<number> {
  const { output } = context;
  const instance = await findInstance(await connect(context), reference);
  if (context.json) {
    output.json(instance);
    return 0;
  }
  const { createMs } = instance;
  const from = instance.from === 'pool' ? 'from the pool' : 'from a snapshot';
  output.facts({
    database: output.style('bold', titleOf(instance)),
    state: output.style(stateStyles[instance.state], stateWords[instance.state]),
    doing: instance.progress,
    failure: instance.failure,
    address: `${instance.host}:${instance.port}`,
    schema: instance.database,
    user: instance.user,
    engine: serverOf(instance),
    version: instance.version,
    size: size(instance.sizeBytes),
    written:
      instance.disk &&
      `${size(instance.disk.usedBytes)} of ${size(instance.disk.limitBytes)}${instance.disk.full ? ', no more can be written' : ''}`,
    owner: instance.owner,
    made: `${relative(instance.createdAt)} ${from}${createMs === null ? '' : ` in ${createMs} ms`}`,
    expires: leaseOf(instance),
    id: instance.id,
  });
  return 0;
}
