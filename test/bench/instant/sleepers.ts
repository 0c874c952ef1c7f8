/** Hundreds of instances asleep on one host: what they cost, and whether each of them wakes. */
import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { execa } from 'execa';
import { pathsOf } from '../../../daemon/paths.ts';
import type { Instance } from '../../../daemon/contract/instances.ts';
import { Slots } from '../../../daemon/slots.ts';
import type { TestHost } from '../../support/daemon.ts';
import { listMs, memoryOf } from '../density.ts';
import { median, quantile } from '../figures.ts';
import type { Finding, Part } from './finding.ts';
import { openHost, query, smallDump, timed } from './host.ts';
import { settings } from './settings.ts';

const bytesPerMb = 1e6;

async function inParallel<T, R>(
  items: readonly T[],
  atOnce: number,
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const slots = new Slots(atOnce);
  return Promise.all(
    items.map(async (item) => {
      using _ = await slots.take();
      return await work(item);
    }),
  );
}

async function memoryAvailableMb(): Promise<number> {
  const text = await readFile('/proc/meminfo', 'utf8');
  return (Number(/^MemAvailable: +(\d+) kB/m.exec(text)?.[1]) * 1024) / bytesPerMb;
}

/** Of the file system's data and metadata, once what was deleted is gone and what was written is there. */
async function diskUsedMb(host: TestHost): Promise<number> {
  await execa('btrfs', ['filesystem', 'sync', host.paths.data]);
  const { stdout } = await execa('btrfs', ['filesystem', 'usage', '--raw', host.paths.data]);
  return Number(/^\s*Used:\s+(\d+)/m.exec(stdout)?.[1]) / bytesPerMb;
}

async function putToSleep(host: TestHost, { id }: Instance): Promise<void> {
  const { status, text } = await host.api('POST', `/v1/instances/${id}/sleep`);
  if (status !== 200) throw new Error(`${id} does not fall asleep: ${text}`);
}

async function checkAllAsleep(host: TestHost, count: number): Promise<void> {
  const { body } = await host.api<{ instances: Instance[] }>('GET', '/v1/instances');
  const asleep = body.instances.filter(({ state }) => state === 'asleep').length;
  if (asleep !== count) throw new Error(`${String(asleep)} of ${String(count)} instances are asleep.`);
}

async function measureSleepers(): Promise<Finding> {
  const { sleepers: count, wakersAtOnce } = settings;
  await using host = await openHost('0', count);
  await host.importDump('small', smallDump);
  // What is made only once is there before.
  const first = await host.create('small', 'sleeper-0');
  await putToSleep(host, first);
  const [memoryBeforeMb, diskBeforeMb] = [await memoryAvailableMb(), await diskUsedMb(host)];

  const names = Array.from({ length: count - 1 }, (_, index) => `sleeper-${String(index + 1)}`);
  const others = await inParallel(names, 2 * availableParallelism(), async (name) => {
    const instance = await host.create('small', name);
    await putToSleep(host, instance);
    return instance;
  });
  const all = [first, ...others];
  await checkAllAsleep(host, count);
  const [memoryAfterMb, diskAfterMb] = [await memoryAvailableMb(), await diskUsedMb(host)];
  const list = await listMs(host, { socketPath: pathsOf(host.config).apiSocket }, count);
  const residentMb = async (pid: number) => ((await memoryOf(pid)).residentMib * 2 ** 20) / bytesPerMb;
  const [serveMb, gateMb] = [await residentMb(host.serve.pid), await residentMb(host.gate.pid)];

  const wakeMs = await inParallel(all, wakersAtOnce, async (instance) => {
    const took = await timed(() => query(host, instance));
    await putToSleep(host, instance);
    return took;
  });
  await checkAllAsleep(host, count);
  const serveLaterMb = await residentMb(host.serve.pid);
  return {
    series: {
      [`GET /v1/instances of ${String(count)}`]: list,
      [`wake on connect, ${String(wakersAtOnce)} at a time`]: wakeMs,
    },
    verdicts: [
      { what: 'asleep side by side, listed, each woken', measured: wakeMs.length, unit: '', atLeast: 500 },
      {
        what: 'memory per sleeping instance',
        measured: (memoryBeforeMb - memoryAfterMb) / others.length,
        unit: 'MB',
      },
      {
        what: 'disk per instance that has run',
        measured: (diskAfterMb - diskBeforeMb) / others.length,
        unit: 'MB',
      },
      { what: 'serve, resident', measured: serveMb, unit: 'MB', atMost: 120 },
      { what: 'serve, resident, after waking them all', measured: serveLaterMb, unit: 'MB', atMost: 120 },
      { what: 'gate, resident', measured: gateMb, unit: 'MB' },
      { what: 'GET /v1/instances, p50', measured: median(list), unit: 'ms' },
      { what: 'GET /v1/instances, p99', measured: quantile(list, 0.99), unit: 'ms', atMost: 15 },
    ],
  };
}

export const sleepers: Part = { title: 'Hundreds asleep on one host', measure: measureSleepers };
