/**
 * Cuts the text of a dump where the plain client would cut it (add_line in client/mysql.cc of MariaDB), whatever the
 * pieces it comes in. Memory is bounded: rows of an INSERT and statements that are long are handed on as they come.
 * Where the reader is not certain to see the text as the client does, it says so, and cuts no more.
 */
import {
  changeOfReading,
  clientCommand,
  commentAt,
  delimiterCommand,
  delimiterOf,
  sandboxMark,
} from './client-syntax.ts';
import { parseInsertHead } from './insert-head.ts';
import { skipLiterals, skipString } from './literals-skip.ts';
import {
  backslash,
  backtick,
  dash,
  double,
  headLimitBytes,
  isSpace,
  literal,
  lookaheadBytes,
  newline,
  semicolon,
  single,
  statementLimitBytes,
  withDelimiter,
  type Piece,
} from './pieces.ts';
import { notBegun, TextWindow } from './text-window.ts';

type Mode = 'between' | 'code' | 'single' | 'double' | 'backtick' | 'line-comment' | 'block-comment' | 'rest';

export class StatementReader {
  readonly #window = new TextWindow();
  #mode: Mode = 'between';
  /** Of a comment: what it interrupted. */
  #outer: 'between' | 'code' = 'between';
  #delimiter: Buffer = semicolon;
  #notable = withDelimiter(semicolon);
  #begun = notBegun();
  /** A quote in double quotes may be escaped or not: the client asks the server's mode. */
  #mayBeAnsi = false;

  push(chunk: Buffer): Piece[] {
    this.#window.fill(chunk);
    this.#scan(this.#window.text.length - lookaheadBytes, false);
    this.#cutBegun();
    return this.#window.takePieces();
  }

