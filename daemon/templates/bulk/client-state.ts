/** Asks the plain client, between two statements of a dump, what its session is set to. */
import { randomBytes } from 'node:crypto';
import type { BulkLoading, ClientState } from '../../engines/bulk.ts';
import { OnlyPlain } from './only-plain.ts';

/** The statements before the question come first, and one of them may build an index of a large table. */
const answerTimeoutMs = 30 * 60_000;

export class ClientQuestion {
  readonly #loading: BulkLoading;
  readonly #token = `myaas-${randomBytes(12).toString('hex')}-`;
  #printed = '';
  #answer: PromiseWithResolvers<string | undefined> | undefined;
  /** Nobody will answer any more. */
  hasLeft = false;

  constructor(loading: BulkLoading) {
    this.#loading = loading;
  }

  /** What the client prints. */
  onOutput(chunk: Buffer): void {
    if (!this.#answer) return;
    this.#printed = (this.#printed + chunk.toString('latin1')).slice(-65_536);
    const hex = new RegExp(`${this.#token}([0-9A-F]+);`).exec(this.#printed)?.[1];
    if (hex !== undefined) this.#answer.resolve(hex);
  }

  onExit(): void {
    this.hasLeft = true;
    this.#answer?.resolve(undefined);
  }

  /**
   * Yields the question, a line for the client; returns its answer, undefined when it has left. A client that takes the
   * question for something else never answers: throws `OnlyPlain`.
   */
  async *ask(): AsyncGenerator<Buffer, ClientState | undefined> {
    this.#printed = '';
    this.#answer = Promise.withResolvers();
    yield Buffer.from(`${this.#loading.stateQuery(this.#token)}\n`);
    const { promise, reject } = this.#answer;
    const late = setTimeout(() => reject(new OnlyPlain('the client does not answer')), answerTimeoutMs);
    try {
      const hex = await promise;
      return hex === undefined ? undefined : this.#loading.parseState(hex);
    } finally {
      clearTimeout(late);
      this.#answer = undefined;
    }
  }
}
