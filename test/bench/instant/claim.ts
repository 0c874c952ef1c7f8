/** From the request to the client's first answered query, when the pool has an instance. */
import type { Instance } from '../../../daemon/contract/instances.ts';
import type { TestHost } from '../../support/daemon.ts';
import { median, quantile } from '../figures.ts';
import type { Finding, Part } from './finding.ts';
import {
  largeDump,
  openHost,
  pause,
  query,
  queryDirectly,
  remove,
  smallDump,
  timed,
  untilPoolIsFull,
} from './host.ts';
import { settings } from './settings.ts';

/** So many that, at a human pace, one is always there. */
const pool = '4';

/** Claims one after the other; each instance is deleted when the next one is there. */
class Claims {
  readonly ms: number[] = [];
  readonly #host: TestHost;
  readonly #template: string;
  #former: Instance | undefined;

  constructor(host: TestHost, template: string) {
    this.#host = host;
    this.#template = template;
  }

  async next(): Promise<void> {
    let made: Instance | undefined;
    const ms = await timed(async () => {
      made = await this.#host.create(this.#template, `claim-${String(this.ms.length)}`);
      await query(this.#host, made);
    });
    if (made?.from !== 'pool')
      throw new Error(`The pool of ${this.#template} was empty: this machine is too busy.`);
    this.ms.push(ms);
    if (this.#former) await remove(this.#host, this.#former);
    this.#former = made;
  }
}

async function measureClaims(): Promise<Finding> {
  await using host = await openHost(pool);
  await host.importDump('small', smallDump);
  await untilPoolIsFull(host, 'small');
  const running = await host.create('small', 'running');
  const claims = new Claims(host, 'small');
  const bareMs: number[] = [];
  const gateMs: number[] = [];
  for (let round = 0; round < settings.claims; round++) {
    await pause();
    await claims.next();
    // At the same pace as the claims: a machine that has rested answers later than one that is busy with nothing else.
    await pause();
    bareMs.push(await timed(() => queryDirectly(host, running)));
    gateMs.push(await timed(() => query(host, running)));
  }
  return {
    series: {
      'claim: POST to first query': claims.ms,
      'bare: connect and query, socket': bareMs,
      'bare: connect and query, gate': gateMs,
    },
    verdicts: [
      { what: 'claim, p50', measured: median(claims.ms), unit: 'ms', atMost: 20 },
      { what: 'claim, p99', measured: quantile(claims.ms, 0.99), unit: 'ms', atMost: 75 },
      { what: 'claim / bare, p50', measured: median(claims.ms) / median(bareMs), unit: '×', atMost: 5 },
    ],
  };
}

async function measureSizes(): Promise<Finding> {
  await using host = await openHost(pool);
  await host.importDump('small', smallDump);
  await host.importDump('large', largeDump);
  const { body } = await host.api<{ sizeBytes: number }>('GET', '/v1/templates/large');
  await untilPoolIsFull(host, 'small');
  await untilPoolIsFull(host, 'large');
  const small = new Claims(host, 'small');
  const large = new Claims(host, 'large');
  for (let round = 0; round < settings.sizeRounds; round++) {
    // Who comes first changes: what went before one must not always be the same.
    for (const claims of round % 2 === 0 ? [small, large] : [large, small]) {
      await pause();
      await claims.next();
    }
  }
  const ratio = (share: number) => quantile(large.ms, share) / quantile(small.ms, share);
  return {
    series: { 'claim, 10 MB': small.ms, 'claim, large': large.ms },
    verdicts: [
      { what: 'size of the large template', measured: body.sizeBytes / 1e6, unit: 'MB' },
      { what: 'large / 10 MB, p50', measured: ratio(0.5), unit: '×', atMost: 1.1 },
      { what: 'large / 10 MB, p90', measured: ratio(0.9), unit: '×' },
    ],
  };
}

export const claim: Part = {
  title: 'Claim: POST to the first answered query, at a human pace',
  measure: measureClaims,
};

export const size: Part = { title: 'Claim of a large template beside one of 10 MB', measure: measureSizes };
