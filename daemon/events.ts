import { randomBytes } from 'node:crypto';
import type { MyaasEvent } from './contract/contract.ts';

export interface LoggedEvent {
  /** Given back as `Last-Event-ID`; names this run of the daemon too, since the log is not kept. */
  readonly id: string;
  readonly event: MyaasEvent;
}

/** How many events a client may have missed and still catch up. */
const keptEvents = 1000;

/** The recent past of all that clients show, and whoever wants to hear of what comes. */
export class Events {
  readonly #run = randomBytes(4).toString('hex');
  readonly #log: LoggedEvent[] = [];
  readonly #listeners = new Set<(logged: LoggedEvent) => void>();
  #last = 0;

  publish(event: MyaasEvent): void {
    const logged = { id: `${this.#run}-${String(++this.#last)}`, event };
    this.#log.push(logged);
    if (this.#log.length > keptEvents) this.#log.shift();
    for (const listener of this.#listeners) listener(logged);
  }

  /** The id a client resumes from that has seen everything so far. */
  get lastId(): string {
    return `${this.#run}-${String(this.#last)}`;
  }

  /** What came after `lastId`; undefined when that is not known any more. */
  since(lastId: string): readonly LoggedEvent[] | undefined {
    const known = /^(.+)-(\d{1,15})$/.exec(lastId);
    const missed = this.#last - Number(known?.[2]);
    if (known?.[1] !== this.#run || missed < 0 || missed > this.#log.length) return undefined;
    return this.#log.slice(this.#log.length - missed);
  }

  subscribe(listener: (logged: LoggedEvent) => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }
}
