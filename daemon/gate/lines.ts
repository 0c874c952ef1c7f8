const newline = 0x0a;

/** Cuts a stream of bytes into lines without looking at any byte twice. */
export class Lines {
  readonly #maxBytes: number;
  #parts: Buffer[] = [];
  #lengthBytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** The lines that `chunk` completes, without their newlines; nothing once a line has grown beyond the limit. */
  push(chunk: Buffer): string[] | undefined {
    const lines: string[] = [];
    let start = 0;
    for (let end = chunk.indexOf(newline); end !== -1; end = chunk.indexOf(newline, start)) {
      if (!this.#keep(chunk.subarray(start, end))) return undefined;
      lines.push(Buffer.concat(this.#parts).toString('utf8'));
      this.#parts = [];
      this.#lengthBytes = 0;
      start = end + 1;
    }
    return this.#keep(chunk.subarray(start)) ? lines : undefined;
  }

  #keep(part: Buffer): boolean {
    this.#lengthBytes += part.length;
    if (part.length > 0) this.#parts.push(part);
    return this.#lengthBytes <= this.#maxBytes;
  }
}
