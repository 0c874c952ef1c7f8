/** What the text of a script for psql is made of. */

/** A tag between dollars has at most NAMEDATALEN bytes. */
const tagLimit = 66;

export const byteOf = (character: string): number => character.charCodeAt(0);
export const newline = byteOf('\n');
export const backslash = byteOf('\\');

/** Where something else than the text of a statement may begin. */
export const isSpecial = new Uint8Array(256);
for (const character of `'"$-/;\\\n`) isSpecial[byteOf(character)] = 1;

export const isWordByte = (byte: number | undefined): boolean =>
  byte !== undefined && (byte >= 0x80 || /\w/.test(String.fromCharCode(byte)));

const copyFromInput = /^copy\s[^(]*(?:\([^)]*\))?\s*from\s+stdin\b/i;
const quoted = /"(?:[^"]|"")*"|'(?:[^']|'')*'/g;

/** Whether data follows the statement. */
export const readsData = (statement: string): boolean =>
  /^copy\s/i.test(statement) && copyFromInput.test(statement.replaceAll(quoted, 'x'));

/** Where in a script one is. */
export type State =
  | { readonly kind: 'sql' }
  | { readonly kind: 'quoted'; readonly until: number; readonly escapes: boolean }
  | { readonly kind: 'dollar'; readonly tag: Buffer }
  | { readonly kind: 'line comment' }
  | { readonly kind: 'comment'; readonly depth: number }
  /** Of a COPY; it begins with the rest of that one's line. */
  | { readonly kind: 'data'; readonly hasBegun: boolean };

/** What has begun and not ended, in words. */
export function openIn(state: State): string | undefined {
  switch (state.kind) {
    case 'data':
      return 'the data of a COPY has no end, which is a line of "\\."';
    case 'quoted':
    case 'dollar':
      return 'a string has no end';
    case 'comment':
      return 'a comment has no end';
    case 'line comment':
    case 'sql':
      return undefined;
  }
}

const endOfData = Buffer.from('\n\\.');
/** The line that ends the data of a COPY, with the breaks before and after it. */
export const endOfDataBytes = endOfData.length + 2;

/** Where the data of a COPY has ended, before the line break; undefined when it has not. */
export function findEndOfData(text: Buffer, from: number, isLast: boolean): number | undefined {
  for (let found = text.indexOf(endOfData, from); found !== -1; found = text.indexOf(endOfData, found + 1)) {
    const end = found + endOfData.length;
    const after = text.toString('latin1', end, end + 2);
    if (/^(?:\n|\r\n)/.test(after) || (isLast && /^\r?$/.test(after))) return end;
  }
  return undefined;
}

/** The tag that begins a string at a dollar, "" when none does; undefined when that can't be told yet. */
export function dollarTagAt(text: Buffer, at: number, isLast: boolean): string | undefined {
  const ahead = text.toString('latin1', at, at + tagLimit);
  const tag = /^\$(?:[A-Za-z_\x80-\xff][\w\x80-\xff]*)?\$/.exec(ahead)?.[0];
  if (tag === undefined && !isLast && ahead.length < tagLimit && /^\$[\w\x80-\xff]*$/.test(ahead))
    return undefined;
  return tag === undefined || isWordByte(text[at - 1]) ? '' : tag;
}

export function newlinesIn(text: Buffer, from: number, to: number): number {
  let count = 0;
  for (let at = text.indexOf(newline, from); at !== -1 && at < to; at = text.indexOf(newline, at + 1))
    count++;
  return count;
}

/** What becomes of a statement or a command. A replacement is no longer than what it replaces. */
export type Verdict = 'pass' | 'blank' | { readonly replace: string; readonly by: string };

/** In place; lines keep their numbers. */
export function apply(verdict: Verdict, text: Buffer, from: number, to: number): void {
  if (verdict === 'pass') return;
  if (verdict === 'blank') {
    for (let at = from; at < to; at++) if (text[at] !== newline) text[at] = 0x20;
    return;
  }
  const place = text.indexOf(verdict.replace, from, 'latin1');
  if (place !== -1 && place < to) text.write(verdict.by.padEnd(verdict.replace.length), place, 'latin1');
}
