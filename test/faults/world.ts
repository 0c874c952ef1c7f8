/** A host on which anything may be killed at any moment, and what was killed is started again, as systemd would. */
import { EventEmitter, once } from 'node:events';
import { readdir, rm } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { hasErrno } from '../../daemon/errors/error.ts';
import type { TestHost } from '../support/daemon.ts';
import type { Engine } from './engine.ts';
import type { Random } from './random.ts';

/** How often each is chosen. `power`: all of the others at once, and what lay in memory is gone. */
const weights = { serve: 38, gate: 22, container: 28, containers: 5, dockerd: 3, power: 4 } as const;
export type Kill = keyof typeof weights;

const daemons = ['serve', 'gate'] as const;
type Daemon = (typeof daemons)[number];

/** From one start of a daemon to its end. */
interface Life {
  isUp: boolean;
  isKilled: boolean;
  /** Rejects when the daemon ends by itself. */
  readonly end: Promise<never>;
}

export const kinds = Object.keys(weights) as readonly Kill[];
/** What a kill can hit. */
export const steps = [
  'create',
  'claim',
  'write',
  'reset',
  'sleep',
  'wake',
  'delete',
  'expire',
  'import',
  'publish',
  'start',
] as const;
export type Step = (typeof steps)[number];
/** Longer than systemd's own RestartSec of 100 ms would be at times, and shorter at others. */
const longestDownMs = 150;
/** Nothing may be left that anybody could do. */
const longestIdleMs = 5000;
const keptLogs = 8;

export class World {
  readonly host: TestHost;
  /** How often each kind has hit something. */
  readonly kills = new Map<Kill, number>();
  /** How often a kill hit while this was being done. */
  readonly struck = new Map<Step, number>();
  /** How often the servers of each clone were killed. */
  readonly deaths = new Map<string, number>();
  /** What the daemons said before they were killed, for whoever asks why. */
  readonly logs: string[] = [];
  readonly #underWay = new Set<() => Step>();
  readonly #engine: Engine;
  readonly #events = new EventEmitter<{ up: []; done: [] }>().setMaxListeners(100);
  readonly #lives: Record<Daemon, Life>;

