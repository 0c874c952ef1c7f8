import type { Context } from './command.ts';
import { comparedText, openFindings } from './compared.ts';
import { connect } from './connection.ts';
import type { Output } from './output.ts';
import { poolText } from './pool.ts';
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
  const { user, capacity, counts, pool, sleepAfterSeconds, defaultTtlSeconds } = status;
  const states = Object.entries(counts.instances).filter(([, count]) => count > 0);
  output.facts({
    daemon: `MyAAS ${status.version} on ${status.host} (${api.client.url})`,
    you: [user.name, ...(user.role === 'member' ? [] : [user.role]), ...(user.templates ?? [])].join(', '),
    gate:
      status.gate === 'connected'
        ? output.style('green', 'connected')
        : output.style('red', 'absent: no database can be reached'),
    templates: String(counts.templates),
    databases: states.length === 0 ? 'none' : states.map(([state, count]) => `${count} ${state}`).join(', '),
    pool: poolText(pool),
    memory: room(output, {
      freeBytes: capacity.memoryAvailableBytes,
      totalBytes: capacity.memoryTotalBytes,
      reserveBytes: capacity.memoryReserveBytes,
      refused: 'no server is started',
    }),
    disk: room(output, {
      freeBytes: capacity.diskFreeBytes,
      totalBytes: capacity.diskTotalBytes,
      reserveBytes: capacity.diskReserveBytes,
      refused: 'nothing is made',
    }),
    ports: `${capacity.portsFree} free of ${capacity.portsTotal}`,
    sleep:
      sleepAfterSeconds === null
        ? 'only when told to'
        : `after ${duration(sleepAfterSeconds)} without a connection`,
    lease:
      defaultTtlSeconds === null
        ? 'never ends, unless another is asked for'
        : `${duration(defaultTtlSeconds)}, unless another is asked for`,
    ...Object.fromEntries(
      status.engines.map(({ name, image, imageReason }) => [name, `${image} (${imageReason})`]),
    ),
    data: comparedText(status.reconciled),
  });
  for (const finding of openFindings(status.reconciled)) output.line(output.style('yellow', finding));
  return 0;
}

interface Room {
  readonly freeBytes: number;
  readonly totalBytes: number;
  /** Kept free, whoever asks. */
  readonly reserveBytes: number;
  /** What does not happen below the reserve. */
  readonly refused: string;
}

function room(output: Output, { freeBytes, totalBytes, reserveBytes, refused }: Room): string {
  const text = `${size(freeBytes)} free of ${size(totalBytes)}`;
  return freeBytes < reserveBytes
    ? output.style('red', `${text}, less than the reserve of ${size(reserveBytes)}: ${refused}`)
    : `${text}, reserve ${size(reserveBytes)}`;
}
