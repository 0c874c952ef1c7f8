/**
 * Cuts the text of a dump where the plain client would cut it (add_line in client/mysql.cc of MariaDB), whatever the
 * pieces it comes in. Memory is bounded: rows of an INSERT and statements that are long are handed on as they come.
 * Where the reader is not certain to see the text as the client does, it says so, and cuts no more.
 */
import { parseInsertHead, type InsertHead } from './insert-head.ts';
import {
  backslash,
  backtick,
  clientCommand,
  countNewlines,
  dash,
  double,
  hash,
  headLimitBytes,
  isSpace,
  literal,
  lookaheadBytes,
  newline,
  notableInRows,
  sandboxMark,
  semicolon,
  single,
  slash,
  star,
  statementLimitBytes,
  withDelimiter,
  type Piece,
} from './pieces.ts';

type Mode = 'between' | 'code' | 'single' | 'double' | 'backtick' | 'line-comment' | 'block-comment' | 'rest';

export class StatementReader {
  #buffer: Buffer = Buffer.allocUnsafe(2 ** 19);
  /** The part of the buffer that is filled. */
  #text: Buffer = this.#buffer.subarray(0, 0);
  /** Where the piece begins that is not complete yet, and how far it was looked through. */
  #start = 0;
  #position = 0;
  #mode: Mode = 'between';
  /** Of a comment: what it interrupted. */
  #outer: 'between' | 'code' = 'between';
  #delimiter: Buffer = semicolon;
  #notable = withDelimiter(semicolon);
  /** Line number, and place in the text, at `#start`. */
  #line = 1;
  #offset = 0;
  /** Whether the byte before `#text` ended a line, or there is none. */
  #afterNewline = true;
  /** Known once the statement's beginning was looked at. */
  #kind: 'rows' | 'long' | undefined;
  #head: InsertHead | undefined;
  #first = true;
  /** No INSERT, as far as its beginning goes. */
  #isOther = false;
  #hasExpressions = false;
  /** A quote in double quotes may be escaped or not: the client asks the server's mode. */
  #mayBeAnsi = false;
  #pieces: Piece[] = [];