  end(): Piece[] {
    const window = this.#window;
    const { length } = window.text;
    this.#scan(length, true);
    window.position = length;
    if (this.#isBetween()) window.cut('between', length);
    else if (this.#mode === 'rest') window.cut('rest', length);
    else this.#endStatement(length);
    return window.takePieces();
  }

  /** Between statements, comments there included. */
  #isBetween(): boolean {
    return this.#mode === 'between' || (this.#outer === 'between' && this.#mode.endsWith('comment'));
  }

  /** Looks at all bytes before `limit`, and as many after it as it takes to know what they are. */
  #scan(limit: number, final: boolean): void {
    while (this.#window.position < limit) {
      switch (this.#mode) {
        case 'between':
          if (!this.#scanBetween(limit, final)) return;
          break;
        case 'code':
          if (!this.#scanCode(limit, final)) return;
          break;
        case 'single':
        case 'double':
          this.#scanString(this.#mode === 'single' ? single : double, limit);
          break;
        case 'backtick':
          this.#skipTo(backtick, 'code', limit);
          break;
        case 'line-comment':
          this.#skipTo(newline, this.#outer, limit);
          break;
        case 'block-comment':
          this.#skipTo('*/', this.#outer, limit);
          break;
        case 'rest':
          this.#window.cut('rest', this.#window.text.length);
          return;
      }
    }
  }

  /** False when more text is needed. */
  #scanBetween(limit: number, final: boolean): boolean {
    const window = this.#window;
    const { text } = window;
    let at = window.position;
    while (at < limit && isSpace(text[at])) at++;
    window.position = at;
    if (at >= limit) return true;
    if (!window.has(this.#delimiter, at) && this.#enterComment(at, 'between')) return true;
    const start = window.latin1(at, at + lookaheadBytes);
    if (delimiterCommand.test(start)) return this.#setDelimiter(at, final);
    if (window.isLineStart(at) && clientCommand.test(start)) {
      const end = text.indexOf(newline, at);
      if (end === -1 && !final && text.length - at < headLimitBytes) return false;
      const line = text.subarray(at, end === -1 ? text.length : end);
      if (!line.includes(this.#delimiter)) {
        this.#giveUp(at);
        return true;
      }
    }
    this.#window.cut('between', at);
    this.#mode = 'code';
    this.#begun = notBegun();
    return true;
  }

  #setDelimiter(at: number, final: boolean): boolean {
    const { text } = this.#window;
    const found = text.indexOf(newline, at);
    if (found === -1 && !final) {
      if (text.length - at > lookaheadBytes * 4) this.#giveUp(at);
      return this.#mode === 'rest';
    }
    const end = found === -1 ? text.length : found + 1;
    const delimiter = delimiterOf(this.#window.latin1(at, end));
    if (delimiter === undefined) {
      this.#giveUp(at);
      return true;
    }
    this.#delimiter = Buffer.from(delimiter, 'latin1');
    this.#notable = withDelimiter(this.#delimiter);
    this.#window.position = end;
    return true;
  }

  /** False when more text is needed. */
  #scanCode(limit: number, final: boolean): boolean {
    const window = this.#window;
    const { text } = window;
    let at = window.position;
    if (this.#begun.kind === 'rows') {
      at = skipLiterals(text, at, limit);
      if (at < 0) {
        window.position = ~at;
        this.#mode = 'single';
        return true;
      }
    } else {
      while (at < limit && this.#notable[text[at] ?? 0] === 0) at++;
    }
    window.position = at;
    if (!this.#lookAtHead(final)) return false;
    // A head that was found has been passed by.
    if (at >= limit || window.position > at) return true;
    if (text[at] !== backslash && window.has(this.#delimiter, at)) {
      this.#endStatement(at + this.#delimiter.length);
      return true;
    }
    if (literal[text[at] ?? 0] === 0) this.#begun.hasExpressions = true;
    if (!this.#enterComment(at, 'code')) this.#enterCode(at);
    return true;
  }

  /** By a byte that may begin something, and begins no comment. */
  #enterCode(at: number): void {
    const window = this.#window;
    window.position = at + 1;
    switch (window.text[at] ?? 0) {
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
        if (this.#closesSandbox(at)) window.position = at + 2;
        else this.#giveUp(window.start);
        break;
      case 0x44:
      case 0x64:
        if (delimiterCommand.test(window.latin1(at, at + 10))) this.#giveUp(window.start);
        break;
    }
  }

  #closesSandbox(at: number): boolean {
    const window = this.#window;
    if (this.#begun.kind !== 'other' || window.text[at + 1] !== dash) return false;
    return sandboxMark.test(window.latin1(window.start, at));
  }

  #enterComment(at: number, outer: 'between' | 'code'): boolean {
    const comment = commentAt(this.#window.text, at, outer);
    if (!comment) return false;
    this.#mode = comment.mode;
    this.#window.position = at + comment.length;
    this.#outer = outer;
    return true;
  }

  #scanString(quote: number, limit: number): void {
    const window = this.#window;
    const from = window.position;
    const end = skipString(window.text, from, limit, quote);
    window.position = end < 0 ? ~end : end;
    if (quote === double && this.#mayBeAnsi) {
      const escape = window.text.indexOf(backslash, from);
      if (escape !== -1 && escape < window.position) {
        this.#giveUp(window.start);
        return;
      }
    }
    if (end >= 0) this.#mode = 'code';
  }

  #skipTo(end: number | string, then: 'between' | 'code', limit: number): void {
    const found = this.#window.text.indexOf(end, this.#window.position, 'latin1');
    if (found === -1 || found >= limit) {
      this.#window.position = limit;
    } else {
      this.#window.position = found + (typeof end === 'string' ? end.length : 1);
      this.#mode = then;
    }
  }

  /** Finds out what statement it is, as soon as there is enough of it. False when there is not. */
  #lookAtHead(final: boolean): boolean {
    if (this.#begun.kind !== undefined) return true;
    const { text, start } = this.#window;
    const head = this.#delimiter.equals(semicolon)
      ? parseInsertHead(text.subarray(start, start + headLimitBytes))
      : 'none';
    if (head === 'more' && !final && text.length - start < headLimitBytes) return false;
    if (typeof head === 'string') {
      this.#begun.kind = 'other';
      return true;
    }
    this.#begun.kind = 'rows';
    this.#begun.head = head;
    this.#window.position = start + head.bytes.length;
    return true;
  }

  #endStatement(end: number): void {
    const window = this.#window;
    const begun = this.#begun;
    const { start } = window;
    window.position = end;
    this.#mode = 'between';
    if (begun.kind === 'rows' || begun.kind === 'long') {
      window.cutPart(begun.kind, begun, end, true);
      return;
    }
    if (end - start > statementLimitBytes) {
      window.cutPart('long', begun, start + statementLimitBytes, false);
      window.cutPart('long', begun, end, true);
      return;
    }
    window.cut('statement', end);
    const change = changeOfReading(window.text.subarray(start, end));
    if (change === 'unclear') this.#giveUp(end);
    this.#mayBeAnsi ||= change === 'perhaps ANSI';
  }

  #giveUp(from: number): void {
    const window = this.#window;
    this.#window.cut('between', from);
    this.#mode = 'rest';
    this.#window.cut('rest', window.text.length);
    window.position = window.text.length;
  }

  /** Hands on what is there of a piece that need not be whole. */
  #cutBegun(): void {
    const window = this.#window;
    const begun = this.#begun;
    const { position, start } = window;
    if (this.#mode === 'rest') {
      window.cut('rest', window.text.length);
    } else if (this.#isBetween()) {
      window.cut('between', position);
    } else {
      if (begun.kind === 'other' && position - start > statementLimitBytes) begun.kind = 'long';
      if (begun.kind === 'rows' || begun.kind === 'long') window.cutPart(begun.kind, begun, position, false);
    }
  }
}
