/**
 * Splits a script for psql where psql does: into statements, psql's own commands, and the data that COPY reads
 * (src/bin/psql/psqlscan.l). A statement is held back until it has ended, unless it is long.
 */
import {
  apply,
  backslash,
  byteOf,
  dollarTagAt,
  endOfDataBytes,
  findEndOfData,
  isSpecial,
  isWordByte,
  newline,
  newlinesIn,
  openIn,
  readsData,
  type State,
  type Verdict,
} from './postgres-tokens.ts';

/** No more of a statement is looked at, and no more held back. */
const statementLimit = 16_384;
const tailLimit = 512;

export interface ScriptListener {
  /** A statement, without comments, latin1, its middle left out when it is long. A long one passes in any case. */
  statement(text: string, line: number): Verdict;
  /** A command of psql, to the end of its line, with its backslash. */
  command(text: string, line: number): Verdict;
}

const sql: State = { kind: 'sql' };

export class ScriptLexer {
  readonly #listener: ScriptListener;
  #state: State = sql;
  /** What was not handed out yet. */
  #text: Buffer = Buffer.alloc(0);
  /** Up to here it was looked at. */
  #at = 0;
  /** Here the statement begins, or what is left of it. */
  #begin = 0;
  #isCutOff = false;
  #line = 1;
  #statementLine = 1;
  #head = '';
  #tail = '';
  #hasStandardStrings = true;

  constructor(listener: ScriptListener) {
    this.#listener = listener;
  }

  /** Takes a piece of the script, and returns what is ready of it. */
  push(chunk: Buffer): Buffer {
    this.#text = Buffer.concat([this.#text, chunk]);
    this.#scan(false);
    const isLong = this.#at - this.#begin > statementLimit;
    this.#isCutOff ||= isLong;
    return this.#handOut(this.#state.kind === 'data' || isLong ? this.#at : this.#begin);
  }

  /** The last of the script. What is open then is in `open`. */
  end(): Buffer {
    this.#scan(true);
    // psql sends what has no semicolon all the same.
    if (this.#statement.trim() !== '') this.#endStatement();
    return this.#handOut(this.#text.length);
  }

  /** What has begun and not ended, in words. */
  get open(): string | undefined {
    return openIn(this.#state);
  }

  get #statement(): string {
    return this.#head + this.#tail;
  }

  #handOut(end: number): Buffer {
    const ready = this.#text.subarray(0, end);
    this.#text = this.#text.subarray(end);
    this.#at -= end;
    this.#begin = Math.max(0, this.#begin - end);
    return ready;
  }