  push(chunk: Buffer): Piece[] {
    if (this.#mode === 'rest') {
      this.#text = chunk;
      this.#start = 0;
      this.#emit('rest', chunk.length);
      return this.#take();
    }
    if (this.#start > 0) this.#afterNewline = this.#text[this.#start - 1] === newline;
    this.#fill(chunk);
    this.#scan(this.#text.length - lookaheadBytes, false);
    this.#emitBegun();
    return this.#take();
  }

  end(): Piece[] {
    this.#scan(this.#text.length, true);
    this.#position = this.#text.length;
    if (this.#mode === 'between' || (this.#outer === 'between' && this.#mode.endsWith('comment')))
      this.#emit('between', this.#position);
    else if (this.#mode === 'rest') this.#emit('rest', this.#position);
    else this.#endStatement(this.#position);
    return this.#take();
  }

  /** Puts `chunk` behind what is left. */
  #fill(chunk: Buffer): void {
    const left = this.#text.subarray(this.#start);
    const length = left.length + chunk.length;
    if (length > this.#buffer.length) {
      this.#buffer = Buffer.allocUnsafe(2 ** Math.ceil(Math.log2(length)));
      left.copy(this.#buffer);
    } else {
      this.#text.copyWithin(0, this.#start);
    }
    chunk.copy(this.#buffer, left.length);
    this.#text = this.#buffer.subarray(0, length);
    this.#position -= this.#start;
    this.#start = 0;
  }

  #take(): Piece[] {
    const pieces = this.#pieces;
    this.#pieces = [];
    return pieces;
  }

  /** Looks at all bytes before `limit`, and as many after it as it takes to know what they are. */
  #scan(limit: number, final: boolean): void {
    while (this.#position < limit) {
      switch (this.#mode) {
        case 'between':
          if (!this.#scanBetween(limit, final)) return;
          break;
        case 'code':
          if (!this.#scanCode(limit, final)) return;
          break;
        case 'single':
          this.#scanString(single, limit);
          break;
        case 'double':
          this.#scanString(double, limit);
          break;
        case 'backtick':
          this.#skipTo(backtick, 'code', limit);
          break;
        case 'line-comment':
          this.#skipTo(newline, this.#outer, limit);
          break;
        case 'block-comment':
          this.#scanBlockComment(limit);
          break;
        case 'rest':
          this.#emit('rest', this.#text.length);
          return;
      }
    }
  }

  /** False when more text is needed. */
  #scanBetween(limit: number, final: boolean): boolean {
    const text = this.#text;
    let at = this.#position;
    while (at < limit && isSpace(text[at])) at++;
    this.#position = at;
    if (at >= limit) return true;
    if (!this.#startsWithDelimiter(at) && this.#enterComment(at, 'between')) return true;
    const isLineStart = at === 0 ? this.#afterNewline : text[at - 1] === newline;
    const start = text.toString('latin1', at, at + lookaheadBytes);
    if (/^delimiter /i.test(start)) return this.#setDelimiter(at, final);
    if (isLineStart && clientCommand.test(start)) {
      const end = text.indexOf(newline, at);
      if (end === -1 && !final && text.length - at < headLimitBytes) return false;
      const line = text.subarray(at, end === -1 ? text.length : end);
      if (!line.includes(this.#delimiter)) {
        this.#giveUp(at);
        return true;
      }
    }
    this.#emit('between', at);
    this.#mode = 'code';
    this.#kind = undefined;
    this.#head = undefined;
    this.#first = true;
    this.#isOther = false;
    this.#hasExpressions = false;
    return true;
  }

  #setDelimiter(at: number, final: boolean): boolean {
    const found = this.#text.indexOf(newline, at);
    if (found === -1 && !final) {
      if (this.#text.length - at > lookaheadBytes * 4) this.#giveUp(at);
      return this.#mode === 'rest';
    }
    const end = found === -1 ? this.#text.length : found + 1;
    const delimiter = /^delimiter +([^\s'"`\\#\-d]{1,15}) *\n?$/i.exec(
      this.#text.toString('latin1', at, end),
    )?.[1];
    if (delimiter === undefined) {
      this.#giveUp(at);
      return true;
    }
    this.#delimiter = Buffer.from(delimiter, 'latin1');
    this.#notable = withDelimiter(this.#delimiter);
    this.#position = end;
    return true;
  }

  /** False when more text is needed. */
  #scanCode(limit: number, final: boolean): boolean {
    const text = this.#text;
    const table = this.#kind === 'rows' ? notableInRows : this.#notable;
    let at = this.#position;
    while (at < limit && table[text[at] ?? 0] === 0) at++;
    this.#position = at;
    if (!this.#lookAtHead(final)) return false;
    // A head that was found has been passed by.
    if (at >= limit || this.#position > at) return true;
    if (text[at] !== backslash && this.#startsWithDelimiter(at)) {
      this.#endStatement(at + this.#delimiter.length);
      return true;
    }
    if (literal[text[at] ?? 0] === 0) this.#hasExpressions = true;
    if (this.#enterComment(at, 'code')) return true;
    this.#position = at + 1;
    switch (text[at] ?? 0) {
      case single:
        this.#mode = 'single';
        break;
      case double:
        this.#mode = 'double';
        break;
      case backtick:
        this.#mode = 'backtick';
        break;
      case backslash:
        // A command of the client, such as \g: but for the one that closes the sandbox, which is closed anyway.
        if (text[at + 1] === dash && this.#beginsWithSandboxMark(at)) this.#position = at + 2;
        else this.#giveUp(this.#start);
        break;
      case 0x44:
      case 0x64:
        // The client takes it for its command wherever it stands.
        if (/^delimiter /i.test(text.toString('latin1', at, at + 10))) this.#giveUp(this.#start);
        break;
    }
    return true;
  }

  /** Whether the mark is all there is of the statement before `at`. */
  #beginsWithSandboxMark(at: number): boolean {
    if (this.#kind !== undefined || at - this.#start > lookaheadBytes) return false;
    return sandboxMark.test(this.#text.toString('latin1', this.#start, at));
  }

  #startsWithDelimiter(at: number): boolean {
    const { length } = this.#delimiter;
    if (this.#text[at] !== this.#delimiter[0] || at + length > this.#text.length) return false;
    return length === 1 || this.#text.compare(this.#delimiter, 0, length, at, at + length) === 0;
  }

  #enterComment(at: number, outer: 'between' | 'code'): boolean {
    const text = this.#text;
    const byte = text[at];
    const next = text[at + 1];
    const third = text[at + 2];
    const isDashes = byte === dash && next === dash;
    // Before a statement, the client wants no space after the dashes.
    if (byte === hash || (isDashes && (outer === 'between' || third === undefined || isSpace(third)))) {
      this.#mode = 'line-comment';
      this.#position = byte === hash ? at + 1 : at + 2;
    } else if (
      byte === slash &&
      next === star &&
      third !== 0x21 &&
      !(third === 0x4d && text[at + 3] === 0x21)
    ) {
      this.#mode = 'block-comment';
      this.#position = at + 2;
    } else {
      return false;
    }
    this.#outer = outer;
    return true;
  }

  #scanString(quote: number, limit: number): void {
    const text = this.#text;
    let at = this.#position;
    for (; at < limit; at++) {
      const byte = text[at];
      if (byte === quote) {
        // A doubled quote ends one string and begins another, which comes to the same.
        this.#mode = 'code';
        at++;
        break;
      }
      if (byte === backslash) {
        if (quote === double && this.#mayBeAnsi) {
          this.#position = at;
          this.#giveUp(this.#start);
          return;
        }
        at++;
      }
    }
    this.#position = at;
  }

  #skipTo(byte: number, then: 'between' | 'code', limit: number): void {
    const end = this.#text.indexOf(byte, this.#position);
    if (end === -1 || end >= limit) {
      this.#position = limit;
    } else {
      this.#position = end + 1;
      this.#mode = then;
    }
  }

  #scanBlockComment(limit: number): void {
    const end = this.#text.indexOf('*/', this.#position, 'latin1');
    if (end === -1 || end >= limit) {
      this.#position = limit;
    } else {
      this.#position = end + 2;
      this.#mode = this.#outer;
    }
  }

  /** Finds out what statement it is, as soon as there is enough of it. False when there is not. */
  #lookAtHead(final: boolean): boolean {
    if (this.#kind !== undefined || this.#isOther) return true;
    const available = this.#text.length - this.#start;
    const head = this.#delimiter.equals(semicolon)
      ? parseInsertHead(this.#text.subarray(this.#start, this.#start + headLimitBytes))
      : 'none';
    if (head === 'more' && !final && available < headLimitBytes) return false;
    if (typeof head === 'string') {
      this.#isOther = true;
      return true;
    }
    this.#kind = 'rows';
    this.#head = head;
    this.#position = this.#start + head.bytes.length;
    return true;
  }

  #endStatement(end: number): void {
    this.#position = end;
    this.#mode = 'between';
    if (this.#kind !== undefined) {
      this.#emitPart(this.#kind, end, true);
      return;
    }
    if (end - this.#start > statementLimitBytes) {
      this.#emitPart('long', this.#start + statementLimitBytes, false);
      this.#emitPart('long', end, true);
      return;
    }
    const statement = this.#text.subarray(this.#start, end);
    this.#emit('statement', end);
    this.#heed(statement);
  }

  /** Modes that change how the client reads. */
  #heed(statement: Buffer): void {
    const text = statement.toString('latin1', 0, statement.length);
    if (!/sql_mode/i.test(text) || /^(?:\/\*M?!\d*\s*)?CREATE TABLE\b/i.test(text)) return;
    if (/NO_BACKSLASH|sql_mode\s*:?=\s*(?!default|ifnull)[\d(a-z]/i.test(text)) this.#giveUp(this.#start);
    else if (/ANSI|ORACLE|MSSQL|DB2|POSTGRESQL|MAXDB/i.test(text)) this.#mayBeAnsi = true;
  }

  #giveUp(from: number): void {
    this.#emit('between', from);
    this.#mode = 'rest';
    this.#position = Math.max(this.#position, from);
    this.#emit('rest', this.#text.length);
    this.#position = this.#text.length;
  }

  /** Hands on what is there of a piece that need not be whole. */
  #emitBegun(): void {
    if (this.#mode === 'rest') {
      this.#emit('rest', this.#text.length);
    } else if (this.#mode === 'between' || (this.#outer === 'between' && this.#mode.endsWith('comment'))) {
      this.#emit('between', this.#position);
    } else if (this.#kind !== undefined) {
      this.#emitPart(this.#kind, this.#position, false);
    } else if (this.#isOther && this.#position - this.#start > statementLimitBytes) {
      this.#kind = 'long';
      this.#emitPart('long', this.#position, false);
    }
  }

  #emitPart(kind: 'rows' | 'long', end: number, last: boolean): void {
    if (end === this.#start && !last) return;
    const bytes = this.#text.subarray(this.#start, end);
    const part = { bytes, line: this.#line, first: this.#first, last };
    if (kind === 'long') this.#pieces.push({ kind, ...part });
    else if (this.#head)
      this.#pieces.push({
        kind,
        ...part,
        offset: this.#offset,
        head: this.#head,
        hasExpressions: this.#hasExpressions,
      });
    this.#first = false;
    this.#advance(bytes, end);
  }

  #emit(kind: 'between' | 'statement' | 'rest', end: number): void {
    if (end <= this.#start) return;
    const bytes = this.#text.subarray(this.#start, end);
    this.#pieces.push({ kind, bytes, line: this.#line });
    this.#advance(bytes, end);
  }

  #advance(bytes: Buffer, end: number): void {
    this.#line += countNewlines(bytes);
    this.#offset += bytes.length;
    this.#start = end;
  }
}
