/**
 * Kills whatever can be killed, at random moments, while clients make, use, reset, put to sleep and delete instances
 * and templates are imported and deleted. After each kill, what was acknowledged must be on record and on the disk; after
 * each round of kills, all there is is compared with what was promised. MYAAS_FAULTS_KILLS and MYAAS_FAULTS_SEED
 * (`npm run test:faults -- --kills N --seed S`) say how many, and repeat a run as far as the machine's own timing allows.
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
import { inspect, offRecord, type Scene } from './inspect.ts';
import { remains } from './leaks.ts';
import { Journal } from './journal.ts';
import { Operator } from './operator.ts';
import { Random } from './random.ts';
import { World } from './world.ts';

const seed = process.env['MYAAS_FAULTS_SEED'] ?? randomBytes(4).toString('hex');
const wantedKills = Number(process.env['MYAAS_FAULTS_KILLS'] ?? 1000);
/** Who names no number does not wait longer: a slow machine kills less, and does not fail for that. */
const limitMs = process.env['MYAAS_FAULTS_KILLS'] === undefined ? 600_000 : Infinity;

const clientCount = 4;
const mostKillsPerRound = 30;
/** What a kill waits for: that something gets done between two of them, or who starts again is there, or nothing. */
const patience = { work: 45, start: 35, none: 20 } as const;
/** About as long as most takes that a kill can hit. */
const longestPauseMs = 250;
/** What an import is at may be over after that. */
const shortPauseMs = 20;

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
    while (journal.kills < wantedKills && journal.ms < limitMs) {
      const random = new Random(`${seed}/${String(journal.rounds)}`);
      const { hits, defects } = await rage(scene, random, wantedKills - journal.kills);
      // Those that sleep are woken by a look.
      const found = await inspect(scene, ({ state }) => state !== 'asleep' || random.chance(0.25));
      journal.round(hits, [...defects, ...found]);
    }
    const end = journal.kills < wantedKills ? 'the time was up' : 'that many were wanted';
    journal.note('at the end', await inspect(scene, () => true));
    journal.note('after all was deleted', await clearAway(scene));
    journal.tell(`, ${end}`);
    assert.deepEqual(journal.defects, []);
  });
});

async function setScene(world: World): Promise<Scene> {
  const editions = new Editions(world.host);
  const operator = new Operator(world, editions);
  for (const template of operator.templates) await editions.write(template);
  await world.host.update();
  const names = Array.from({ length: clientCount }, (_, index) => `c${String(index)}`);
  const templates = () => operator.templates;
  const isDoomed = (template: string) => operator.doomed.has(template);
  const clients = names.map((name) => new Client(world, name, { templates, isDoomed }));
  return { world, clients, editions, operator };
}

/** One round: everybody works, and is hit by some kills in a row. Returns what was killed, and what was lost at once. */
async function rage(
  scene: Scene,
  random: Random,
  mostKills: number,
): Promise<{ hits: string[]; defects: string[] }> {
  const { world, clients, operator } = scene;
  const over = new AbortController();
  const working = [
    ...clients.map((client, index) => client.work(random.of(`client ${String(index)}`), over.signal)),
    operator.work(random.of('operator'), over.signal),
  ];
  const all = Promise.all(working);
  // Heard below, when the killing is over.
  all.catch(() => undefined);
  const hits: string[] = [];
  const defects: string[] = [];
  const isImporting = await operator.isWhereItMatters;
  for (let left = Math.min(mostKills, 1 + random.below(mostKillsPerRound)); left > 0; left--) {
    const awaited = random.weighted(patience);
    if (awaited === 'work') await world.workDone();
    else if (awaited === 'start') await world.up();
    await delay(random.below(isImporting && hits.length === 0 ? shortPauseMs : longestPauseMs));
    hits.push(await world.kill(random));
    defects.push(...(await offRecord(scene)));
  }
  over.abort();
  await all;
  return { hits, defects };
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
