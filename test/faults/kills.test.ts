/**
 * Kills whatever can be killed, at random moments, while clients make, use, reset, put to sleep and delete instances
 * and templates are imported and deleted; then compares what there is with what was promised. MYAAS_FAULTS_ROUNDS and
 * MYAAS_FAULTS_SEED (`npm run test:faults -- --rounds N --seed S`) say how long, and repeat a run as far as the
 * machine's own timing allows.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { readConfig } from '../../daemon/config.ts';
import { startHost, type TestHost } from '../support/daemon.ts';
import { testDirectory, testImage } from '../support/machine.ts';
import { engineAt } from '../support/workshop.ts';
import { Client } from './client.ts';
import { Editions } from './editions.ts';
import { Engine } from './engine.ts';
import { inspect, type Scene } from './inspect.ts';
import { remains } from './leaks.ts';
import { Journal } from './journal.ts';
import { Operator } from './operator.ts';
import { Random } from './random.ts';
import { World } from './world.ts';

const seed = process.env['MYAAS_FAULTS_SEED'] ?? randomBytes(4).toString('hex');
/** Without a number of rounds, as many as fit in the time that a run of all tests has for this. */
const rounds = Number(process.env['MYAAS_FAULTS_ROUNDS'] ?? Infinity);
const shortFormMs = 200_000;

const clientCount = 4;
const mostKillsPerRound = 6;
/** About as long as anything takes that a kill can hit. */
const longestPauseMs = 500;

describe('whatever is killed, whenever', function () {
  this.timeout(0);
  let engine: Engine;
  let host: TestHost;

  before(async () => {
    const directory = await mkdtemp(`${tmpdir()}/engine-`);
    engine = new Engine(directory);
    await engine.start();
    await engine.copyImage(testImage(), engineAt(readConfig().dockerHost));
    host = await startHost(
      {
        MYAAS_DOCKER_HOST: engine.host,
        MYAAS_POOL: '1-2',
        MYAAS_SLEEP_AFTER: '1',
        MYAAS_SLEEP_CONNECTED_AFTER: '1',
        // What is started a thousand times is to start soon.
        NODE_COMPILE_CACHE: `${testDirectory()}/compile-cache`,
      },
      'dist/myaas.js',
    );
  });
  after(async () => {
    await host.stop().finally(() => engine[Symbol.asyncDispose]());
    await rm(`${testDirectory()}/compile-cache`, { recursive: true });
  });

  it('loses nothing that was acknowledged, and leaks nothing', async () => {
    const scene = await setScene(new World(host, engine));
    const journal = new Journal(scene, seed);
    for (let round = 0; round < rounds; round++) {
      if (rounds === Infinity && journal.ms > shortFormMs) break;
      const random = new Random(`${seed}/${String(round)}`);
      const hits = await rage(scene, random);
      // Those that sleep are woken by a look.
      journal.round(hits, await inspect(scene, ({ state }) => state !== 'asleep' || random.chance(0.25)));
    }
    journal.note('at the end', await inspect(scene, () => true));
    journal.note('after all was deleted', await clearAway(scene));
    journal.tell();
    assert.deepEqual(journal.defects, []);
  });
});

async function setScene(world: World): Promise<Scene> {
  const editions = new Editions(world.host);
  const operator = new Operator(world, editions);
  for (const template of operator.templates) await editions.write(template);
  await world.host.update();
  const names = Array.from({ length: clientCount }, (_, index) => `c${String(index)}`);
  const clients = names.map((name) => new Client(world, name, () => operator.templates));
  return { world, clients, editions, operator };
}

/** One round: everybody works, and is hit by some kills in a row. Returns what was killed. */
async function rage({ world, clients, operator }: Scene, random: Random): Promise<string[]> {
  const over = new AbortController();
  const working = [
    ...clients.map((client, index) => client.work(random.of(`client ${String(index)}`), over.signal)),
    operator.work(random.of('operator'), over.signal),
  ];
  const all = Promise.all(working);
  // Heard below, when the killing is over.
  all.catch(() => undefined);
  const hits: string[] = [];
  await operator.isWhereItMatters;
  for (let left = 1 + random.below(mostKillsPerRound); left > 0; left--) {
    await delay(random.below(longestPauseMs));
    hits.push(await world.kill(random));
  }
  over.abort();
  await all;
  return hits;
}

/** Templates serve; then all is deleted, and nothing is left. */
async function clearAway({ world: { host }, operator, editions }: Scene): Promise<string[]> {
  const defects: string[] = [];
  for (const template of operator.templates) {
    const instance = await host.create(template, 'last');
    const connection = await host.connect(instance);
    const [rows] = await connection.query('select n from edition');
    if ((rows as unknown[]).length !== 1) defects.push(`lost: template ${template} is not whole`);
    connection.destroy();
  }
  const { instances } = (await host.api<{ instances: { id: string }[] }>('GET', '/v1/instances')).body;
  const answers = await Promise.all(instances.map(({ id }) => host.api('DELETE', `/v1/instances/${id}`)));
  for (const { status, text } of answers) if (status !== 204) defects.push(`lost: DELETE answered ${text}`);
  await host.serve.stop();
  defects.push(...(await remains(host)));
  await host.serve.start();
  return [
    ...defects,
    ...editions.compare((await host.api<{ templates: [] }>('GET', '/v1/templates')).body.templates),
  ];
}
