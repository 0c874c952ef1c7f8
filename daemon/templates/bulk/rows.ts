/**
 * The rows of INSERT statements as text for `LOAD DATA … fields terminated by ',' enclosed by '\'' escaped by '\\'
 * lines starting by '(' terminated by ')'`: nearly as they stand. What would not come out as the same value, byte for
 * byte, is written otherwise where that is exact, and refused where it is not.
 */

import type { RowColumn } from '../../engines/bulk.ts';
import {
  backslash,
  close,
  comma,
  endOfHex,
  endOfLiteral,
  escapedBytes,
  isSpace,
  literalLimitBytes,
  oneQuote,
  open,
  quote,
  UnfitRows,
  writtenLiteral,
} from './row-literals.ts';
import { endsRun, PlainFields } from './plain-fields.ts';

const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const semicolon = 0x3b;
const oneBackslash = Buffer.from('\\');

type State = 'head' | 'before-row' | 'after-row' | 'field' | 'string' | 'hex' | 'after-field';

export class RowConverter {
  readonly #columns: readonly RowColumn[];
  readonly #head: Buffer;
  readonly #takesReturns: boolean;
  #state: State = 'head';
  /** Where it is in a row. */
  readonly #fields: PlainFields;
  /** All text is converted in one buffer, over and over, since garbage of this size costs more than the work. */
  #buffer: Buffer = Buffer.allocUnsafe(2 ** 20 + 2 ** 12);
  /** The end of the last chunk, not understood yet. */
  #rest: Buffer = Buffer.alloc(0);

  /**
   * `head` begins every statement, byte for byte. `takesReturns`: of a carriage return before the end of a line, also in a
   * string, the client makes nothing.
   */
  constructor(head: Buffer, columns: readonly RowColumn[], takesReturns = true) {
    this.#head = head;
    this.#takesReturns = takesReturns;
    this.#columns = columns;
    this.#fields = new PlainFields(columns);
  }

  /** Rows read so far. */
  get rows(): number {
    return this.#fields.rows;
  }

