/** One who makes, uses, resets, sleeps, wakes and deletes instances of its own, and checks what is in them. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Connection, RowDataPacket } from 'mysql2/promise';
import type { ErrorBody } from '../../daemon/contract/contract.ts';
import type { Instance } from '../../daemon/contract/instances.ts';
import type { Random } from '../faults/random.ts';
import type { Answer, TestHost } from '../support/daemon.ts';
import type { Tally } from './tally.ts';

const actions = {
  create: 3,
  use: 8,
  reset: 3,
  sleep: 2,
  wake: 2,
  look: 3,
  extend: 1,
  abandon: 1,
  remove: 2,
} as const;
type Action = keyof typeof actions;

const mostInstances = 3;
/** What is refused for a reason that passes. */
const excuses = new Set(['MYAAS_MEMORY_FULL', 'MYAAS_INSTANCE_IN_USE', 'MYAAS_TEMPLATE_BUSY']);
const abandonedTtlSeconds = 20;

interface Held {
  readonly instance: Instance;
  /** Written since it was made, or reset. */
  rows: number;
}

export class SoakClient {
  readonly #host: TestHost;
  readonly #name: string;
  readonly #templates: readonly string[];
  readonly #random: Random;
  readonly #tally: Tally;
  #held: Held[] = [];
  #made = 0;

  constructor(host: TestHost, name: string, templates: readonly string[], random: Random, tally: Tally) {
    this.#host = host;
    this.#name = name;
    this.#templates = templates;
    this.#random = random;
    this.#tally = tally;
  }

  /** Does one thing after the other until the signal aborts. */
  async work(over: AbortSignal): Promise<void> {
    while (!over.aborted) {
      const held = this.#random.pick(this.#held);
      const wished = this.#random.weighted(actions);
      const action = held === undefined ? 'create' : wished === 'create' && this.#isFull ? 'remove' : wished;
      try {
        await this.#do(action, held);
      } catch (error) {
        this.#tally.fail(`${action} by ${this.#name}`, error);
        // What is in it is not known any more.
        if (held) await this.#remove(held).catch((second: unknown) => this.#tally.fail('remove', second));
      }
      // People look at what they got.
      await delay(this.#random.below(60));
    }
  }

  get #isFull(): boolean {
    return this.#held.length >= mostInstances;
  }

  async #do(action: Action, held: Held | undefined): Promise<void> {
    if (!held) return this.#create();
    const path = `/v1/instances/${held.instance.id}`;
    switch (action) {
      case 'create':
        return this.#create();
      case 'use':
        return this.#use(held);
      case 'reset':
        if (await this.#ask('reset', 'POST', `${path}/reset`)) held.rows = 0;
        return;
      case 'sleep':
      case 'wake':
        await this.#ask(action, 'POST', `${path}/${action}`);
        return;
      case 'look':
        return this.#look(path);
      case 'extend':
        await this.#ask(action, 'PATCH', path, { ttl: '1h' });
        return;
      case 'abandon':
        return this.#abandon();
      case 'remove':
        return this.#remove(held);
    }
  }

  /** The answer; undefined where it was refused for a reason that passes. Throws for all others. */
  async #ask<T>(
    operation: string,
    method: string,
    path: string,
    body?: unknown,
  ): Promise<Answer<T> | undefined> {
    return this.#tally.time(operation, async () => {
      const answer = await this.#host.api<T>(method, path, { ...(body !== undefined && { body }) });
      if (answer.status < 300) return answer;
      const { code } = (answer as Answer<ErrorBody>).body.error;
      if (!excuses.has(code)) throw new Error(`${method} ${path}: ${answer.text}`);
      this.#tally.count(code);
      return undefined;
    });
  }

  #nextName(): string {
    return `${this.#name}-${String(++this.#made)}`;
  }

  async #create(): Promise<void> {
    const template = this.#random.pick(this.#templates);
    const body = { template, name: this.#nextName(), ttl: '1h' };
    const answer = await this.#ask<Instance>('create', 'POST', '/v1/instances', body);
    if (answer) this.#held.push({ instance: answer.body, rows: 0 });
  }

  /** Connects, which wakes it; writes, and finds what was written before. */
  async #use(held: Held): Promise<void> {
    const connection = await this.#tally.time('connect', () => this.#host.connect(held.instance));
    try {
      await this.#tally.time('query', () => this.#writeAndCount(held, connection));
    } finally {
      if (this.#random.chance(0.5)) connection.destroy();
      else await connection.end();
    }
  }

  async #writeAndCount(held: Held, connection: Connection): Promise<void> {
    await connection.query('insert into written (text) values (repeat("x", 1000))');
    held.rows++;
    const [[row]] = await connection.query<RowDataPacket[]>('select count(*) as n from written');
    if (Number(row?.['n']) !== held.rows)
      throw new Error(`${held.instance.name} has ${String(row?.['n'])} rows, not ${String(held.rows)}`);
  }

  async #look(path: string): Promise<void> {
    const paths = ['/v1/instances', '/v1/templates', '/v1/status', '/metrics', `${path}/logs`, path];
    await this.#ask('look', 'GET', this.#random.pick(paths) ?? path);
  }

  /** Goes away while an instance is being made: it is undone, or ends with its lease. */
  async #abandon(): Promise<void> {
    const gone = new AbortController();
    const body = {
      template: this.#random.pick(this.#templates),
      name: this.#nextName(),
      ttl: abandonedTtlSeconds,
    };
    const asked = this.#host.api('POST', '/v1/instances', { body, signal: gone.signal });
    const heard = asked.then(
      () => undefined,
      () => undefined,
    );
    await Promise.race([heard, delay(this.#random.below(150))]);
    gone.abort();
    await heard;
    this.#tally.count('abandon');
  }

  async #remove(held: Held): Promise<void> {
    this.#held = this.#held.filter((other) => other !== held);
    await this.#ask('delete', 'DELETE', `/v1/instances/${held.instance.id}`);
  }
}
