/** Fresh data behind the same port and credentials. */
import type { InstanceRow, Registry } from '../drivers/registry.ts';
import type { SpareRow } from '../drivers/registry-spares.ts';
import { messageOf } from '../errors/error.ts';
import { errors } from '../errors/errors.ts';
import type { GateLink } from '../gate/link.ts';
import type { Log } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import type { Catalogue, Manifest } from '../templates/catalogue.ts';
import type { Admission } from './admission.ts';
import type { Builder } from './builder.ts';
import type { Ledger } from './ledger.ts';
import type { Pool } from './pool.ts';
import { seriesFor, type SeriesDeps, type ServerSeries } from './server-series.ts';
import { draftSpare } from './spare.ts';
import type { Sweeper } from './sweeper.ts';
import type { Traffic } from './traffic.ts';
import { refOf } from './view.ts';

export interface ResetsDeps {
  readonly ledger: Ledger;
  readonly builder: Builder;
  readonly pool: Pool;
  readonly sweeper: Sweeper;
  readonly admission: Admission;
  readonly traffic: Traffic;
  readonly catalogue: Catalogue;
  readonly registry: Registry;
  readonly images: SeriesDeps['images'];
  readonly gate: GateLink;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly stopping: AbortSignal;
}

export class Resets {
  readonly #deps: ResetsDeps;

  constructor(deps: ResetsDeps) {
    this.#deps = deps;
  }

  /**
   * Of the same version, another, or "latest"; of the same server, where that was asked for. Connections are cut at once, and new ones wait at the gate. The former
   * clone is given up only when the new one answers: a reset that fails, or is cut short by a crash, changes nothing.
   */
  async reset(row: InstanceRow, version: string | undefined): Promise<InstanceRow> {
    const startedMs = performance.now();
    const { ledger, traffic, catalogue, metrics, sweeper, stopping } = this.#deps;
    using _ = traffic.enter();
    return await ledger.exclusively(row.id, async () => {
      const current = ledger.find(row.id);
      if (current.state !== 'ready' && current.state !== 'failed' && current.state !== 'asleep') {
        throw errors.instanceBusy(refOf(row), current.state);
      }
      const manifest = catalogue.find(row.template, version ?? current.version);
      const wanted = current.upgradedFrom === null ? undefined : current.engineSeries;
      const series = await seriesFor(this.#deps, manifest, wanted, stopping);
      const { reset, from } = await this.#replace(current, manifest, series);
      void sweeper.sweep(current.clone);
      metrics.reset(from, performance.now() - startedMs);
      return reset;
    });
  }

  async #replace(
    current: InstanceRow,
    manifest: Manifest,
    series: ServerSeries,
  ): Promise<{ reset: InstanceRow; from: 'pool' | 'snapshot' }> {
    const { ledger, gate, registry, pool, builder, log } = this.#deps;
    const doing = ledger.doing(current.id, 'resetting');
    try {
      await gate.update(ledger.route(current));
      ledger.publish(current);
      const { spare, from } = await this.#obtain(current, manifest, series);
      try {
        if (from === 'pool' && !pool.release(spare))
          throw errors.serverFailed('The server that was to replace it has died.', '');
        registry.adopt(current.id, spare.id, {
          state: 'ready',
          failure: null,
          version: manifest.version,
          engine: manifest.engine,
          ...series,
          databaseName: manifest.database,
          username: manifest.username,
          sizeBytes: manifest.sizeBytes,
        });
      } catch (error) {
        pool.discard(spare);
        throw error;
      }
      await builder
        .mark({ ...spare }, { ref: refOf(current), owner: current.owner })
        .catch((error: unknown) => log.warn(messageOf(error)));
      doing[Symbol.dispose]();
      return { reset: await ledger.settle(current.id, {}), from };
    } catch (error) {
      doing[Symbol.dispose]();
      await ledger.settle(current.id, {});
      throw error;
    }
  }

  /** A clone of the version with the instance's password, from the pool when it has one. */
  async #obtain(
    current: InstanceRow,
    manifest: Manifest,
    { engineSeries, upgradedFrom }: ServerSeries,
  ): Promise<{ spare: SpareRow; from: 'pool' | 'snapshot' }> {
    const { builder, pool, registry, admission, ledger, log, stopping } = this.#deps;
    const { template, password } = current;
    const take = () => (upgradedFrom === null ? pool.take(manifest) : undefined);
    if (upgradedFrom === null) pool.want(template);
    for (let ready = take(); ready; ready = take()) {
      try {
        await builder.changePassword({ ...ready }, password, stopping);
        return { spare: ready, from: 'pool' };
      } catch (error) {
        pool.discard(ready);
        stopping.throwIfAborted();
        log.warn(`A spare of ${template} does not answer: ${messageOf(error)}`);
      }
    }
    using _ = await admission.enter();
    const spare = { ...draftSpare(manifest, builder.recipeOf(manifest), password), engineSeries };
    registry.spares.add(spare);
    try {
      await registry.flush();
      const tellPhase = (phase: string) => ledger.tellPhase(current, phase);
      await builder.build({ ...spare, upgradedFrom }, stopping, tellPhase);
      return { spare, from: 'snapshot' };
    } catch (error) {
      pool.discard(spare);
      throw error;
    }
  }
}
