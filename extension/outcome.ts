/** A promise settled from outside, once. Rejected while nobody waits for it, it troubles nobody. */
export class Outcome<T> {
  readonly promise: Promise<T>;
  #state: 'pending' | 'resolved' | 'rejected' = 'pending';
  #resolve!: (value: T) => void;
  #reject!: (reason: Error) => void;

  constructor() {
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // Whoever waits is told; this is for when nobody does.
    this.promise.catch(() => undefined);
  }

  get state(): 'pending' | 'resolved' | 'rejected' {
    return this.#state;
  }

  resolve(value: T): void {
    if (this.#state === 'pending') this.#state = 'resolved';
    this.#resolve(value);
  }

  reject(reason: Error): void {
    if (this.#state === 'pending') this.#state = 'rejected';
    this.#reject(reason);
  }
}
