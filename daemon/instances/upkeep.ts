/**
 * Keeps the world as the registry says: leases end, servers that died come back, and what a crash left half-made is
 * undone, what it left half-done is finished.
 */
import type { Docker } from '../drivers/docker.ts';
import type { InstanceRow, Registry } from '../drivers/registry.ts';
import { messageOf } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Builder } from './builder.ts';
import { refOf, type Instances } from './instances.ts';

export interface UpkeepDeps {
  readonly instances: Instances;
  readonly builder: Builder;
  readonly docker: Docker;
  readonly registry: Registry;
  readonly log: Log;
}

/** A server that died this often within the time below is left alone. */
const maxDeaths = 3;
const deathMemoryMs = 600_000;
/** Docker's event stream ends when Docker does; this long until it is asked for again. */
const retryMs = 1000;

export class Upkeep {
  readonly #deps: UpkeepDeps;
  readonly #deathsMs = new Map<string, number[]>();

  constructor(deps: UpkeepDeps) {
    this.#deps = deps;
  }

  /**
   * Compares registry and Docker once, at the start. Returns when all that clients could trip over is done; servers
   * come up after it, while the gate holds their clients.
   */
  async recover(): Promise<void> {
    const { docker, instances, log } = this.#deps;
    const rows = new Map(instances.list().map((row) => [row.id, row]));
    for (const { containerId, id, role } of await docker.list()) {
      if (role === 'namespace' || (role === 'server' && rows.has(id))) continue;
      log.info(`Removing a left-over ${role} container.`);
      await docker.remove(containerId);
    }
    for (const row of rows.values()) {
      switch (row.state) {
        case 'creating':
        case 'deleting':
          log.info(`Undoing the half-made instance ${refOf(row)}.`);
          await instances.delete(row, true);
          break;
        case 'resetting':
          this.#background(refOf(row), instances.finishReset(row));
          break;
        case 'ready':
        case 'asleep':
        case 'failed':
          break;
      }
    }
    await this.#reviveDead();
  }

  /** Starts every server again that should run and doesn't. */
  async #reviveDead(): Promise<void> {
    const { docker, instances } = this.#deps;
    const running = new Set(
      (await docker.list()).filter((container) => container.running).map(({ id }) => id),
    );
    for (const row of instances.list()) {
      if (row.state === 'ready' && !running.has(row.id)) this.#background(refOf(row), this.#revive(row));
    }
  }

  #background(what: string, work: Promise<unknown>): void {
    work.catch((error: unknown) => this.#deps.log.error(`${what}: ${messageOf(error)}`));
  }

  /** Follows Docker until the signal aborts, and starts servers again that died, whoever killed them. */
  async watchDeaths(signal: AbortSignal): Promise<void> {
    const { docker, registry, log } = this.#deps;
    while (!signal.aborted) {
      try {
        await docker.watchDeaths(signal, ({ id, role }) => {
          const row = role === 'server' ? registry.instance(id) : undefined;
          if (row?.state === 'ready') this.#background(refOf(row), this.#revive(row));
        });
      } catch (error) {
        log.warn(messageOf(error));
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, retryMs);
        signal.addEventListener('abort', () => {
          clearTimeout(timer);
          resolve();
        });
      });
      // Whatever died while nobody listened.
      if (!signal.aborted) await this.#reviveDead().catch((error: unknown) => log.warn(messageOf(error)));
    }
  }

  async #revive(row: InstanceRow): Promise<void> {
    const { builder, docker, instances, log } = this.#deps;
    await instances.revive(
      row,
      async (current) => {
        const recent = (this.#deathsMs.get(row.id) ?? []).filter((atMs) => atMs > Date.now() - deathMemoryMs);
        if (recent.length >= maxDeaths) {
          const lastWords = await builder.logs(row.id, 15);
          return `Its server stopped ${String(maxDeaths + 1)} times; reset it for fresh data. Its last words:\n${lastWords}`;
        }
        this.#deathsMs.set(row.id, [...recent, Date.now()]);
        log.info(`Starting the server of ${refOf(current)} again.`);
        return undefined;
      },
      async () => {
        // A server that can't be started because Docker is away has not failed; it comes back with Docker.
        await docker.ping();
      },
    );
  }

  /** Deletes what has outlived its lease, and tries again what could not be deleted before. */
  async expire(): Promise<void> {
    const { instances, log } = this.#deps;
    const now = new Date().toISOString();
    const due = instances
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