  /** Goes on until the text is at its end, or what follows can't be told without more of it. */
  #scan(isLast: boolean): void {
    while (this.#at < this.#text.length) {
      const end = this.#step(this.#state, isLast);
      if (end === undefined) return;
      this.#at = end;
    }
  }

  /** Where the next token ends; undefined when that can't be told yet. */
  #step(state: State, isLast: boolean): number | undefined {
    switch (state.kind) {
      case 'sql':
        return this.#stepSql(isLast);
      case 'quoted':
        return this.#stepQuoted(state);
      case 'dollar': {
        const found = this.#text.indexOf(state.tag, this.#at);
        if (found === -1) return this.#passOver(this.#text.length - (isLast ? 0 : state.tag.length));
        this.#state = sql;
        return this.#passOver(found + state.tag.length);
      }
      case 'line comment': {
        const found = this.#text.indexOf(newline, this.#at);
        if (found !== -1) this.#state = sql;
        return found === -1 ? this.#text.length : found;
      }
      case 'comment':
        return this.#stepComment(state.depth, isLast);
      case 'data':
        return this.#stepData(state.hasBegun, isLast);
    }
  }

  #stepSql(isLast: boolean): number | undefined {
    const text = this.#text;
    let at = this.#at;
    for (; at < text.length; at++) {
      const byte = text[at] ?? 0;
      if (isSpecial[byte] === 0) continue;
      const character = String.fromCharCode(byte);
      if (at > this.#at) return this.#remember(at);
      const following = text[at + 1];
      if (following === undefined && !isLast && '-/$\\'.includes(character)) return undefined;
      switch (character) {
        case '\n':
          this.#line++;
          return this.#remember(at + 1);
        case ';':
          this.#remember(at + 1);
          this.#at = at + 1;
          return this.#endStatement();
        case "'":
        case '"':
          this.#state = { kind: 'quoted', until: byte, escapes: byte === byteOf("'") && this.#escapesAt(at) };
          return this.#remember(at + 1);
        case '$':
          return this.#stepDollar(at, isLast);
        case '\\':
          return this.#stepCommand(at, isLast);
        case '-':
          if (following !== byte) return this.#remember(at + 1);
          this.#state = { kind: 'line comment' };
          return at + 2;
        default:
          if (following !== byteOf('*')) return this.#remember(at + 1);
          this.#state = { kind: 'comment', depth: 1 };
          return at + 2;
      }
    }
    return this.#remember(at);
  }

  /** E'…', and every string where the script has said so. */
  #escapesAt(at: number): boolean {
    const isMarked =
      /[eE]/.test(String.fromCharCode(this.#text[at - 1] ?? 0)) && !isWordByte(this.#text[at - 2]);
    return isMarked || !this.#hasStandardStrings;
  }

  #stepQuoted({ until, escapes }: Extract<State, { kind: 'quoted' }>): number | undefined {
    const text = this.#text;
    for (let from = this.#at; ;) {
      const end = text.indexOf(until, from);
      const escape = escapes ? text.indexOf(backslash, from) : -1;
      if (escape !== -1 && (end === -1 || escape < end)) {
        if (escape + 1 >= text.length) return this.#passOver(escape);
        from = escape + 2;
        continue;
      }
      if (end === -1) return this.#passOver(text.length);
      // Two of them begin another such string at once, which comes to the same.
      this.#state = sql;
      return this.#passOver(end + 1);
    }
  }

  /** Takes what lies before `end` to the statement; undefined when that is nothing. */
  #passOver(end: number): number | undefined {
    if (end <= this.#at) return undefined;
    this.#countLines(this.#at, end);
    return this.#remember(end);
  }

  #stepDollar(at: number, isLast: boolean): number | undefined {
    const tag = dollarTagAt(this.#text, at, isLast);
    if (tag === undefined) return undefined;
    if (tag === '') return this.#remember(at + 1);
    this.#state = { kind: 'dollar', tag: Buffer.from(tag, 'latin1') };
    return this.#remember(at + tag.length);
  }

  #stepComment(depth: number, isLast: boolean): number | undefined {
    const text = this.#text;
    for (let at = this.#at; at + 1 < text.length; at++) {
      if (text[at] === newline) this.#line++;
      const pair = text.toString('latin1', at, at + 2);
      if (pair !== '*/' && pair !== '/*') continue;
      const depthThen = depth + (pair === '/*' ? 1 : -1);
      this.#state = depthThen === 0 ? sql : { kind: 'comment', depth: depthThen };
      return at + 2;
    }
    if (!isLast) return text.length - 1 > this.#at ? text.length - 1 : undefined;
    return text.length;
  }

  #stepCommand(at: number, isLast: boolean): number | undefined {
    const found = this.#text.indexOf(newline, at);
    if (found === -1 && !isLast) return undefined;
    const end = found === -1 ? this.#text.length : found;
    const verdict = this.#listener.command(this.#text.toString('latin1', at, end).trimEnd(), this.#line);
    apply(verdict, this.#text, at, end);
    return end;
  }

  #stepData(hasBegun: boolean, isLast: boolean): number | undefined {
    const text = this.#text;
    if (!hasBegun) {
      const lineEnd = text.indexOf(newline, this.#at);
      if (lineEnd === -1 && !isLast) return undefined;
      const rest = text.toString('latin1', this.#at, lineEnd === -1 ? text.length : lineEnd).trim();
      // psql runs it after the data. Nobody writes that but who wants to hide it.
      if (rest !== '') this.#listener.command(rest, this.#line);
      this.#state = { kind: 'data', hasBegun: true };
    }
    const end = findEndOfData(text, this.#at, isLast);
    if (end === undefined) {
      // The line that ends it may have begun.
      const passed = isLast ? text.length : text.length - endOfDataBytes;
      if (passed <= this.#at) return undefined;
      this.#countLines(this.#at, passed);
      return passed;
    }
    this.#countLines(this.#at, end);
    this.#state = sql;
    this.#beginStatement(end);
    return end;
  }

  #countLines(from: number, to: number): void {
    this.#line += newlinesIn(this.#text, from, to);
  }

  /** Takes what lies before `end` to the statement; `end`. */
  #remember(end: number): number {
    if (this.#head === '') {
      // What stands before it is none of it, so that it need not be held back.
      let start = this.#at;
      while (start < end && (this.#text[start] ?? 0) <= 0x20) start++;
      if (start === end) {
        this.#begin = end;
        return end;
      }
      this.#statementLine = this.#line;
      this.#begin = start;
      this.#isCutOff = false;
      this.#head = this.#text.toString('latin1', start, Math.min(end, start + statementLimit));
      return end;
    }
    const roomLeft = statementLimit - this.#head.length;
    const headEnd = Math.min(end, this.#at + Math.max(roomLeft, 0));
    this.#head += this.#text.toString('latin1', this.#at, headEnd);
    if (headEnd < end)
      this.#tail = (
        this.#tail + this.#text.toString('latin1', Math.max(headEnd, end - tailLimit), end)
      ).slice(-tailLimit);
    return end;
  }

  /** Where to go on. */
  #endStatement(): number {
    const statement = this.#statement;
    const strings = /^set\s+(?:session\s+|local\s+)?standard_conforming_strings\s*(?:=|to)\s*'?(\w+)/i.exec(
      statement,
    )?.[1];
    if (strings !== undefined) this.#hasStandardStrings = /^(?:on|true|yes|1)$/i.test(strings);
    const verdict = this.#listener.statement(statement, this.#statementLine);
    if (!this.#isCutOff) apply(verdict, this.#text, this.#begin, this.#at);
    this.#beginStatement(this.#at);
    if (!readsData(statement)) return this.#at;
    this.#state = { kind: 'data', hasBegun: false };
    return this.#at;
  }

  #beginStatement(at: number): void {
    this.#begin = at;
    this.#isCutOff = false;
    this.#head = '';
    this.#tail = '';
  }
}