  constructor(host: TestHost, engine: Engine) {
    this.host = host;
    this.#engine = engine;
    this.#lives = {
      serve: this.#liveOf('serve', Promise.resolve()),
      gate: this.#liveOf('gate', Promise.resolve()),
    };
  }

  get isUp(): boolean {
    return daemons.every((daemon) => this.#lives[daemon].isUp);
  }

  /** Returns when serve and gate are there. Throws when one of them has ended by itself. */
  async up(): Promise<void> {
    while (!this.isUp) await Promise.race([once(this.#events, 'up'), ...this.#ends()]);
    // The first that is settled counts: an end, if there was one.
    await Promise.race([...this.#ends(), Promise.resolve()]);
  }

  #ends(): Promise<never>[] {
    return daemons.map((daemon) => this.#lives[daemon].end);
  }

  /** Somebody was told that what they asked for is done. */
  acknowledge(): void {
    this.#events.emit('done');
  }

  /** Returns when something else has been done for somebody, or nothing for long. Throws as `up` does. */
  async workDone(): Promise<void> {
    const late = AbortSignal.timeout(longestIdleMs);
    const done = once(this.#events, 'done', { signal: late }).catch(() => undefined);
    await this.up();
    await Promise.race([done, ...this.#ends()]);
  }

  /** Counts the kills that hit what `step` names at their moment, until what is returned is disposed of. */
  during(step: () => Step): Disposable {
    this.#underWay.add(step);
    return { [Symbol.dispose]: () => void this.#underWay.delete(step) };
  }

  /** Of the steps that are under way, each is hit once by a kill, however many instances are at it. */
  #strike(): void {
    const hit = new Set([...this.#underWay].map((step) => step()));
    if (!this.isUp) hit.add('start');
    const now = new Date().toISOString();
    if (this.host.registry.instances().some(({ expiresAt }) => expiresAt !== null && expiresAt <= now))
      hit.add('expire');
    for (const step of hit) this.struck.set(step, (this.struck.get(step) ?? 0) + 1);
  }

  /** Kills something of a random kind; what was killed is starting again when this returns. */
  async kill(random: Random): Promise<Kill> {
    const kind = random.weighted(weights);
    const downMs = random.below(longestDownMs);
    switch (kind) {
      case 'serve':
      case 'gate':
        this.#strike();
        await this.#kill(kind);
        await delay(downMs);
        this.#start(kind);
        break;
      case 'container': {
        const servers = await this.#servers();
        this.#strike();
        this.#killServers(servers.slice(random.below(servers.length)).slice(0, 1));
        break;
      }
      case 'containers': {
        const servers = await this.#servers();
        this.#strike();
        this.#killServers(servers);
        break;
      }
      case 'dockerd':
        // Serve does not start without it: systemd starts one after the other.
        await this.up();
        this.#strike();
        await this.#restartEngine(downMs);
        break;
      case 'power': {
        // Nobody can do anything while Docker is asked what runs.
        this.#strike();
        const killed = [this.#kill('serve'), this.#kill('gate')];
        this.#killServers(await this.#servers());
        await Promise.all([...killed, this.#restartEngine(downMs)]);
        await this.#emptyRunDirectory();
        this.#start('serve');
        this.#start('gate');
      }
    }
    this.kills.set(kind, (this.kills.get(kind) ?? 0) + 1);
    return kind;
  }

  async #kill(daemon: Daemon): Promise<void> {
    this.#lives[daemon].isUp = false;
    this.#lives[daemon].isKilled = true;
    await this.host[daemon].stop('SIGKILL');
    this.logs.push(`${daemon}:\n${this.host[daemon].log}`);
    this.logs.splice(0, this.logs.length - keptLogs);
  }

  #start(daemon: Daemon): void {
    this.#lives[daemon] = this.#liveOf(daemon, this.host[daemon].start());
  }

  #liveOf(daemon: Daemon, started: Promise<void>): Life {
    const life: Life = { isUp: false, isKilled: false, end: this.#unkilled(() => life, daemon, started) };
    // Heard by whoever waits in `up`.
    life.end.catch(() => undefined);
    started.then(
      () => {
        life.isUp = !life.isKilled;
        this.#events.emit('up');
      },
      () => undefined,
    );
    return life;
  }

  /** Rejects when the daemon ends without having been killed; never resolves. */
  async #unkilled(life: () => Life, daemon: Daemon, started: Promise<void>): Promise<never> {
    await started.catch(() => undefined);
    await this.host[daemon].exit;
    if (!life().isKilled) throw new Error(`${daemon} ended by itself:\n${this.host[daemon].log}`);
    return new Promise(() => undefined);
  }

  /** The first processes of all containers but the idle one. */
  async #servers(): Promise<{ id: string; pid: number }[]> {
    const { docker } = this.host;
    const running = (await docker.list()).filter((each) => each.running && each.role !== 'namespace');
    const servers = running.map(async ({ containerId, id }) => {
      return { id, pid: (await docker.inspect(containerId))?.State.Pid ?? 0 };
    });
    return (await Promise.all(servers)).filter(({ pid }) => pid > 1);
  }

  /** As the kernel does when memory runs out. */
  #killServers(servers: readonly { id: string; pid: number }[]): void {
    for (const { id, pid } of servers) {
      try {
        process.kill(pid, 'SIGKILL');
        this.#died(id);
      } catch (error) {
        if (!hasErrno(error, 'ESRCH')) throw error;
      }
    }
  }

  /** When Docker comes back, it ends all containers that outlived it. */
  async #restartEngine(downMs: number): Promise<void> {
    for (const { id } of await this.#servers()) this.#died(id);
    await this.#engine.kill();
    await delay(downMs);
    await this.#engine.start();
  }

  #died(id: string): void {
    this.deaths.set(id, (this.deaths.get(id) ?? 0) + 1);
  }

  async #emptyRunDirectory(): Promise<void> {
    const { runDir } = this.host.config;
    for (const name of await readdir(runDir)) await rm(`${runDir}/${name}`, { recursive: true, force: true });
  }
}
