/**
 * A `.env` text cut into its assignments and everything else. Where readers disagree on where a quoted value ends,
 * dotenv's rule is followed, since most readers of such files descend from it.
 */

/** `  export KEY="value" # comment`, in parts that put together are the text. */
export interface Assignment {
  readonly kind: 'assignment';
  readonly key: string;
  /** All before the key: blanks, perhaps `export`. */
  readonly before: string;
  /** `=`, perhaps with blanks; or `: `, which only dotenv takes for one. */
  readonly equals: string;
  /** The value as written, with its quotes. */
  readonly raw: string;
  /** Blanks, comment and line end. */
  readonly after: string;
}

export interface Other {
  readonly kind: 'other';
  readonly text: string;
}

export const byteOrderMark = '\ufeff';

const assignment = /([^\S\n]*(?:export[^\S\n]+)?)([\w.-]+)([^\S\n]*=|:(?=[^\S\n]))/y;
const line = /[^\n]*\n?/y;
/** What may follow a closing quote, as dotenv has it. */
const endOfValue = /\s*(?:#.*)?$/my;

/** The pieces of `text`; put together they are `text`. */
export function* piecesOf(text: string): Generator<Assignment | Other> {
  let at = 0;
  if (text.startsWith(byteOrderMark)) {
    yield { kind: 'other', text: byteOrderMark };
    at = byteOrderMark.length;
  }
  while (at < text.length) {
    const piece = assignmentAt(text, at) ?? { kind: 'other', text: matchAt(line, text, at) };
    yield piece;
    at += textOf(piece).length;
  }
}

export function textOf(piece: Assignment | Other): string {
  return piece.kind === 'other' ? piece.text : partsOf(piece).join('');
}

function partsOf({ before, key, equals, raw, after }: Assignment): readonly string[] {
  return [before, key, equals, raw, after];
}

function assignmentAt(text: string, start: number): Assignment | undefined {
  assignment.lastIndex = start;
  const match = assignment.exec(text);
  if (!match) return undefined;
  const [head, before = '', key = '', sign = ''] = match;
  const blanks = /^[^\S\r\n]*/.exec(text.slice(start + head.length))?.[0] ?? '';
  const from = start + head.length + blanks.length;
  const raw = quotedAt(text, from) ?? bareAt(text, from);
  const after = matchAt(line, text, from + raw.length);
  // The blanks of "KEY=  # comment" belong to the comment.
  if (raw === '') return { kind: 'assignment', key, before, equals: sign, raw, after: blanks + after };
  return { kind: 'assignment', key, before, equals: sign + blanks, raw, after };
}

/**
 * The quoted value at `at`, maybe of several lines, if it is one. A quote after a backslash closes it only where no
 * later one does.
 */
function quotedAt(text: string, at: number): string | undefined {
  const quote = text.charAt(at);
  if (quote !== '"' && quote !== "'" && quote !== '`') return undefined;
  let closing: number | undefined;
  for (let next = text.indexOf(quote, at + 1); next !== -1; next = text.indexOf(quote, next + 1)) {
    endOfValue.lastIndex = next + 1;
    if (endOfValue.test(text)) closing = next;
    if (text[next - 1] !== '\\') break;
  }
  return closing === undefined ? undefined : text.slice(at, closing + 1);
}

function bareAt(text: string, at: number): string {
  return matchAt(/[^#\r\n]*/y, text, at).trimEnd();
}

function matchAt(sticky: RegExp, text: string, at: number): string {
  sticky.lastIndex = at;
  return sticky.exec(text)?.[0] ?? '';
}
