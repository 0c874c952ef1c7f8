import { errors } from '../errors/errors.ts';
import type { Channel } from './channel.ts';
import type { Reply, ServeMessage } from './protocol.ts';

/** A request before it has its number. */
type Unnumbered<T> = T extends { request: number } ? Omit<T, 'request'> : never;
export type Question = Unnumbered<ServeMessage>;

interface Pending {
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

/** Listening and closing take a gate milliseconds: one that is silent for so long hangs. */
const replyLimitMs = 10_000;

/** The questions asked over one channel, matched with their answers by number. */
export class Requests {
  readonly #channel: Channel<ServeMessage>;
  readonly #pending = new Map<number, Pending>();
  #lastNumber = 0;

  constructor(channel: Channel<ServeMessage>) {
    this.#channel = channel;
  }

  /** Throws `MYAAS_GATE_UNAVAILABLE` when no answer comes, or the channel closes before it does. */
  ask(question: Question): Promise<Reply> {
    const { promise, resolve, reject } = Promise.withResolvers<Reply>();
    const request = ++this.#lastNumber;
    // A hanging gate is hung up on, so that it, or another one, can begin anew.
    const giveUp = () => this.#channel.destroy(`no answer to "${question.type}" within ${replyLimitMs} ms`);
    this.#pending.set(request, { resolve, reject, timer: setTimeout(giveUp, replyLimitMs) });
    this.#channel.send({ ...question, request });
    return promise;
  }

  answered(reply: Reply): void {
    const pending = this.#pending.get(reply.request);
    if (!pending) {
      this.#channel.destroy(`an answer to request ${reply.request}, which was not asked`);
      return;
    }
    this.#pending.delete(reply.request);
    clearTimeout(pending.timer);
    pending.resolve(reply);
  }

  /** Nothing will be answered any more. */
  closed(why: string): void {
    for (const { reject, timer } of this.#pending.values()) {
      clearTimeout(timer);
      reject(errors.gateUnavailable(why));
    }
    this.#pending.clear();
  }
}
