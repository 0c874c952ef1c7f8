/**
 * Instances that nobody uses sleep: their servers are stopped cleanly and take no memory, their ports stay, and the
 * first connection wakes them while the gate holds the client.
 */
import type { InstanceRow } from '../drivers/registry.ts';
import { messageOf, MyaasError } from '../errors/error.ts';
import { errors } from '../errors/errors.ts';
import type { GateLink } from '../gate/link.ts';
import type { Sight } from '../gate/protocol.ts';
import type { Log } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import type { Admission } from './admission.ts';
import { cloneOf, type Builder } from './builder.ts';
import type { DiskLimit } from './disk-limit.ts';
import type { Ledger } from './ledger.ts';
import type { Traffic } from './traffic.ts';
import { refOf } from './view.ts';

export interface SleepDeps {
  readonly ledger: Ledger;
  readonly builder: Builder;
  readonly admission: Admission;
  readonly diskLimit: DiskLimit;
  readonly traffic: Traffic;
  readonly gate: GateLink;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly stopping: AbortSignal;
}

/** A server that does not tell within this what it is busy with is left alone. */
const questionLimitMs = 5000;

export class Sleep {
  readonly #deps: SleepDeps;

  constructor(deps: SleepDeps) {
    this.#deps = deps;
  }

  /** Does what follows from what the gate sees. Never throws. */
  async notice({ type, id }: Sight): Promise<void> {
    const { log, gate } = this.#deps;
    try {
      if (type === 'idle') await this.#fallAsleep(id, false);
      else await this.wake(id);
    } catch (error) {
      const ref = this.#refOf(id);
      if (type === 'idle') {
        log.debug(`${ref} stays awake: ${messageOf(error)}`);
        return;
      }
      log.error(`Waking ${ref}: ${messageOf(error)}`);
      const { message, hint } = error instanceof MyaasError ? error : errors.internal(error);
      await gate
        .refuse(id, `This instance could not be woken. ${message} ${hint}`)
        .catch((failure: unknown) => log.warn(messageOf(failure)));
    }
  }

  #refOf(id: string): string {
    try {
      return refOf(this.#deps.ledger.find(id));
    } catch {
      return id;
    }
  }

  /**
   * Puts an instance to sleep although it may have connections, which are cut. Throws `MYAAS_INSTANCE_IN_USE` while a
   * statement runs or a transaction is open, and `MYAAS_INSTANCE_BUSY` in states in which it has no server to stop.
   */
  async sleep(id: string): Promise<InstanceRow> {
    return this.#fallAsleep(id, true);
  }

  async #fallAsleep(id: string, force: boolean): Promise<InstanceRow> {
    const { ledger, gate, builder, metrics } = this.#deps;
    return ledger.exclusively(id, async () => {
      const row = ledger.find(id);
      if (row.state === 'asleep') return row;
      if (row.state !== 'ready') throw errors.instanceBusy(refOf(row), row.state);
      // From here on nothing new reaches the server: what it says of itself stays true.
      if (!(await gate.pause(id, force))) throw errors.instanceInUse(refOf(row), 'a client has come');
      try {
        const work = await builder.work(cloneOf(row), AbortSignal.timeout(questionLimitMs));
        if (work !== undefined) throw errors.instanceInUse(refOf(row), work);
        // First: Docker goes on stopping it when this process is killed, and who connects then is to wake it.
        ledger.record(id, { state: 'asleep' });
        await builder.stop(cloneOf(row));
      } catch (error) {
        ledger.record(id, { state: 'ready' });
        await gate.update(ledger.route(row));
        throw error;
      }
      metrics.slept();
      return ledger.settle(id, { state: 'asleep' });
    });
  }

  /** Starts the server of an instance that sleeps; fine when it is awake. Throws `MYAAS_MEMORY_FULL`, `MYAAS_SERVER_FAILED`. */
  async wake(id: string): Promise<InstanceRow> {
    const startedMs = performance.now();
    const { ledger, admission, builder, diskLimit, traffic, metrics, log, stopping } = this.#deps;
    using _traffic = traffic.enter();
    return await ledger.exclusively(id, async () => {
      const row = ledger.find(id);
      if (row.state === 'ready') return row;
      if (row.state !== 'asleep') throw errors.instanceBusy(refOf(row), row.state);
      log.debug(`Waking ${refOf(row)}.`);
      const waking = ledger.doing(id, 'waking');
      try {
        ledger.publish(row);
        using _room = await admission.enter();
        await builder.start(cloneOf(row), stopping);
      } catch (error) {
        waking[Symbol.dispose]();
        ledger.publish(row);
        const disk = await diskLimit.look(row);
        throw disk?.full ? errors.instanceDiskFull(refOf(row), disk.limitBytes) : error;
      }
      waking[Symbol.dispose]();
      const awake = await ledger.settle(id, { state: 'ready' });
      metrics.woke(performance.now() - startedMs);
      return awake;
    });
  }
}
