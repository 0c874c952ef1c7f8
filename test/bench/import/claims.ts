/** Claims and creations go on while a dump is imported: how much longer they take. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Instance } from '../../../daemon/contract/instances.ts';
import type { TestHost } from '../../support/daemon.ts';
import { median, quantile } from '../figures.ts';
import type { Finding, Part } from '../instant/finding.ts';
import { query, remove, smallDump, timed, untilPoolIsFull } from '../instant/host.ts';
import { settings } from '../instant/settings.ts';
import { writeShopDump } from '../shop-dump.ts';
import { importHost, sizeBytes } from './host.ts';
import { importAll } from './job.ts';

const pool = '4';
/** While nothing is imported. */
const rounds = 60;

/** Milliseconds from the request to the first answered query, at a human pace, until there are enough. */
async function claimUntil(host: TestHost, enough: (count: number) => boolean): Promise<number[]> {
  const ms: number[] = [];
  while (!enough(ms.length)) {
    await delay(settings.pauseMs);
    const made: Instance[] = [];
    ms.push(
      await timed(async () => {
        const instance = await host.create('small', `claim-${String(ms.length)}`);
        made.push(instance);
        await query(host, instance);
      }),
    );
    for (const instance of made) await remove(host, instance);
  }
  return ms;
}

async function measure(): Promise<Finding> {
  await using host = await importHost({ MYAAS_POOL: pool });
  await host.importDump('small', smallDump);
  await untilPoolIsFull(host, 'small');
  const quietMs = await claimUntil(host, (count) => count === rounds);
  await writeShopDump(`${host.dumpsDir}/shop.sql`, sizeBytes);
  let ended = false;
  const importing = importAll(host, false).finally(() => (ended = true));
  const busyMs = await claimUntil(host, (count) => ended && count > 0);
  const { totalSeconds } = await importing;
  const ratio = (share: number) => quantile(busyMs, share) / quantile(quietMs, share);
  return {
    series: { 'claim, quiet': quietMs, 'claim, importing': busyMs, 'the import': [totalSeconds * 1000] },
    verdicts: [
      { what: 'claims beside the import', measured: busyMs.length, unit: '' },
      { what: 'importing / quiet, p50', measured: median(busyMs) / median(quietMs), unit: '×' },
      { what: 'importing / quiet, p99', measured: ratio(0.99), unit: '×', atMost: 2 },
    ],
  };
}

export const claims: Part = { title: 'Claims while a dump is imported', measure };
