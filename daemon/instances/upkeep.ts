/**
 * Keeps the world as the registry says: leases end, servers that died come back, and what a crash left half-made is
 * undone, what it left half-done is finished.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Docker } from '../drivers/docker.ts';
import type { InstanceRow, Registry } from '../drivers/registry.ts';
import { messageOf } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Builder } from './builder.ts';
import type { Instances } from './instances.ts';
import type { Ledger } from './ledger.ts';
import type { Pool } from './pool.ts';
import { refOf } from './view.ts';

export interface UpkeepDeps {
  readonly ledger: Ledger;
  readonly instances: Instances;
  readonly pool: Pool;
  readonly builder: Builder;
  readonly docker: Docker;
  readonly registry: Registry;
  readonly log: Log;
  readonly stopping: AbortSignal;
}

/** A server that died this often within the time below is left alone. */
const maxDeaths = 3;
const deathMemoryMs = 600_000;
/** Docker's event stream ends when Docker does; this long until it is asked for again. */
const retryMs = 1000;

export class Upkeep {
  readonly #deps: UpkeepDeps;
  readonly #deathsMs = new Map<string, number[]>();

  readonly #stopping: AbortSignal;

  constructor(deps: UpkeepDeps) {
    this.#deps = deps;
    this.#stopping = deps.stopping;
  }

  /**
   * Compares registry and Docker once, at the start, and cleans up; `watchDeaths` then starts what should run. Returns
   * when all that clients could trip over is done.
   */
  async recover(): Promise<void> {
    const { docker, ledger, instances, registry, log } = this.#deps;
    const rows = ledger.list();
    const spares = new Set([...registry.spares.list().map(({ id }) => id), ...registry.spares.discarded()]);
    const byClone = new Map(rows.map((row) => [row.clone, row]));
    for (const { containerId, id, role } of await docker.list()) {
      if (role !== 'server' || spares.has(id)) continue;
      const row = byClone.get(id);
      if (!row) {
        log.info(`Removing the server of a clone that nobody has, ${id}.`);
        await docker.remove(containerId);
      } else if (row.state === 'asleep' && (await docker.isRunning(containerId))) {
        // It was being woken.
        registry.update(row.id, { state: 'ready' });
      }
    }
    for (const row of rows) {
      if (row.state !== 'creating' && row.state !== 'deleting') continue;
      log.info(`Undoing the half-made instance ${refOf(row)}.`);
      await instances.delete(row, true);
    }
  }

  /** Starts every server again that should run and doesn't. */
  async #reviveDead(): Promise<void> {
    const { docker, ledger } = this.#deps;
    const running = new Set(
      (await docker.list()).filter((container) => container.running).map(({ id }) => id),
    );
    for (const row of ledger.list()) {
      if (row.state === 'ready' && !running.has(row.clone)) this.#background(refOf(row), this.#revive(row));
    }
  }

  #background(what: string, work: Promise<unknown>): void {
    work.catch((error: unknown) => this.#deps.log.error(`${what}: ${messageOf(error)}`));
  }

  /** Follows Docker until the daemon stops, and starts servers again that died, whoever killed them. */
  async watchDeaths(): Promise<void> {
    const { docker, registry, pool, log } = this.#deps;
    const signal = this.#stopping;
    while (!signal.aborted) {
      try {
        await docker.watchDeaths(signal, {
          // Whatever died while nobody listened.
          onListening: () => {
            this.#background('Comparing with Docker', this.#reviveDead());
            this.#background('Comparing the pool with Docker', pool.compare());
          },
          onDied: ({ id, role, containerId }) => {
            if (role !== 'server') return;
            pool.died(id);
            const row = registry.instanceByClone(id);
            if (row?.state === 'ready') this.#background(refOf(row), this.#revive(row, containerId));
          },
        });
      } catch (error) {
        log.warn(messageOf(error));
      }
      await delay(retryMs, undefined, { signal }).catch(() => undefined);
    }
  }

  /** `deadContainerId` names the container whose death was told, which Docker may not list as dead yet. */
  async #revive(row: InstanceRow, deadContainerId?: string): Promise<void> {
    const { builder, docker, ledger, instances, log } = this.#deps;
    await ledger.exclusively(row.id, async (current) => {
      if (current?.state !== 'ready') return;
      const container = await builder.container(current.clone);
      // Our own resets kill servers too: then another runs by now.
      if (container?.running && container.containerId !== deadContainerId) return;
      const deathsMs = (this.#deathsMs.get(row.id) ?? []).filter((atMs) => atMs > Date.now() - deathMemoryMs);
      this.#deathsMs.set(row.id, [...deathsMs, Date.now()]);
      if (deathsMs.length >= maxDeaths) {
        const lastWords = await builder.logs(current.clone, 15);
        const often = String(deathsMs.length + 1);
        await instances.fail(
          current,
          `Its server stopped ${often} times; reset it for fresh data. Its last words:\n${lastWords}`,
        );
        return;
      }
      log.info(`Starting the server of ${refOf(row)} again.`);
      try {
        await instances.revive(current);
      } catch (error) {
        // When Docker is away the instance has not failed; it comes back with Docker.
        await docker.ping();
        if (!this.#stopping.aborted) await instances.fail(current, messageOf(error));
        throw error;
      }
    });
  }

  /** Deletes what has outlived its lease, and tries again what could not be deleted before. */
  async expire(): Promise<void> {
    const { ledger, instances, log } = this.#deps;
    const now = new Date().toISOString();
    const due = ledger
      .list()
      .filter(
        (row) =>
          row.state === 'deleting' || (!row.protected && row.expiresAt !== null && row.expiresAt <= now),
      );
    await Promise.all(
      due.map(async (row) => {
        try {
          await instances.delete(row, true);
          if (row.state !== 'deleting') log.info(`The lease of ${refOf(row)} has ended; deleted.`);
        } catch (error) {
          log.error(`Deleting ${refOf(row)}: ${messageOf(error)}`);
        }
      }),
    );
  }
}