  /** Throws `UnfitRows`. What is returned is good until the next call. */
  push(chunk: Buffer): Buffer[] {
    const length = this.#rest.length + chunk.length;
    if (length > this.#buffer.length) this.#buffer = Buffer.allocUnsafe(length);
    this.#rest.copy(this.#buffer);
    chunk.copy(this.#buffer, this.#rest.length);
    const text = this.#buffer.subarray(0, length);
    const out: Buffer[] = [];
    const end = this.#convert(text, out, false);
    this.#rest = Buffer.from(text.subarray(end));
    return out;
  }

  /** Throws `UnfitRows` when the last statement is not whole. */
  end(): Buffer[] {
    const out: Buffer[] = [];
    const end = this.#convert(this.#rest, out, true);
    const isWhole = this.#state === 'head' || this.#state === 'after-row';
    if (!isWhole || end < this.#rest.length) throw new UnfitRows('its last statement is not whole');
    return out;
  }

  /** Appends to `out`; returns up to where the text was understood. */
  #convert(text: Buffer, out: Buffer[], final: boolean): number {
    const { length } = text;
    let at = 0;
    /** From where on the text goes as it is. */
    let from = this.#state === 'head' || this.#state === 'after-row' || this.#state === 'hex' ? -1 : 0;
    const flush = (to: number) => {
      if (from !== -1 && to > from) out.push(text.subarray(from, to));
      from = -1;
    };
    for (;;) {
      switch (this.#state) {
        case 'head': {
          while (at < length && isSpace(text[at])) at++;
          if (length - at < this.#head.length) return at;
          if (text.compare(this.#head, 0, this.#head.length, at, at + this.#head.length) !== 0)
            throw new UnfitRows('its statements are not alike');
          at += this.#head.length;
          this.#state = 'before-row';
          from = at;
          break;
        }
        case 'before-row': {
          while (at < length && isSpace(text[at])) at++;
          if (at === length) {
            flush(at);
            return at;
          }
          if (text[at] !== open) throw new UnfitRows('it has rows that are no plain values');
          at++;
          this.#fields.column = 0;
          this.#state = 'field';
          break;
        }
        case 'after-row': {
          while (at < length && isSpace(text[at])) at++;
          if (at === length) {
            flush(at);
            return at;
          }
          if (text[at] === comma) {
            if (from === -1) from = at;
            this.#state = 'before-row';
          } else if (text[at] === semicolon) {
            flush(at);
            this.#state = 'head';
          } else {
            throw new UnfitRows('it has rows that are no plain values');
          }
          at++;
          break;
        }
        case 'field': {
          at = this.#fields.pass(text, at);
          if (isSpace(text[at])) {
            flush(at);
            while (at < length && isSpace(text[at])) at++;
            from = at;
          }
          if (text[at] === quote) {
            at++;
            this.#state = 'string';
            break;
          }
          const literalEnd = endOfLiteral(text, at);
          if (literalEnd === -1 && !final && length - at < literalLimitBytes) {
            flush(at);
            return at;
          }
          if (literalEnd === -1) {
            // A long one: only 0x… may be.
            if (!this.#beginsHex(text, at)) throw new UnfitRows('it has values that are no plain values');
          } else if (!this.#beginsHex(text, at)) {
            const written = this.#literal(text, at, literalEnd);
            if (written === 'string') {
              // _binary'…'
              flush(at);
              at = literalEnd;
              from = at;
              break;
            }
            if (written !== undefined) {
              flush(at);
              out.push(written);
              from = literalEnd;
            }
            at = literalEnd;
            this.#state = 'after-field';
            break;
          }
          flush(at);
          out.push(oneQuote);
          at += 2;
          this.#state = 'hex';
          break;
        }
        case 'string': {
          let byte = 0;
          while (at < length && endsRun[(byte = text[at] ?? 0)] === 0) at++;
          if (at >= length || (at + 2 >= length && !final)) {
            flush(at);
            return at;
          }
          const next = text[at + 1];
          if (byte === carriageReturn) {
            // The client reads lines, and takes these for the end of one.
            if (next === lineFeed && this.#takesReturns) {
              flush(at);
              from = at + 1;
            }
            at++;
          } else if (byte === backslash) {
            if (next === carriageReturn && text[at + 2] === lineFeed && this.#takesReturns) {
              flush(at + 1);
              from = at + 2;
            } else if (next === 0x25 || next === 0x5f) {
              // \% and \_ keep their backslash in a string.
              flush(at);
              out.push(oneBackslash);
              from = at;
            } else if (next === 0x4e) {
              // \N is N in a string, and no value in a file.
              flush(at);
              from = at + 1;
            }
            at += 2;
          } else if (next === quote) {
            at += 2;
          } else {
            at++;
            this.#state = 'after-field';
          }
          break;
        }
        case 'hex': {
          const digitsEnd = endOfHex(text, at);
          if (digitsEnd === length && !final) {
            const even = digitsEnd - ((digitsEnd - at) % 2);
            out.push(escapedBytes(text, at, even));
            return even;
          }
          if ((digitsEnd - at) % 2 !== 0) throw new UnfitRows('it has a value with half a byte');
          out.push(escapedBytes(text, at, digitsEnd), oneQuote);
          at = digitsEnd;
          from = at;
          this.#state = 'after-field';
          break;
        }
        case 'after-field': {
          if (isSpace(text[at])) {
            flush(at);
            while (at < length && isSpace(text[at])) at++;
            from = at;
          }
          if (at >= length) {
            flush(at);
            return at;
          }
          const byte = text[at];
          if (byte === comma) {
            this.#fields.column++;
            this.#state = 'field';
          } else if (byte === close) {
            if (this.#fields.column !== this.#columns.length - 1)
              throw new UnfitRows('it has rows of other lengths');
            this.#fields.rows++;
            this.#state = 'after-row';
          } else {
            throw new UnfitRows('it has values that are no plain values');
          }
          at++;
          break;
        }
      }
    }
  }

  /** An even number of digits is a string of bytes only where the column holds bytes. */
  #beginsHex(text: Buffer, at: number): boolean {
    const begins = text[at] === 0x30 && text[at + 1] === 0x78 && endOfHex(text, at + 2) > at + 2;
    return begins && this.#columns[this.#fields.column]?.kind === 'binary';
  }

  #literal(text: Buffer, at: number, end: number): Buffer | 'string' | undefined {
    const column = this.#columns[this.#fields.column];
    if (!column) throw new UnfitRows('it has rows of other lengths');
    return writtenLiteral(column, text, at, end);
  }
}
