/** What starts a server, each beside a script that does no more than that: create without a pool, reset, wake. */
import type { Instance } from '../../../daemon/contract/instances.ts';
import type { TestHost } from '../../support/daemon.ts';
import { median, quantile } from '../figures.ts';
import { Floor } from '../floor.ts';
import type { Finding, Part } from './finding.ts';
import { ask, openHost, pause, query, remove, smallDump, sourceOf, timed, untilPoolIsFull } from './host.ts';
import { settings } from './settings.ts';

/** Runs `round` so often; the first time is for warming up and does not count. */
async function inTurns(round: (counts: boolean) => Promise<void>): Promise<void> {
  for (let count = 0; count <= settings.rounds; count++) await round(count > 0);
}

async function measureEmptyPool(): Promise<Finding> {
  await using host = await openHost('0');
  await host.importDump('small', smallDump);
  await using floor = await Floor.prepare(host);
  const source = await sourceOf(host, 'small');
  const [floorMs, answeredMs, queriedMs] = [[], [], []] as [number[], number[], number[]];
  await inTurns(async (counts) => {
    const floorTook = await floor.measureCreate(source);
    let made: Instance | undefined;
    const answerTook = await timed(async () => {
      made = await host.create('small', 'direct');
    });
    const instance = made;
    if (instance?.from !== 'snapshot') throw new Error('There is a pool where none was asked for.');
    const queryTook = await timed(() => query(host, instance));
    await remove(host, instance);
    if (!counts) return;
    floorMs.push(floorTook);
    answeredMs.push(answerTook);
    queriedMs.push(answerTook + queryTook);
  });
  return {
    series: {
      'floor: snapshot, docker run, query': floorMs,
      'create, pool empty: POST answered': answeredMs,
      'create, pool empty: first query': queriedMs,
    },
    verdicts: [
      {
        what: 'create / floor, p50',
        measured: median(answeredMs) / median(floorMs),
        unit: '×',
        atMost: 1.15,
      },
      { what: "client's query / floor, p50", measured: median(queriedMs) / median(floorMs), unit: '×' },
    ],
  };
}

/** Milliseconds from the request for a reset to the first answered query. */
const timeReset = (host: TestHost, instance: Instance): Promise<number> =>
  timed(async () => {
    await ask(host, 'POST', `/v1/instances/${instance.id}/reset`);
    await query(host, instance);
  });

async function resetsFromPool(host: TestHost): Promise<number> {
  const { text } = await host.api<never>('GET', '/metrics');
  return Number(/^myaas_reset_seconds_count\{from="pool"\} (\d+)$/m.exec(text)?.[1] ?? 0);
}

async function measureReset(): Promise<Finding> {
  const [pooledMs, directMs, floorMs] = [[], [], []] as [number[], number[], number[]];
  {
    await using host = await openHost('2');
    await host.importDump('small', smallDump);
    const instance = await host.create('small', 'reset');
    await inTurns(async (counts) => {
      await untilPoolIsFull(host, 'small');
      await pause();
      const took = await timeReset(host, instance);
      if (counts) pooledMs.push(took);
    });
    if ((await resetsFromPool(host)) <= settings.rounds)
      throw new Error('Not every reset was from the pool.');
  }
  await using host = await openHost('0');
  await host.importDump('small', smallDump);
  await using floor = await Floor.prepare(host);
  const source = await sourceOf(host, 'small');
  const instance = await host.create('small', 'reset');
  await inTurns(async (counts) => {
    const floorTook = await floor.measureCreate(source);
    const took = await timeReset(host, instance);
    if (!counts) return;
    floorMs.push(floorTook);
    directMs.push(took);
  });
  return {
    series: {
      'reset from the pool': pooledMs,
      'reset, pool empty': directMs,
      'floor: snapshot, docker run, query': floorMs,
    },
    verdicts: [
      { what: 'reset from the pool, p50', measured: median(pooledMs), unit: 'ms', atMost: 50 },
      { what: 'reset from the pool, p95', measured: quantile(pooledMs, 0.95), unit: 'ms' },
      {
        what: 'reset, pool empty / floor, p50',
        measured: median(directMs) / median(floorMs),
        unit: '×',
        atMost: 1.15,
      },
    ],
  };
}

async function measureWake(): Promise<Finding> {
  await using host = await openHost('0');
  await host.importDump('small', smallDump);
  await using floor = await Floor.prepare(host);
  await floor.launch(await sourceOf(host, 'small'));
  const instance = await host.create('small', 'sleeper');
  const [wakeMs, floorMs] = [[], []] as [number[], number[]];
  await inTurns(async (counts) => {
    await ask(host, 'POST', `/v1/instances/${instance.id}/sleep`);
    const took = await timed(() => query(host, instance));
    const floorTook = await floor.measureStart();
    if (!counts) return;
    wakeMs.push(took);
    floorMs.push(floorTook);
  });
  const ratio = (share: number) => quantile(wakeMs, share) / quantile(floorMs, share);
  return {
    series: { 'wake on connect': wakeMs, 'floor: docker start, query': floorMs },
    verdicts: [
      { what: 'wake / floor, p50', measured: ratio(0.5), unit: '×' },
      { what: 'wake / floor, p95', measured: ratio(0.95), unit: '×', atMost: 1.25 },
    ],
  };
}

export const empty: Part = { title: 'Create with an empty pool', measure: measureEmptyPool };
export const reset: Part = { title: 'Reset: POST to the first answered query', measure: measureReset };
export const wake: Part = { title: 'Wake: connect to the first answered query', measure: measureWake };
