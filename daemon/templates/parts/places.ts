/** Where in the text of a dump something stands. */

/** A place in a text: bytes from its beginning, and line breaks. */
export interface Position {
  readonly offset: number;
  readonly lines: number;
}

interface Place {
  readonly start: Position;
  end: Position;
}

export class Places {
  readonly #places: Place[] = [];

  get count(): number {
    return this.#places.length;
  }

  get sizeBytes(): number {
    return this.#places.reduce((sum, { start, end }) => sum + end.offset - start.offset, 0);
  }

  /** Something stands there, after all that was added before. */
  add(start: Position, end: Position): void {
    const last = this.#places.at(-1);
    // Between the rows of a table there are line breaks, if anything: many small places would take memory.
    if (last && start.offset - last.end.offset <= 2) last.end = end;
    else this.#places.push({ start, end });
  }

  /** The same without what stands between two positions. */
  without(start: Position, end: Position): Places {
    const rest = new Places();
    for (const place of this.#places) {
      if (place.start.offset < start.offset)
        rest.#places.push({ start: place.start, end: place.end.offset < start.offset ? place.end : start });
      if (place.end.offset > end.offset)
        rest.#places.push({ start: place.start.offset > end.offset ? place.start : end, end: place.end });
    }
    return rest;
  }

  static join(all: readonly Places[]): Places {
    const joined = new Places();
    const places = all.flatMap((each) => each.#places).sort((a, b) => a.start.offset - b.start.offset);
    joined.#places.push(...places);
    return joined;
  }

  /** Where in the text a byte of what `leaveOut` gives stands, if it is none of the line breaks. To be asked front to back. */
  origins(): (offset: number) => number {
    let index = 0;
    let leftOutBytes = 0;
    return (offset) => {
      for (let place; (place = this.#places[index]) && offset + leftOutBytes >= place.start.offset; index++) {
        const { start, end } = place;
        leftOutBytes += end.offset - start.offset - (end.lines - start.lines);
      }
      return offset + leftOutBytes;
    };
  }

  /**
   * The text without what stands there. Line breaks stay, so that lines keep their numbers. `read` gives the text from an
   * offset up to another, or up to the end; it is asked for what is needed, front to back.
   */
  async *leaveOut(
    read: (start: number, end: number | undefined) => AsyncIterable<Buffer>,
  ): AsyncGenerator<Buffer> {
    let offset = 0;
    for (const { start, end } of this.#places) {
      if (start.offset > offset) yield* read(offset, start.offset);
      if (end.lines > start.lines) yield Buffer.alloc(end.lines - start.lines, '\n');
      offset = end.offset;
    }
    yield* read(offset, undefined);
  }
}

/** Reads a stream as `leaveOut` wants it. What is not asked for is passed over. */
export function forward(
  text: AsyncIterable<Buffer>,
): (start: number, end: number | undefined) => AsyncGenerator<Buffer> {
  const chunks = text[Symbol.asyncIterator]();
  let chunk: Buffer = Buffer.alloc(0);
  /** Of the beginning of `chunk`. */
  let offset = 0;
  return async function* (start, end = Infinity) {
    while (offset < end) {
      const from = Math.max(0, start - offset);
      if (from < chunk.length) yield chunk.subarray(from, end - offset);
      if (offset + chunk.length >= end) return;
      const next = await chunks.next();
      if (next.done === true) return;
      offset += chunk.length;
      chunk = next.value;
    }
  };
}
