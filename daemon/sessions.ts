/** What goes on by each token, so that it ends when the token does. */
import type { User } from './rights.ts';

/** When nobody says that tokens were changed, and for those whose time is over. */
const lookEveryMs = 15_000;

export class Sessions {
  readonly #counts: (tokenId: string) => boolean;
  readonly #open = new Map<string, Set<() => void>>();

  /** `counts`: whether a token is still worth anything. */
  constructor(counts: (tokenId: string) => boolean) {
    this.#counts = counts;
  }

  /** Has `end` called once the user's token counts no more, unless disposed of before. */
  open({ token }: User, end: () => void): Disposable {
    if (!token) return { [Symbol.dispose]: () => undefined };
    const ends = this.#open.get(token.id) ?? new Set();
    this.#open.set(token.id, ends.add(end));
    return {
      [Symbol.dispose]: () => {
        ends.delete(end);
        if (ends.size === 0 && this.#open.get(token.id) === ends) this.#open.delete(token.id);
      },
    };
  }

  /** Ends what goes on by tokens that count no more. To be called when tokens were changed. */
  look(): void {
    for (const [tokenId, ends] of [...this.#open]) {
      if (this.#counts(tokenId)) continue;
      this.#open.delete(tokenId);
      for (const end of ends) end();
    }
  }

  /** Looks by itself, too, until `signal` aborts. */
  keepLooking(signal: AbortSignal): void {
    const timer = setInterval(() => this.look(), lookEveryMs).unref();
    signal.addEventListener('abort', () => clearInterval(timer), { once: true });
  }
}
