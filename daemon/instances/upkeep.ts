/** Keeps instances as the registry says while the daemon runs: leases end, servers that died come back. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Audit } from '../audit.ts';
import type { ContainerInfo, Docker } from '../drivers/docker.ts';
import type { KnownContainer } from '../drivers/docker-events.ts';
import type { InstanceRow, Registry } from '../drivers/registry.ts';
import { messageOf, MyaasError } from '../errors/error.ts';
import { errors } from '../errors/errors.ts';
import type { Log } from '../log.ts';
import type { Builder } from './builder.ts';
import type { DiskLimit } from './disk-limit.ts';
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
  readonly diskLimit: DiskLimit;
  readonly registry: Registry;
  readonly audit: Pick<Audit, 'add'>;
  readonly log: Log;
  /** Ids of imports that are under way, and of volumes. */
  readonly others: () => readonly string[];
  readonly stopping: AbortSignal;
}

/** A server that died this often within the time below is left alone. */
const maxDeaths = 3;
const deathMemoryMs = 600_000;
/** As shells have it: 128 and SIGKILL. */
const killedExitCode = 137;
const killed = ' by a kill, as the kernel does it to who takes more memory than MYAAS_MEMORY_LIMIT';
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

  #background(what: string, work: Promise<unknown>): void {
    work.catch((error: unknown) => this.#deps.log.error(`${what}: ${messageOf(error)}`));
  }

  /**
   * Follows Docker until the daemon stops: starts servers again that died, whoever killed them, and removes containers
   * that an earlier daemon asked for and nobody wants. `onListening`: nothing is missed from now on.
   */
  async watchContainers(onListening: () => void): Promise<void> {
    const { docker, registry, pool, log } = this.#deps;
    const signal = this.#stopping;
    while (!signal.aborted) {
      try {
        await docker.follow(signal, {
          onListening,
          onCreated: (created) => {
            if (this.#isNobodys(created)) this.#background(created.role, docker.remove(created.containerId));
          },
          onDied: ({ id, role, containerId }) => {
            if (role !== 'server') return;
            pool.died(id);
            const row = registry.instanceByClone(id);
            if (row?.state === 'ready') this.#background(refOf(row), this.revive(row, containerId));
          },
        });
      } catch (error) {
        log.warn(messageOf(error));
      }
      await delay(retryMs, undefined, { signal }).catch(() => undefined);
    }
  }

  #isNobodys({ id, role }: KnownContainer): boolean {
    const { registry, others } = this.#deps;
    if (role === 'namespace' || others().includes(id)) return false;
    return role !== 'server' || !(registry.instanceByClone(id) ?? registry.spares.has(id));
  }

  /**
   * Starts the server of an instance that should run and doesn't; false when there was no need. `deadContainerId` names
   * the container whose death was told, which Docker may not list as dead yet. Throws when Docker could not start it,
   * which `Reconciler` tries again; what ends by itself as often as told above is given up.
   */
  async revive(row: InstanceRow, deadContainerId?: string): Promise<boolean> {
    const { builder, docker, ledger, instances, diskLimit, log } = this.#deps;
    return ledger.exclusively(row.id, async (current) => {
      if (current?.state !== 'ready') return false;
      const container = await builder.container(current.clone);
      // Our own resets kill servers too: then another runs by now.
      if (container?.running && container.containerId !== deadContainerId) return false;
      const disk = await diskLimit.look(current);
      if (disk?.full) {
        await instances.fail(current, errors.instanceDiskFull(refOf(current), disk.limitBytes).message);
        return true;
      }
      const why = (await this.#wasKilled(container)) ? killed : '';
      while (!this.#isWornOut(row.id)) {
        log.info(`Starting the server of ${refOf(row)} again, which has ended${why}.`);
        try {
          await instances.revive(current);
          return true;
        } catch (error) {
          this.#stopping.throwIfAborted();
          const isServersFault = error instanceof MyaasError && error.code === 'MYAAS_SERVER_FAILED';
          // When Docker is away the instance has not failed; it comes back with Docker.
          const isDockerThere = await docker.ping().then(
            () => true,
            () => false,
          );
          if (!isDockerThere) this.#deathsMs.get(row.id)?.pop();
          if (!isServersFault || !isDockerThere) throw error;
          log.warn(`${refOf(row)}: ${error.message}`);
        }
      }
      const lastWords = await builder.logs(current.clone, 15);
      const often = String(maxDeaths + 1);
      await instances.fail(
        current,
        `Its server stopped ${often} times${why}; reset it for fresh data. Its last words:\n${lastWords}`,
      );
      return true;
    });
  }

  /** Docker does not learn of every end for want of memory, so any kill is taken for one. */
  async #wasKilled(container: ContainerInfo | undefined): Promise<boolean> {
    const state = container && (await this.#deps.docker.inspect(container.containerId))?.State;
    return state !== undefined && (state.OOMKilled || state.ExitCode === killedExitCode);
  }

  /** Counts one more death. */
  #isWornOut(id: string): boolean {
    const now = performance.now();
    const deathsMs = (this.#deathsMs.get(id) ?? []).filter((atMs) => atMs > now - deathMemoryMs);
    this.#deathsMs.set(id, [...deathsMs, now]);
    return deathsMs.length >= maxDeaths;
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
          if (row.state === 'deleting') return;
          log.info(`The lease of ${refOf(row)} has ended; deleted.`);
          this.#note(row, { status: 204, code: null });
        } catch (error) {
          log.error(`Deleting ${refOf(row)}: ${messageOf(error)}`);
          // Once: after that it is being deleted.
          if (row.state !== 'deleting')
            this.#note(row, error instanceof MyaasError ? error : errors.internal(error));
        }
      }),
    );
  }

  /** Of the end of a lease, in the audit log. */
  #note(
    { id, template, name }: InstanceRow,
    { status, code }: { readonly status: number; readonly code: string | null },
  ): void {
    const nobody = { user: null, token: null, address: null };
    const at = new Date().toISOString();
    this.#deps.audit.add({ at, ...nobody, action: 'expire', template, name, instance: id, status, code });
  }
}
