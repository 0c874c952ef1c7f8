/** The column by which the rows of a table are in order in its dump, and whether they are. Text is latin1. */
import type { KeyColumn } from '../../engines/bulk.ts';

const first =
  /^CREATE TABLE (?:IF NOT EXISTS )?`[^`]+` \(\n {2}`([^`\x80-\xff]+)` (?:tiny|small|medium|big)?int\b([^\n]*)\n/i;
const primary = /\n {2}PRIMARY KEY \(`([^`\x80-\xff]+)`\)/g;
/** With those, rows may be others than the dump says, or in other columns. */
const other = /\b(?:INVISIBLE|SYSTEM|PERIOD)\b/i;

/** The first column, when it alone is the primary key, and whole numbers. Undefined where there is none, or the definition is not written as servers write it. */
export function keyColumnOf(createTable: string): KeyColumn | undefined {
  const [, column, definition = ''] = first.exec(createTable) ?? [];
  const keys = [...createTable.matchAll(primary)];
  if (column === undefined || keys.length !== 1 || keys[0]?.[1] !== column) return undefined;
  if (other.test(createTable) || /\bAS\b/i.test(definition)) return undefined;
  const isNumbered = /\bAUTO_INCREMENT\b/i.test(definition);
  const [, nextNumber = '1'] = / AUTO_INCREMENT=(\d+)(?=[^()]*$)/.exec(createTable) ?? [];
  return { column, nextNumber: isNumbered ? nextNumber : undefined };
}

/** More could not be told from their neighbours. */
const mostDigits = 15;

const newline = 0x0a;
const carriageReturn = 0x0d;
const space = 0x20;
const open = 0x28;
const close = 0x29;
const comma = 0x2c;
const semicolon = 0x3b;
const backslash = 0x5c;
const zero = 0x30;
const nine = 0x39;
/** Where values are more than their bytes: quotes and brackets. */
const notable = new Uint8Array(256);
for (const byte of Buffer.from('\'"()')) notable[byte] = 1;

type State = 'head' | 'row' | 'key' | 'values' | 'string' | 'escape' | 'after' | 'disordered';

/** Reads INSERT statements, of which each row begins with its key, in whatever pieces. */
export class KeyOrder {
  readonly #head: Buffer;
  #state: State = 'head';
  /** How many bytes of the head were there. */
  #matched = 0;
  #quote = 0;
  #key = 0;
  #digits = 0;
  rows = 0;
  /** The last key, which is the greatest. */
  last = 0;

  /** `head` begins every statement, byte for byte. */
  constructor(head: Buffer) {
    this.#head = head;
  }

  /** All that was read are whole statements, whose rows are in the order of their keys, and each key greater than zero. */
  get isOrdered(): boolean {
    return this.#state === 'head' && this.#matched === 0 && this.rows > 0;
  }

  push(text: Buffer): void {
    const { length } = text;
    for (let at = 0; at < length; at++) {
      const byte = text[at] ?? 0;
      switch (this.#state) {
        case 'head':
          if (byte === this.#head[this.#matched]) {
            this.#matched++;
            if (this.#matched === this.#head.length) this.#state = 'row';
          } else if (this.#matched > 0 || !isSpace(byte)) {
            this.#state = 'disordered';
          }
          break;
        case 'row':
          if (byte === open) {
            this.#state = 'key';
            this.#key = this.#digits = 0;
          } else if (!isSpace(byte)) {
            this.#state = 'disordered';
          }
          break;
        case 'key':
          if (byte >= zero && byte <= nine && (this.#digits === 0 || this.#key > 0)) {
            this.#key = this.#key * 10 + (byte - zero);
            this.#digits++;
          } else {
            this.#state = (byte === comma || byte === close) && this.#takeKey() ? 'values' : 'disordered';
            if (byte === close && this.#state === 'values') this.#state = 'after';
          }
          break;
        case 'values':
          while (at < length && notable[text[at] ?? 0] === 0) at++;
          if (at === length) break;
          this.#quote = text[at] ?? 0;
          this.#state = this.#quote === close ? 'after' : this.#quote === open ? 'disordered' : 'string';
          break;
        case 'string':
          while (at < length && text[at] !== this.#quote && text[at] !== backslash) at++;
          if (at < length) this.#state = text[at] === backslash ? 'escape' : 'values';
          break;
        case 'escape':
          this.#state = 'string';
          break;
        case 'after':
          if (byte === comma) {
            this.#state = 'row';
          } else if (byte === semicolon) {
            this.#state = 'head';
            this.#matched = 0;
          } else if (!isSpace(byte)) {
            this.#state = 'disordered';
          }
          break;
        case 'disordered':
          return;
      }
    }
  }

  #takeKey(): boolean {
    if (this.#digits === 0 || this.#digits > mostDigits || this.#key <= this.last) return false;
    this.last = this.#key;
    this.rows++;
    return true;
  }
}

const isSpace = (byte: number): boolean => byte === space || byte === newline || byte === carriageReturn;
