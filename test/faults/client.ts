/** One who uses instances while the world falls down around them, and remembers what they were promised. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Connection } from 'mysql2/promise';
import type { ErrorBody } from '../../daemon/contract/contract.ts';
import type { Instance } from '../../daemon/contract/instances.ts';
import type { Answer } from '../support/daemon.ts';
import { Holding } from './holding.ts';
import type { Random } from './random.ts';
import type { Step, World } from './world.ts';

/** Whoever waits longer for an answer has been forgotten. */
const answerLimitMs = 180_000;
const mostHoldings = 2;

const actions = { write: 40, create: 20, reset: 14, remove: 14, sleep: 7, wake: 5 } as const;
type Action = keyof typeof actions;

export class Client {
  readonly #world: World;
  readonly #name: string;
  readonly #templates: () => readonly string[];
  /** Whether a template's instances may go with it. */
  readonly #isDoomed: (template: string) => boolean;
  holdings: Holding[] = [];
  /** Answers that are never right, whatever has been killed. */
  readonly wrongAnswers: string[] = [];
  #made = 0;
  #rows = 0;

  constructor(
    world: World,
    name: string,
    { templates, isDoomed }: { templates: () => readonly string[]; isDoomed: (template: string) => boolean },
  ) {
    this.#world = world;
    this.#name = name;
    this.#templates = templates;
    this.#isDoomed = isDoomed;
  }

  /** Does one thing after the other until the signal aborts. */
  async work(random: Random, over: AbortSignal): Promise<void> {
    while (!over.aborted) {
      await this.#world.up();
      await this.#lookAfterUnsure();
      const action = random.weighted(actions);
      const held = random.pick(this.holdings.filter(({ presence }) => presence === 'sure'));
      if (action === 'create' || !held) await this.#create(random);
      else await this.#do(action, held, random);
      // People look at what they got.
      await delay(random.below(40));
    }
  }

  /**
   * Who was not answered looks what came of it, and so does whose template is being deleted. Only the end of a daemon leaves a request without an answer, and the next
   * one has undone before it serves what was half-made: what is not there then will never be.
   */
  async #lookAfterUnsure(): Promise<void> {
    const unsure = this.holdings.filter(
      ({ presence, template }) => presence === 'unsure' || (presence === 'sure' && this.#isDoomed(template)),
    );
    for (const holding of unsure) {
      const answer = await this.#ask<Instance>('GET', `/v1/instances/${encodeURIComponent(holding.ref)}`);
      if (answer?.status === 404) holding.presence = 'gone';
      else if (answer?.status === 200 && answer.body.state !== 'deleting') holding.has(answer.body);
    }
  }

  get #isFull(): boolean {
    const now = new Date().toISOString();
    const there = this.holdings.filter(({ presence, instance }) =>
      presence === 'fleeting' ? (instance?.expiresAt ?? '') > now : presence !== 'gone',
    );
    return there.length >= mostHoldings;
  }

  async #do(action: Exclude<Action, 'create'>, held: Holding, random: Random): Promise<void> {
    const step = this.#stepOf(action, held);
    using _ = this.#world.during(() => step);
    switch (action) {
      case 'write':
        await this.#write(held, 1 + random.below(5));
        break;
      case 'reset':
        await this.#reset(held, random.chance(0.5));
        break;
      case 'remove':
        await this.#remove(held);
        break;
      case 'sleep':
      case 'wake':
        await this.#ask<Instance>('POST', `/v1/instances/${held.instance?.id ?? ''}/${action}`);
    }
  }

  /** Who writes into what sleeps wakes it. */
  #stepOf(action: Exclude<Action, 'create'>, { instance }: Holding): Step {
    if (action === 'remove') return 'delete';
    const isAsleep = this.#world.host.registry.instance(instance?.id ?? '')?.state === 'asleep';
    return action === 'write' && isAsleep ? 'wake' : action;
  }

  /** The answer; undefined when there was none. */
  async #ask<T>(method: string, path: string, body?: unknown): Promise<Answer<T> | undefined> {
    const limit = AbortSignal.timeout(answerLimitMs);
    try {
      const answer = await this.#world.host.api<T>(method, path, {
        ...(body !== undefined && { body }),
        signal: limit,
      });
      const code = answer.status >= 400 ? (answer as Answer<ErrorBody>).body.error.code : '';
      if (code === 'MYAAS_INTERNAL') this.wrongAnswers.push(`${method} ${path}: ${answer.text}`);
      if (answer.status < 400) this.#world.acknowledge();
      return answer;
    } catch {
      if (limit.aborted) this.wrongAnswers.push(`${method} ${path}: none in ${String(answerLimitMs)} ms`);
      return undefined;
    }
  }

  async #create(random: Random): Promise<void> {
    const template = random.pick(this.#templates());
    if (template === undefined || this.#isFull) return;
    const holding = new Holding(template, `${this.#name}-${String(++this.#made)}`);
    const isFleeting = random.chance(0.15);
    this.holdings.push(holding);
    const { registry } = this.#world.host;
    const isSpare = registry.spares
      .list()
      .some((each) => each.template === template && each.state === 'ready');
    using _ = this.#world.during(() => (isSpare ? 'claim' : 'create'));
    const ttl = isFleeting ? 1 + random.below(3) : 'never';
    const answer = await this.#ask<Instance>('POST', '/v1/instances', { template, name: holding.name, ttl });
    if (answer?.status === 201) holding.has(answer.body);
    else if (answer) holding.presence = 'gone';
    if (isFleeting && holding.presence !== 'gone') holding.presence = 'fleeting';
  }

  async #remove(held: Holding): Promise<void> {
    held.presence = 'unsure';
    const answer = await this.#ask('DELETE', `/v1/instances/${held.instance?.id ?? ''}`);
    if (answer?.status === 204) held.presence = 'gone';
  }

  async #reset(held: Holding, toLatest: boolean): Promise<void> {
    held.resetting();
    const body = toLatest ? { version: 'latest' } : undefined;
    const answer = await this.#ask<Instance>('POST', `/v1/instances/${held.instance?.id ?? ''}/reset`, body);
    if (answer?.status === 200) held.wasReset(answer.body);
    else if (answer) held.notReset();
  }

  /** Each row goes with its negative, in one transaction: half of it is never to be found. */
  async #write(held: Holding, count: number): Promise<void> {
    const { instance } = held;
    if (!instance) return;
    let connection: Connection | undefined;
    try {
      connection = await this.#world.host.connect(instance);
      connection.on('error', () => undefined);
      for (let i = 0; i < count; i++) {
        const row = ++this.#rows;
        held.writing(row);
        await connection.query('insert into marks values (?), (?)', [row, -row]);
        held.written(row);
      }
      this.#world.acknowledge();
    } catch {
      // Cut, refused, killed: what was not acknowledged may be there or not.
    } finally {
      connection?.destroy();
    }
  }
}
