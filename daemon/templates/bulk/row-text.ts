/** The rows of one table as they stand in the dump, kept until the table's turn comes. */
export interface RowText extends AsyncDisposable {
  /** Of text, so far. */
  readonly sizeBytes: number;
  /** `bytes`, which may change afterwards, are what the dump's text has at `offset`. */
  append(bytes: Buffer, offset: number): Promise<void>;
  /** So many line breaks, where the dump has something else besides. */
  appendNewlines(count: number): Promise<void>;
  /** No more is to come. */
  close(): Promise<void>;
  /** Ends it where it is: nobody wants it whole any more. */
  end(): void;
  /** All of it, from the beginning; waits for what is yet to come. A buffer is good until the next is asked for. */
  read(): AsyncGenerator<Buffer>;
}

/** Tells those who wait that something has changed. */
export class Bell {
  #rung = Promise.withResolvers<undefined>();

  ring(): void {
    this.#rung.resolve(undefined);
    this.#rung = Promise.withResolvers();
  }

  /** The next ringing. */
  get heard(): Promise<undefined> {
    return this.#rung.promise;
  }
}
