import type { Context } from './command.ts';
import { connect } from './connection.ts';
import { duration, size } from './units.ts';

/** `myaas status`: the daemon, its host's capacity, and who we are to it. */
export async function showStatus(context: Context): Promise<number> {
  const { output } = context;
  const api = await connect(context);
  const status = await api.status();
  if (context.json) {
    output.json(status);
    return 0;
  }
  const { user, capacity, counts, defaultTtlSeconds } = status;
  const states = Object.entries(counts.instances).filter(([, count]) => count > 0);
  output.facts({
    daemon: `MyAAS ${status.version} on ${status.host} (${api.client.url})`,
    you: `${user.name}${user.admin ? ', admin' : ''}`,
    gate:
      status.gate === 'connected'
        ? output.style('green', 'connected')
        : output.style('red', 'absent: no database can be reached'),
    templates: String(counts.templates),
    databases: states.length === 0 ? 'none' : states.map(([state, count]) => `${count} ${state}`).join(', '),
    disk: `${size(capacity.diskFreeBytes)} free of ${size(capacity.diskTotalBytes)}`,
    ports: `${capacity.portsFree} free of ${capacity.portsTotal}`,
    lease:
      defaultTtlSeconds === null
        ? 'never ends, unless another is asked for'
        : `${duration(defaultTtlSeconds)}, unless another is asked for`,
  });
  for (const { name, image, imageReason } of status.engines)
    output.facts({ [name]: `${image} (${imageReason})` });
  return 0;
}
