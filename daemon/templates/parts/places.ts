/** Where in the text of a dump something stands. */
import { countNewlines } from '../bulk/pieces.ts';

interface Place {
  readonly start: number;
  end: number;
}

export class Places {
  readonly #places: Place[] = [];

  get count(): number {
    return this.#places.length;
  }

  /** `bytes` stand at `start`, after all that were added before. */
  add(start: number, bytes: Buffer): void {
    const last = this.#places.at(-1);
    // Between the rows of a table there are line breaks, if anything: many small places would take memory.
    if (last && start - last.end <= 2) last.end = start + bytes.length;
    else this.#places.push({ start, end: start + bytes.length });
  }

  static join(all: readonly Places[]): Places {
    const joined = new Places();
    const places = all.flatMap((each) => each.#places).sort((a, b) => a.start - b.start);
    joined.#places.push(...places);
    return joined;
  }

  /** The text without what stands there. Line breaks stay, so that lines keep their numbers. */
  async *leaveOut(text: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    let index = 0;
    let offset = 0;
    for await (const chunk of text) {
      const end = offset + chunk.length;
      for (let at = offset; at < end;) {
        let place = this.#places[index];
        while (place && place.end <= at) place = this.#places[++index];
        const inside = place !== undefined && place.start <= at;
        const until = Math.min(end, place === undefined ? end : inside ? place.end : place.start);
        const part = chunk.subarray(at - offset, until - offset);
        if (!inside) yield part;
        else if (part.includes(0x0a)) yield Buffer.alloc(countNewlines(part), '\n');
        at = until;
      }
      offset = end;
    }
  }
}
