/** A promise settled from outside, once. Rejected while nobody waits for it, it troubles nobody. */
export class Outcome<T> {
  readonly promise: Promise<T>;
  isRejected = false;
  #resolve!: (value: T) => void;
  #reject!: (reason: Error) => void;

  constructor() {
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.promise.catch(() => (this.isRejected = true));
  }

  resolve(value: T): void {
    this.#resolve(value);
  }

  reject(reason: Error): void {
    this.#reject(reason);
  }
}
