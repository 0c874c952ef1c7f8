import type { Context } from './command.ts';
import { connect } from './connection.ts';
import { leaseOf, serverOf, stateStyles, titleOf } from './instance.ts';
import { relative, size } from './units.ts';

interface Options {
  readonly all?: true;
  readonly template?: string;
}

/** `myaas ls`: the caller's instances, or everybody's. */
export async function list(
  context: Context,
  _arguments: readonly [],
  { all, template }: Options,
): Promise<number> {
  const { output } = context;
  const api = await connect(context);
  const owner = all ? undefined : (await api.status()).user.name;
  const instances = await api.instances({
    ...(owner !== undefined && { owner }),
    ...(template !== undefined && { template }),
  });
  if (context.json) {
    output.json({ instances });
  } else if (instances.length === 0) {
    output.note(all ? 'There are no databases.' : 'You have no databases. "myaas new TEMPLATE" makes one.');
  } else {
    output.table(
      ['DATABASE', 'STATE', 'SERVER', 'ADDRESS', 'SIZE', 'MADE', 'EXPIRES', ...(all ? ['OWNER'] : [])],
      instances.map((instance) => [
        titleOf(instance),
        output.style(stateStyles[instance.state], instance.state),
        serverOf(instance),
        `${instance.host}:${instance.port}`,
        size(instance.sizeBytes),
        relative(instance.createdAt),
        leaseOf(instance),
        ...(all ? [instance.owner] : []),
      ]),
    );
  }
  return 0;
}
