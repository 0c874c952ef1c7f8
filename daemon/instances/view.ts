/** Instances as clients see them. */
import type { Instance, InstanceState } from '../contract.ts';
import type { InstanceRow, User } from '../drivers/registry.ts';
import type { Engine } from '../engines/engine.ts';

export const refOf = ({ template, name }: Pick<InstanceRow, 'template' | 'name'>): string =>
  `${template}/${name}`;

/** `hostname` is what clients are told to connect to. Credentials only for the owner and for admins. */
export function viewOf(
  row: InstanceRow,
  state: InstanceState,
  viewer: User | undefined,
  hostname: string,
  engine: Engine,
): Instance {
  const { clone: _, databaseName, username, failure, origin, password, ...open } = row;
  const address = { username, password, host: hostname, port: row.port, database: databaseName };
  const mayKnow = viewer !== undefined && (viewer.admin || viewer.name === row.owner);
  return {
    ...open,
    state,
    ...(failure !== null && { failure }),
    host: hostname,
    database: databaseName,
    user: username,
    ...(mayKnow && { password, url: engine.urlOf(address) }),
    from: origin,
  };
}
