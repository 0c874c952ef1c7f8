/** Many requests at once, on a host without a pool. */
import { availableParallelism } from 'node:os';
import type { Instance } from '../../../daemon/contract/instances.ts';
import type { TestHost } from '../../support/daemon.ts';
import { median } from '../figures.ts';
import { Floor } from '../floor.ts';
import type { Finding, Part } from './finding.ts';
import { openHost, smallDump, sourceOf } from './host.ts';
import { settings } from './settings.ts';

/** Of the floor, on both sides of every burst: a machine that slows down meanwhile is slow for both. */
const floorsBesideBurst = 5;

interface Answered<T> {
  readonly result: T;
  readonly tookMs: number;
  /** Where it stood among the answers; the first is 0. */
  readonly rank: number;
}

/** Starts all at once. */
async function atOnce<T>(requests: readonly (() => Promise<T>)[]): Promise<Answered<T>[]> {
  const startedMs = performance.now();
  let answered = 0;
  return Promise.all(
    requests.map(async (request) => {
      const result = await request();
      return { result, rank: answered++, tookMs: performance.now() - startedMs };
    }),
  );
}

const longest = (answers: readonly Answered<unknown>[]) => Math.max(...answers.map(({ tookMs }) => tookMs));
/** How many places somebody was overtaken, or overtook, at most. */
const largestShift = (answers: readonly Answered<unknown>[]) =>
  Math.max(...answers.map(({ rank }, index) => Math.abs(rank - index)));

const createAll = (host: TestHost, name: string, count: number) =>
  atOnce(Array.from({ length: count }, (_, index) => () => host.create('small', `${name}-${String(index)}`)));

/** Creates, resets and deletes, a third each, in turns. Throws unless all are answered as they should be. */
async function mix(host: TestHost, instances: readonly Instance[]): Promise<Answered<void>[]> {
  const answers = await atOnce(
    instances.map(({ id }, index) => async () => {
      const [method, path, body, wanted] = (
        [
          ['POST', '/v1/instances', { template: 'small', name: `mixed-${String(index)}` }, 201],
          ['POST', `/v1/instances/${id}/reset`, undefined, 200],
          ['DELETE', `/v1/instances/${id}`, undefined, 204],
        ] as const
      )[index % 3] as readonly [string, string, unknown, number];
      const { status, text } = await host.api(method, path, { ...(body !== undefined && { body }) });
      if (status !== wanted) throw new Error(`${method} ${path} was answered by ${String(status)}: ${text}`);
    }),
  );
  return answers;
}

async function removeAll(host: TestHost): Promise<void> {
  const { body } = await host.api<{ instances: Instance[] }>('GET', '/v1/instances');
  await atOnce(
    body.instances.map(
      ({ id }) =>
        () =>
          host.api('DELETE', `/v1/instances/${id}`),
    ),
  );
}

async function measureBurst(): Promise<Finding> {
  const { burst: count, burstRounds } = settings;
  await using host = await openHost('0', 2 * count);
  await host.importDump('small', smallDump);
  await using floor = await Floor.prepare(host);
  const source = await sourceOf(host, 'small');
  const floorMs: number[] = [];
  const measureFloor = async () => {
    for (let turn = 0; turn < floorsBesideBurst; turn++) floorMs.push(await floor.measureCreate(source));
  };
  await floor.measureCreate(source);
  await host.create('small', 'warm-up');
  const createMs: number[] = [];
  const burstMs: number[] = [];
  const mixedMs: number[] = [];
  const shifts: number[] = [];
  await measureFloor();
  for (let round = 0; round < burstRounds; round++) {
    const created = await createAll(host, `burst-${String(round)}`, count);
    createMs.push(...created.map(({ tookMs }) => tookMs));
    burstMs.push(longest(created));
    shifts.push(largestShift(created));
    mixedMs.push(
      longest(
        await mix(
          host,
          created.map(({ result }) => result),
        ),
      ),
    );
    await removeAll(host);
    await measureFloor();
  }
  const boundMs = (count * median(floorMs)) / availableParallelism();
  const all = `${String(count)} at once`;
  return {
    series: {
      'floor: snapshot, docker run, query': floorMs,
      [`create, of ${all}`]: createMs,
      [`${all}: all ready`]: burstMs,
      [`${all}, mixed: all answered`]: mixedMs,
    },
    verdicts: [
      {
        what: `${all}: all ready / (${String(count)} × floor ÷ cores)`,
        measured: median(burstMs) / boundMs,
        unit: '×',
        atMost: 1.2,
      },
      {
        what: `${all}, creates, resets, deletes mixed / the same`,
        measured: median(mixedMs) / boundMs,
        unit: '×',
      },
      {
        what: 'places by which an answer was out of order, at most',
        measured: Math.max(...shifts),
        unit: '',
      },
    ],
  };
}

export const burst: Part = { title: 'Many creates at once, no pool', measure: measureBurst };
