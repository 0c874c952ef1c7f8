/** What the plain client makes of text besides strings: add_line in client/mysql.cc of MariaDB. */
import { dash, hash, isSpace, slash, star } from './pieces.ts';

export interface CommentStart {
  readonly mode: 'line-comment' | 'block-comment';
  readonly length: number;
}

const hashes: CommentStart = { mode: 'line-comment', length: 1 };
const dashes: CommentStart = { mode: 'line-comment', length: 2 };
const block: CommentStart = { mode: 'block-comment', length: 2 };

/** What begins at `at`, in a statement or between two; those that hold code for some servers are none. */
export function commentAt(text: Buffer, at: number, outer: 'between' | 'code'): CommentStart | undefined {
  const byte = text[at];
  const second = text[at + 1];
  const third = text[at + 2];
  if (byte === hash) return hashes;
  // Before a statement, the client wants no space after the dashes.
  if (byte === dash && second === dash)
    return outer === 'between' || third === undefined || isSpace(third) ? dashes : undefined;
  if (byte !== slash || second !== star) return undefined;
  const holdsCode = third === 0x21 || (third === 0x4d && text[at + 3] === 0x21);
  return holdsCode ? undefined : block;
}

/** The client takes it for its command wherever it stands, but in strings and comments. */
export const delimiterCommand = /^delimiter /i;

/** What a line sets the delimiter to; undefined when that is not certain. */
export const delimiterOf = (line: string): string | undefined =>
  /^delimiter +([^\s'"`\\#\-d]{1,15}) *\n?$/i.exec(line)?.[1];

/** Commands of the client itself, at the beginning of a line without delimiter. Sandboxed ones are errors there. */
export const clientCommand =
  /^(?:\?|charset|clear|connect|costs|edit|ego|exit|go|help|nopager|notee|nowarning|pager|print|prompt|quit|rehash|sandbox|source|status|system|tee|use|warnings)(?![\w$])/i;

export const sandboxMark = /^\/\*M?!999999$/;

/** What a statement changes in how the client reads the next: nobody knows, or perhaps what double quotes are. */
export function changeOfReading(statement: Buffer): 'unclear' | 'perhaps ANSI' | undefined {
  const text = statement.toString('latin1');
  if (!/sql_mode/i.test(text) || /^(?:\/\*M?!\d*\s*)?CREATE TABLE\b/i.test(text)) return undefined;
  if (/NO_BACKSLASH|sql_mode\s*:?=\s*(?!default|ifnull)[\d(a-z]/i.test(text)) return 'unclear';
  return /ANSI|ORACLE|MSSQL|DB2|POSTGRESQL|MAXDB/i.test(text) ? 'perhaps ANSI' : undefined;
}
