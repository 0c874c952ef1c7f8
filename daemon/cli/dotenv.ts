/**
 * The editor of `.env` files: changes the values of some keys and not one byte more. Pure; the file is seen to by
 * `dotenv-file.ts`. What such a file means is what the readers agree on: Node's `util.parseEnv`, dotenv, and sh.
 */
import { parseEnv } from 'node:util';

/** A text is edited as Latin-1, a character a byte, so that whatever else is in the file survives. */
const encoding = 'latin1';

/** `NAME=`, perhaps exported, where a line begins. */
const assignment = /^([ \t]*(?:export[ \t]+)?)([A-Za-z_][A-Za-z0-9_.]*)([ \t]*=)/;

/** `KEY=value # comment` in its parts: `head` is all up to the value, `tail` all after it. */
type Piece =
  | { readonly kind: 'other'; readonly text: string }
  | {
      readonly kind: 'assignment';
      readonly key: string;
      readonly head: string;
      readonly value: string;
      readonly tail: string;
    };

/**
 * `content` with the keys of `values` set, wherever they stand, and those not there added at the end. Undefined when it
 * cannot be done so that the file reads back as exactly these values with all others as before.
 */
export function editDotenv(content: Buffer, values: Readonly<Record<string, string>>): Buffer | undefined {
  const text = content.toString(encoding);
  const missing = new Set(Object.keys(values));
  let edited = '';
  for (const piece of pieces(text)) {
    const value =
      piece.kind === 'assignment' && Object.hasOwn(values, piece.key) ? values[piece.key] : undefined;
    if (piece.kind === 'other') {
      edited += piece.text;
    } else if (value === undefined) {
      edited += piece.head + piece.value + piece.tail;
    } else {
      missing.delete(piece.key);
      // "KEY=old#x" is a comment to some readers and a value to others; after a space all see a comment.
      edited +=
        piece.head + bytesOf(quoteForDotenv(value)) + (piece.tail.startsWith('#') ? ' ' : '') + piece.tail;
    }
  }
  const lineEnd = /\r?\n/.exec(text)?.[0] ?? '\n';
  if (missing.size > 0 && edited !== '' && edited !== byteOrderMark && !edited.endsWith('\n'))
    edited += lineEnd;
  for (const key of missing) edited += `${key}=${bytesOf(quoteForDotenv(values[key] ?? ''))}${lineEnd}`;
  const result = Buffer.from(edited, encoding);
  return readsBack(content, result, values) ? result : undefined;
}

const byteOrderMark = bytesOf('\ufeff');

function bytesOf(text: string): string {
  return Buffer.from(text, 'utf8').toString(encoding);
}

/** The text cut into assignments and everything else; put together, the pieces are the text. */
function* pieces(text: string): Generator<Piece> {
  let at = 0;
  if (text.startsWith(byteOrderMark)) {
    yield { kind: 'other', text: byteOrderMark };
    at = byteOrderMark.length;
  }
  while (at < text.length) {
    const rest = text.slice(at);
    const line = /^[^\n]*\n?/.exec(rest)?.[0] ?? rest;
    const match = assignment.exec(line);
    if (!match) {
      yield { kind: 'other', text: line };
      at += line.length;
      continue;
    }
    const [start, , key = ''] = match;
    const piece = { kind: 'assignment', key, ...valueIn(rest, start.length) } as const;
    yield piece;
    at += piece.head.length + piece.value.length + piece.tail.length;
  }
}

/** The value that begins at `start` of `text`: up to its closing quote, lines further perhaps, or to a comment. */
function valueIn(text: string, start: number): { head: string; value: string; tail: string } {
  const space = /^[ \t]*/.exec(text.slice(start))?.[0].length ?? 0;
  const quote = text.charAt(start + space);
  const lineRest = /^[^\n]*\n?/.exec(text.slice(start))?.[0] ?? '';
  if (quote === '"' || quote === "'" || quote === '`') {
    const close = closingQuote(text, quote, start + space + 1);
    if (close !== -1) {
      const tail = /^[^\n]*\n?/.exec(text.slice(close + 1))?.[0] ?? '';
      return { head: text.slice(0, start + space), value: text.slice(start + space, close + 1), tail };
    }
  }
  const value = /^[^#\r\n]*/.exec(lineRest.slice(space))?.[0].trimEnd() ?? '';
  // The blanks before a comment stay before the comment.
  const head = text.slice(0, value === '' ? start : start + space);
  return { head, value, tail: text.slice(head.length + value.length, start + lineRest.length) };
}

function closingQuote(text: string, quote: string, from: number): number {
  for (let at = from; at < text.length; at++) {
    if (text[at] === quote) return at;
    if (quote === '"' && text[at] === '\\') at++;
  }
  return -1;
}

/** Needs no quotes in any reader, sh included. */
const plain = /^[A-Za-z0-9_./:@%+,-]*$/;

/** `value` as sh reads it. */
export function quoteForShell(value: string): string {
  return plain.test(value) ? value : `'${value.replaceAll("'", "'\\''")}'`;
}

/** `value` as the readers of `.env` files read it, which know no escaped quotes. */
function quoteForDotenv(value: string): string {
  if (plain.test(value)) return value;
  if (!value.includes("'")) return `'${value}'`;
  return value.includes('"') ? `\`${value}\`` : `"${value}"`;
}

function readsBack(before: Buffer, after: Buffer, values: Readonly<Record<string, string>>): boolean {
  const [old, now] = [before, after].map((content) =>
    parseEnv(content.toString('utf8').replace(/^\ufeff/, '')),
  );
  return (
    Object.entries(values).every(([key, value]) => now?.[key] === value) &&
    Object.entries(old ?? {}).every(([key, value]) => Object.hasOwn(values, key) || now?.[key] === value)
  );
}
