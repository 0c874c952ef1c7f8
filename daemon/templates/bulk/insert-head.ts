/** The head of an INSERT whose rows can be taken for themselves: everything up to the first row. */

export interface InsertHead {
  /** As it stands in the dump: `INSERT INTO … VALUES `. Two statements with the same head can be one. */
  readonly bytes: Buffer;
  /** Names are bytes of the dump, one a character (latin1): which characters they are depends on the session. */
  readonly database: string | undefined;
  readonly table: string;
  /** Undefined when the statement does not name them. */
  readonly columns: readonly string[] | undefined;
}

const name = '(?:`(?:[^`]|``)+`|[0-9A-Za-z$_\\x80-\\xff]+)';
const gap = '[ \\t\\r\\n]';
const pattern = new RegExp(
  `^INSERT${gap}+INTO${gap}+(?:(${name})${gap}*\\.${gap}*)?(${name})${gap}*` +
    `(?:\\(${gap}*(${name}(?:${gap}*,${gap}*${name})*)${gap}*\\)${gap}*)?VALUES?${gap}*(?=\\()`,
  'i',
);
/** The beginning of an INSERT, however little of it is there. */
const beginning = /^(?:I|IN|INS|INSE|INSER|INSERT(?:[ \t\r\n](?:`[^`]*(?:`|$)|[^;'"#`])*)?)$/i;
/** Long enough for most heads; looking at more costs more. */
const firstLookBytes = 1024;

const unquote = (quoted: string): string =>
  quoted.startsWith('`') ? quoted.slice(1, -1).replaceAll('``', '`') : quoted;

/** "more" when `text`, the beginning of a statement, may be one with more to come; "none" when it is none. */
export function parseInsertHead(text: Buffer): InsertHead | 'more' | 'none' {
  // 'I' or 'i': most other statements end here.
  if (((text[0] ?? 0x49) | 0x20) !== 0x69) return 'none';
  const short = text.toString('latin1', 0, firstLookBytes);
  const match =
    pattern.exec(short) ?? (text.length > firstLookBytes ? pattern.exec(text.toString('latin1')) : null);
  const [whole, database, table, columns] = match ?? [];
  if (whole === undefined || table === undefined)
    return beginning.test(text.toString('latin1')) ? 'more' : 'none';
  return {
    bytes: Buffer.from(whole, 'latin1'),
    database: database === undefined ? undefined : unquote(database),
    table: unquote(table),
    columns: columns === undefined ? undefined : (columns.match(new RegExp(name, 'g')) ?? []).map(unquote),
  };
}
