/**
 * The editor of `.env` files: changes the values of some keys and not one byte more: comments, order, line ends, byte
 * order mark, `export`, styles of quoting, values of several lines and a missing last line end stay. Pure.
 *
 * After each change the text is read back by Node's `util.parseEnv` and by dotenv; a text that either would read
 * otherwise than intended is never returned. sh cannot be asked, since to read is to run; `quoting.ts` sees to it.
 */
import { isDeepStrictEqual, parseEnv } from 'node:util';
import { parse as parseDotenv } from 'dotenv';
import { type Assignment, byteOrderMark, piecesOf, textOf } from './assignments.ts';
import { envErrors } from './errors.ts';
import { type Quote, quoteValue } from './quoting.ts';

export type Values = Readonly<Record<string, string>>;

/** The values in `text`, as dotenv reads them. */
export function readValues(text: string): ReadonlyMap<string, string> {
  return new Map(Object.entries(parseDotenv(text)));
}

/**
 * Whether Node is to be asked. In 20, and 22 before it was mended, `parseEnv` finds variables inside of a quoted last
 * value and none after a line that has no "="; an editor with such a Node inside would hardly ever get to write.
 */
const isNodeSound = isDeepStrictEqual(
  ['junk\n \n  # z\nexport  A=1 # c', "B='x=y'"].map((text) => ({ ...parseEnv(text) })),
  [{ A: '1' }, { B: 'x=y' }],
);

const readers: Readonly<Record<string, (text: string) => ReadonlyMap<string, string>>> = {
  ...(isNodeSound && {
    "Node's util.parseEnv": (text: string) => new Map(Object.entries(parseEnv(text) as Values)),
  }),
  dotenv: readValues,
};

/**
 * `text` with the keys of `values` set wherever they stand, duplicates too, so that it matters to no reader whether
 * the first or the last wins; keys that are not there are added at the end. Throws `MYAAS_ENV_BAD_KEY`,
 * `MYAAS_ENV_BAD_VALUE`, and `MYAAS_ENV_AMBIGUOUS` when it cannot be done so that all read it alike.
 */
export function setValues(text: string, values: Values): string {
  const wanted = new Map(Object.entries(values));
  const missing = new Map(wanted);
  const lineEnd = /\r?\n/.exec(text)?.[0] ?? '\n';
  let edited = '';
  for (const piece of piecesOf(text)) {
    const value = piece.kind === 'assignment' ? wanted.get(piece.key) : undefined;
    if (piece.kind === 'other' || value === undefined) {
      edited += textOf(piece);
      continue;
    }
    missing.delete(piece.key);
    // To Node and sh a byte order mark is part of the word after it.
    if (edited === byteOrderMark) edited += lineEnd;
    edited += reassigned(piece, value);
  }
  if (missing.size > 0) {
    edited += gapAfter(edited, lineEnd);
    for (const [key, value] of missing) edited += newAssignment(key, value) + lineEnd;
  }
  checkReaders(text, edited, new Set(wanted.keys()), (key, value) => value === wanted.get(key));
  return edited;
}

/**
 * `text` without the assignments of those of `values` that have exactly this value still; others, and duplicates of
 * another value, stay. Throws `MYAAS_ENV_AMBIGUOUS` as `setValues` does.
 */
export function removeValues(text: string, values: Values): string {
  const unwanted = new Map(Object.entries(values));
  const removed = new Set<string>();
  let edited = '';
  for (const piece of piecesOf(text)) {
    if (piece.kind === 'assignment' && unwanted.get(piece.key) === valueOf(piece)) removed.add(piece.key);
    else edited += textOf(piece);
  }
  checkReaders(text, edited, removed, (key, value) => value !== unwanted.get(key));
  return edited;
}

function valueOf({ raw }: Assignment): string | undefined {
  return parseDotenv(`VALUE=${raw}`)['VALUE'];
}

/** A name that sh allows too. */
const keyPattern = /^[A-Za-z_][A-Za-z0-9_]*$/;

function newAssignment(key: string, value: string): string {
  if (!keyPattern.test(key)) throw envErrors.badKey(key);
  return `${key}=${quoteValue(key, value)}`;
}

/** Between a value and its comment, or its line's end. Of these, Node and sh know spaces and tabs only. */
const blanksBehind = /^[^\S\r\n]+(?=#|\r?\n?$)/;

/** The assignment with another value. Blanks that Node or sh do not understand go, around "=" and after the value. */
function reassigned({ before, key, raw, after: behind }: Assignment, value: string): string {
  const indent = /^[ \t]*/.exec(before)?.[0] ?? '';
  const exported = before.includes('export') ? (/export +$/.exec(before)?.[0] ?? 'export ') : '';
  const after = behind.replace(blanksBehind, (blanks) => blanks.replaceAll(/[^ \t]/g, ''));
  let written = quoteValue(key, value, styleOf(raw));
  // Node reads "KEY=" and blanks on into the next line, and takes "export" for a part of a key without a value.
  if (written === '' && (exported !== '' || /^[^\S\r\n]/.test(after))) written = "''";
  // "KEY=value#x" is a comment to some readers and a value to others; after a space all see a comment.
  return `${indent}${exported}${key}=${written}${after.startsWith('#') ? ' ' : ''}${after}`;
}

function styleOf(raw: string): Quote | undefined {
  const quote = raw.charAt(0);
  return (quote === '"' || quote === "'") && raw.length > 1 && raw.endsWith(quote) ? quote : undefined;
}

/**
 * What must stand between `text` and lines added to it: an end of its last line, and an empty comment after what would
 * run on over it, in Node a "KEY=" and blanks, in sh a backslash.
 */
function gapAfter(text: string, lineEnd: string): string {
  const end = text === '' || text.endsWith('\n') ? '' : lineEnd;
  return /=\r*[^\S\r\n]\s*$|\\\n?$/.test(text) ? `${end}#${lineEnd}` : end;
}

/** Throws unless every reader finds the keys `changed` right in `after`, and all others as they were in `before`. */
function checkReaders(
  before: string,
  after: string,
  changed: ReadonlySet<string>,
  isRight: (key: string, value: string | undefined) => boolean,
): void {
  for (const [name, read] of Object.entries(readers)) {
    const was = read(before);
    const is = read(after);
    const keys = new Set([...changed, ...was.keys(), ...is.keys()]);
    const misread = [...keys].filter((key) => {
      if (changed.has(key)) return !isRight(key, is.get(key));
      return was.get(key) !== is.get(key) && !changed.has(nameIn(key));
    });
    if (misread.length > 0) throw envErrors.ambiguous(name, misread);
  }
}

/** Node takes some ways of writing `export KEY`, and a byte order mark before it, for parts of the key. */
function nameIn(key: string): string {
  return key.replace(/^\s*(?:export\s+)?/, '');
}
