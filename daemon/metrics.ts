/** What `/metrics` tells, in Prometheus' text format. */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Status } from './contract/status.ts';

type Origin = 'pool' | 'snapshot';

/** From a claim, which takes milliseconds, to a start on a busy machine. */
const secondsBuckets = [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30];

export class Metrics {
  readonly #registry = new Registry();
  readonly #creates: Histogram<'from'>;
  readonly #resets: Histogram<'from'>;
  readonly #wakes: Histogram;
  readonly #sleeps: Counter;

  constructor() {
    const registers = [this.#registry];
    collectDefaultMetrics({ register: this.#registry });
    this.#creates = new Histogram({
      name: 'myaas_create_seconds',
      help: 'From the request for an instance to its first answered query, by where it came from.',
      labelNames: ['from'],
      buckets: secondsBuckets,
      registers,
    });
    this.#resets = new Histogram({
      name: 'myaas_reset_seconds',
      help: 'From the request for a reset to the first answered query, by where the fresh data came from.',
      labelNames: ['from'],
      buckets: secondsBuckets,
      registers,
    });
    this.#wakes = new Histogram({
      name: 'myaas_wake_seconds',
      help: 'From the first connection to a sleeping instance until its server answers.',
      buckets: secondsBuckets,
      registers,
    });
    this.#sleeps = new Counter({
      name: 'myaas_sleeps_total',
      help: 'Instances that were put to sleep.',
      registers,
    });
  }

  created(from: Origin, elapsedMs: number): void {
    this.#creates.observe({ from }, elapsedMs / 1000);
  }

  reset(from: Origin, elapsedMs: number): void {
    this.#resets.observe({ from }, elapsedMs / 1000);
  }

  woke(elapsedMs: number): void {
    this.#wakes.observe(elapsedMs / 1000);
  }

  slept(): void {
    this.#sleeps.inc();
  }

  /** Everything counted so far, and the state that `statusOf` reads from now on at every call of `text`. */
  show(statusOf: () => Promise<Omit<Status, 'user'>>): void {
    const registers = [this.#registry];
    let status: ReturnType<typeof statusOf> | undefined;
    // One reading for all gauges of a scrape, which are collected side by side.
    const reading = () => (status ??= statusOf().finally(() => (status = undefined)));
    const gauge = (name: string, help: string, value: (status: Omit<Status, 'user'>) => number) =>
      new Gauge({
        name: `myaas_${name}`,
        help,
        registers,
        async collect() {
          this.set(value(await reading()));
        },
      });
    new Gauge({
      name: 'myaas_instances',
      help: 'Instances by state.',
      labelNames: ['state'],
      registers,
      async collect() {
        const { counts } = await reading();
        this.reset();
        for (const [state, count] of Object.entries(counts.instances)) this.set({ state }, count);
      },
    });
    new Gauge({
      name: 'myaas_pool',
      help: 'Spares by state.',
      labelNames: ['state'],
      registers,
      async collect() {
        const { pool } = await reading();
        this.set({ state: 'ready' }, pool.ready);
        this.set({ state: 'making' }, pool.making);
      },
    });
    gauge('templates', 'Templates.', ({ counts }) => counts.templates);
    gauge('ports_free', 'Instance ports not taken.', ({ capacity }) => capacity.portsFree);
    gauge('disk_free_bytes', 'Bytes free for data.', ({ capacity }) => capacity.diskFreeBytes);
    gauge('disk_total_bytes', 'Size of the file system.', ({ capacity }) => capacity.diskTotalBytes);
    gauge('memory_available_bytes', 'Memory to be had.', ({ capacity }) => capacity.memoryAvailableBytes);
    gauge('gate_connected', '1 while the gate is there.', ({ gate }) => (gate === 'connected' ? 1 : 0));
  }

  async text(): Promise<string> {
    return this.#registry.metrics();
  }
}
