/** What must be true when the dust has settled. Each function returns what is not, in words. */
import type { RowDataPacket } from 'mysql2/promise';
import type { Instance, InstanceState } from '../../daemon/contract/instances.ts';
import type { Template } from '../../daemon/contract/templates.ts';
import { messageOf } from '../../daemon/errors/error.ts';
import { exists } from '../../daemon/host/files.ts';
import { Changes } from '../support/changes.ts';
import type { Client } from './client.ts';
import type { Editions } from './editions.ts';
import type { Holding } from './holding.ts';
import { leaks } from './leaks.ts';
import type { Operator } from './operator.ts';
import type { World } from './world.ts';

const passing: readonly InstanceState[] = ['creating', 'resetting', 'waking', 'deleting'];
/** A server that has died more often than this is given up, so that it does not die for ever. */
const toleratedDeaths = 3;

export interface Scene {
  readonly world: World;
  readonly clients: readonly Client[];
  readonly editions: Editions;
  readonly operator: Operator;
}

/** Waits until the host has mended what was killed, and compares it with what its clients were promised. */
export async function inspect(scene: Scene, isChosen: (instance: Instance) => boolean): Promise<string[]> {
  const { world, clients, editions, operator } = scene;
  await world.up();
  using changes = await Changes.follow(world.host);
  const stuck = await changes.until(() => unsettled(scene));
  const wrongAnswers = clients.flatMap((client) => client.wrongAnswers.splice(0));
  if (stuck !== undefined) return [...wrongAnswers, `stuck: ${stuck}`];
  const templates = await templatesOf(scene);
  const leaked = await changes.until(async () => (await leaks(world.host)).join('; ') || undefined);
  const defects = [...editions.compare(templates), ...(leaked === undefined ? [] : [leaked])];
  const listed = new Map(
    (await list(scene)).map((instance) => [`${instance.template}/${instance.name}`, instance]),
  );
  for (const client of clients) {
    defects.push(
      ...client.holdings.flatMap((holding) => reconcile(holding, listed.get(holding.ref), operator)),
    );
    for (const { ref } of client.holdings) listed.delete(ref);
    client.holdings = client.holdings.filter(({ presence }) => presence !== 'gone');
  }
  for (const ref of listed.keys()) defects.push(`leaked: nobody asked for instance ${ref}`);
  operator.look(templates);
  const chosen = clients
    .flatMap(({ holdings }) => holdings)
    .filter(({ presence, instance }) => presence === 'sure' && instance && isChosen(instance));
  const wrong = await Promise.all(
    chosen.map(async (holding) => {
      const defect = await changes.until(() => compareRows(scene, holding));
      return defect === undefined ? [] : [`lost: ${holding.ref}: ${defect}`];
    }),
  );
  return [...wrongAnswers, ...defects, ...wrong.flat()];
}

/** What was acknowledged and has no row or no data at this moment, whatever has just been killed. */
export async function offRecord({
  world: { host },
  clients,
  operator: { doomed },
}: Scene): Promise<string[]> {
  const held = clients.flatMap(({ holdings }) => holdings);
  const defects = await Promise.all(
    held.map(async (holding) => {
      const isSure = () => holding.presence === 'sure' && !doomed.has(holding.template);
      const { id, port, password } = holding.instance ?? {};
      if (!isSure() || id === undefined) return [];
      const row = host.registry.instance(id);
      if (row?.port !== port || row?.password !== password)
        return isSure() ? [`lost: ${holding.ref} was answered, and is not on record`] : [];
      const isThere = await exists(`${host.paths.instance(row?.clone ?? '')}/datadir`);
      // A reset may have given it another clone meanwhile.
      const isStill = isSure() && host.registry.instance(id)?.clone === row?.clone;
      return isThere || !isStill ? [] : [`lost: ${holding.ref} is on record, and its data is gone`];
    }),
  );
  return defects.flat();
}

async function list({ world: { host } }: Scene): Promise<Instance[]> {
  return (await host.api<{ instances: Instance[] }>('GET', '/v1/instances')).body.instances;
}

async function templatesOf({ world: { host } }: Scene): Promise<Template[]> {
  return (await host.api<{ templates: Template[] }>('GET', '/v1/templates')).body.templates;
}

async function unsettled(scene: Scene): Promise<string | undefined> {
  const now = new Date().toISOString();
  const instances = await list(scene);
  const underWay = instances.find(
    ({ state, expiresAt }) => passing.includes(state) || (expiresAt !== null && expiresAt <= now),
  );
  if (underWay) return `${underWay.template}/${underWay.name} is ${underWay.state}`;
  const importing = (await templatesOf(scene)).find((each) => each.import?.state === 'running');
  return importing && `${importing.name} is being imported`;
}

/** What the list says of an instance, against what its client was told. */
function reconcile(holding: Holding, found: Instance | undefined, { doomed }: Operator): string[] {
  const { presence, ref, template } = holding;
  if (!found) {
    const isDue = presence === 'fleeting' && Date.parse(holding.instance?.expiresAt ?? '') > Date.now();
    const isLost = (presence === 'sure' || isDue) && !doomed.has(template);
    holding.presence = 'gone';
    return isLost ? [`lost: ${ref} was answered, and is not there`] : [];
  }
  if (presence === 'gone') return [`leaked: ${ref} is still there`];
  if (presence !== 'fleeting') holding.has(found);
  return [];
}

/** Logs in through the gate as its client does. */
async function compareRows({ world, editions }: Scene, holding: Holding): Promise<string | undefined> {
  const { host } = world;
  const { body: instance } = await host.api<Instance>('GET', `/v1/instances/${holding.instance?.id ?? ''}`);
  if (instance.state === 'failed')
    return isWornOut(world, instance) ? undefined : `it has failed: ${instance.failure ?? ''}`;
  const { port, user, password } = holding.instance ?? instance;
  if (instance.port !== port || instance.user !== user || instance.password !== password)
    return 'its port or its credentials have changed';
  try {
    const connection = await host.connect(instance);
    connection.on('error', () => undefined);
    try {
      const [found] = await connection.query<RowDataPacket[]>('select n from marks');
      const [[data]] = await connection.query<RowDataPacket[]>(
        'select (select n from edition) as edition, (select count(*) from ballast) as ballast',
      );
      const numbers = new Set(found.map(({ n }) => Number(n)));
      const half = [...numbers].find((n) => !numbers.has(-n));
      if (half !== undefined) return `half of a transaction: ${String(half)}`;
      return (
        holding.compare(new Set([...numbers].filter((n) => n > 0))) ??
        editions.compareData(instance, Number(data?.['edition']), Number(data?.['ballast']))
      );
    } finally {
      connection.destroy();
    }
  } catch (error) {
    // Its server may just be starting again: whoever asked waits for that to be told.
    return `it does not answer as ${instance.state}: ${messageOf(error)}`;
  }
}

function isWornOut({ host, deaths }: World, { id, failure = '' }: Instance): boolean {
  const clone = host.registry.instance(id)?.clone ?? '';
  return /^Its server stopped \d+ times/.test(failure) && (deaths.get(clone) ?? 0) > toleratedDeaths;
}
