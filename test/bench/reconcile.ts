/**
 * How long registry, Docker and disk take to be compared with hundreds of instances: sleeping ones, of real snapshots
 * and real containers, as `serve` finds them when it starts; then with some of all that harmed.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import type { Status } from '../../daemon/contract/status.ts';
import type { Template } from '../../daemon/contract/templates.ts';
import { deleteSubvolume, snapshot } from '../../daemon/drivers/btrfs.ts';
import { inContainer } from '../../daemon/engines/engine.ts';
import { writeCard, type CloneCard } from '../../daemon/instances/clone-card.ts';
import { Slots } from '../../daemon/slots.ts';
import type { TestHost } from '../support/daemon.ts';
import { testImage } from '../support/machine.ts';
import { table } from './figures.ts';
import { buildBundle, openHost, smallDump, sourceOf, timed } from './instant/host.ts';

const instances = 500;
const rounds = 5;
/** Of each kind. */
const harmed = 20;
const wantedMs = 2000;
const atOnce = 4;

async function forEach<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  const slots = new Slots(atOnce);
  await Promise.all(
    items.map(async (item) => {
      using _ = await slots.take();
      await work(item);
    }),
  );
}

const newIds = (count: number): string[] =>
  Array.from({ length: count }, () => randomBytes(6).toString('hex'));

/** The data and the card of a clone that the registry does not know. */
async function makeData(host: TestHost, source: string, card: CloneCard, id: string): Promise<void> {
  const home = host.paths.instance(id);
  await mkdir(home);
  await writeCard(home, card);
  await snapshot(source, `${home}/datadir`);
}

/** All that a sleeping instance is, but for having run. */
async function makeSleeper(host: TestHost, source: string, card: CloneCard, id: string): Promise<void> {
  await makeData(host, source, card, id);
  const run = host.paths.run(id);
  await mkdir(run);
  await host.docker.create({
    role: 'server',
    id,
    image: testImage(),
    command: ['mariadbd'],
    // It never starts.
    user: { uid: 65_534, gid: 65_534 },
    mounts: [
      { source: host.paths.instance(id), target: inContainer.home },
      { source: run, target: inContainer.run },
    ],
    memoryBytes: host.config.memoryLimitBytes,
  });
  host.registry.reserve(
    {
      ...{ id, clone: id, name: id, state: 'asleep', failure: null, owner: 'admin' },
      ...{ template: card.template, version: card.version, engine: card.engine, engineSeries: '' },
      ...{ databaseName: card.databaseName, username: card.username, password: 'p'.repeat(32) },
      ...{ createdAt: new Date().toISOString(), expiresAt: null, protected: false, upgradedFrom: null },
      ...{ sizeBytes: 0, createMs: null, origin: 'snapshot' },
    },
    host.config.ports,
  );
}

/** Starts `serve`, which compares all before it serves. Returns what it says of that. */
async function compareAtStart(host: TestHost): Promise<Status['reconciled']> {
  await host.serve.start();
  const { reconciled } = (await host.api<Status>('GET', '/v1/status')).body;
  await host.serve.stop();
  return reconciled;
}

/** Takes away the containers, the data and the run directories of some each, and leaves data that nobody knows. */
async function harm(
  host: TestHost,
  ids: readonly string[],
  leave: (id: string) => Promise<void>,
): Promise<void> {
  const { docker, paths } = host;
  await forEach(ids.slice(0, harmed), (id) => docker.removeAllOf(id));
  await forEach(ids.slice(harmed, 2 * harmed), (id) => deleteSubvolume(`${paths.instance(id)}/datadir`));
  await forEach(ids.slice(2 * harmed, 3 * harmed), (id) => rm(paths.run(id), { recursive: true }));
  await forEach(newIds(harmed), (id) => mkdir(paths.run(id)));
  await forEach(newIds(harmed), leave);
}

export async function benchReconcile(): Promise<void> {
  await buildBundle();
  await using host = await openHost('0', instances);
  await host.importDump('small', smallDump);
  const { body: template } = await host.api<Template>('GET', '/v1/templates/small');
  const card: CloneCard = {
    engine: 'mariadb',
    template: 'small',
    version: template.current ?? '',
    databaseName: 'small',
    username: 'myaas',
  };
  const source = await sourceOf(host, 'small');
  await host.serve.stop();
  const ids = newIds(instances);
  await forEach(ids, (id) => makeSleeper(host, source, card, id));

  const lists: number[] = [];
  const quiet: number[] = [];
  for (let round = 0; round < rounds; round++) {
    lists.push(
      await timed(async () => {
        await host.docker.list();
      }),
    );
    const { durationMs, findings } = await compareAtStart(host);
    if (findings.length > 0) throw new Error(`Found what is not there: ${JSON.stringify(findings)}`);
    quiet.push(durationMs ?? NaN);
  }
  await harm(host, ids, (id) => makeData(host, source, card, id));
  const { durationMs, findings } = await compareAtStart(host);
  const title = `${String(instances)} instances, ms (wanted ≤ ${String(wantedMs)})`;
  console.log(`\nRegistry, Docker and disk compared, ${title}:\n`);
  console.log(
    table([
      ['the list of Docker alone', lists],
      ['all as it should be', quiet],
      [`with ${String(findings.length)} things to mend or tell`, [durationMs ?? NaN]],
    ]),
  );
  await forEach(await host.docker.list(), ({ containerId }) => host.docker.remove(containerId));
}
