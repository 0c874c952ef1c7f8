/** A MyAAS to measure, as services run it: the bundle, with the units' memory settings. And what a client of it does. */
import { setTimeout as delay } from 'node:timers/promises';
import { execa } from 'execa';
import mysql, { type Connection } from 'mysql2/promise';
import type { Instance } from '../../../daemon/contract/instances.ts';
import type { Template } from '../../../daemon/contract/templates.ts';
import { mariadb } from '../../../daemon/engines/mariadb.ts';
import { leanMemory } from '../../../daemon/host/lean-memory.ts';
import { freePorts, startHost, type TestHost } from '../../support/daemon.ts';
import { settings } from './settings.ts';

export const bundle = 'dist/myaas.js';
/** Beyond the instances that a part makes: those of its pool have none, but a port is free again only when all is gone. */
const morePorts = 20;

export const buildBundle = async (): Promise<void> => {
  await execa(process.execPath, ['esbuild.mjs'], { stdio: 'inherit' });
};

/** `pool` is `MYAAS_POOL`. */
export async function openHost(pool: string, instances = 20): Promise<TestHost> {
  const count = instances + morePorts;
  const firstPort = await freePorts(count);
  return startHost(
    {
      ...leanMemory,
      MYAAS_POOL: pool,
      MYAAS_MEMORY_LIMIT: '2g',
      MYAAS_PORTS: `${String(firstPort)}-${String(firstPort + count - 1)}`,
      // Only who is told to sleeps.
      MYAAS_SLEEP_AFTER: 'never',
    },
    bundle,
  );
}

/** About 10 MB of rows. */
export const smallDump = `create table t (id int primary key, data varchar(1000));
insert into t select seq, repeat(md5(seq), 30) from seq_1_to_10000;`;

/** About 1 MB a row. */
export const largeDump = `create table t (id int primary key, data longblob);
insert into t select seq, repeat(md5(seq), 30000) from seq_1_to_${String(settings.largeRows)};`;

/** Where the floor's clones of a template come from. */
export async function sourceOf(host: TestHost, template: string): Promise<string> {
  const { body } = await host.api<Template>('GET', `/v1/templates/${template}`);
  return `${host.paths.version(template, body.current ?? '')}/datadir`;
}

/** Throws unless the daemon has done it. */
export async function ask(host: TestHost, method: string, path: string): Promise<void> {
  const { status, text } = await host.api(method, path);
  if (status >= 300) throw new Error(`${method} ${path} was answered by ${String(status)}: ${text}`);
}

export const remove = (host: TestHost, { id }: Instance): Promise<void> =>
  ask(host, 'DELETE', `/v1/instances/${id}`);

/** What people do between two things they ask for. */
export const pause = (): Promise<void> => delay(settings.pauseMs);

/** Milliseconds that `work` takes. */
export async function timed(work: () => Promise<void>): Promise<number> {
  const startedMs = performance.now();
  await work();
  return performance.now() - startedMs;
}

const goodbyes = (connection: Connection): void => {
  // Not waited for: it is no part of what is measured.
  void connection.end().catch(() => connection.destroy());
};

/** Connects to an instance's port as its user, and has a query answered. */
export async function query(host: TestHost, instance: Instance): Promise<void> {
  const connection = await host.connect(instance);
  await connection.query('select 1');
  goodbyes(connection);
}

/** The same without MyAAS between: through the socket of the instance's server. */
export async function queryDirectly(
  host: TestHost,
  { id, user, password = '', database }: Instance,
): Promise<void> {
  const clone = host.registry.instance(id)?.clone ?? '';
  const socketPath = `${host.paths.run(clone)}/${mariadb.socketName}`;
  const connection = await mysql.createConnection({ socketPath, user, password, database });
  await connection.query('select 1');
  goodbyes(connection);
}

/** Returns when the template's pool holds as many as it is to hold. */
export async function untilPoolIsFull(host: TestHost, template: string): Promise<void> {
  const isFull = ({ name, pool }: Template) => name === template && pool.ready >= pool.target;
  const isFullNow = async () => isFull((await host.api<Template>('GET', `/v1/templates/${template}`)).body);
  const { frames } = await host.watch();
  for await (const { event } of frames) {
    // The first event: from here on no change is missed.
    if (event.type === 'hello' && (await isFullNow())) return;
    if (event.type === 'template' && isFull(event.template)) return;
  }
  throw new Error('The event stream ended.');
}
