/** What a statement of a dump has to do with tables that are still being loaded beside it. Text is latin1. */

/**
 * "beside": it reads and changes nothing of them; "after": it must wait for them, or nobody knows better;
 * "void": between sessions that load side by side it has no meaning, or does harm.
 */
export type Effect = 'beside' | 'after' | 'void';

const name = '`(?:[^`]|``)+`|[0-9A-Za-z$_\\x80-\\xff]+';
const anyName = new RegExp(name, 'g');
const locking = new RegExp(`^(?:UN)?LOCK TABLES?(?: (?:${name}) (?:READ(?: LOCAL)?|WRITE))? *;$`, 'i');
const keys = new RegExp(`^ALTER TABLE (${name}) (?:DIS|EN)ABLE KEYS(?: \\*/)?;$`, 'i');
const references = new RegExp(`\\bREFERENCES\\s+(?:(?:${name})\\.)?(?:${name})`, 'gi');
const created =
  /\b(TABLE|TRIGGER|VIEW|PROCEDURE|FUNCTION|EVENT|PACKAGE|INDEX|SEQUENCE|DATABASE|SCHEMA|USER|ROLE|SERVER)\b/i;
const strings = /'[^'\\]*(?:(?:\\.|'')[^'\\]*)*'|"[^"\\]*(?:(?:\\.|"")[^"\\]*)*"/gs;
/** Names of objects stand before the body of what is created. */
const headLength = 2000;

/** Whatever a table may be called in a statement: without quotes, and in lower case. */
export const foldName = (quoted: string): string =>
  (quoted.startsWith('`') ? quoted.slice(1, -1).replaceAll('``', '`') : quoted).toLowerCase();

export const namesIn = (text: string): string[] => (text.match(anyName) ?? []).map(foldName);

/** `loading` holds the folded names of the tables that are being loaded, whatever their database. */
export function effectOf(statement: string, loading: ReadonlySet<string>): Effect {
  const text = statement.replace(/^\/\*M?!\d*\s*/, '');
  const names = (part: string) => namesIn(part.replace(strings, "''"));
  const mentions = (part: string) => names(part).some((each) => loading.has(each));
  const verb = (/^[a-z]*/i.exec(text)?.[0] ?? '').toUpperCase();
  switch (verb) {
    case 'LOCK':
    case 'UNLOCK':
      return locking.test(text) ? 'void' : 'after';
    case 'ALTER': {
      const table = keys.exec(text)?.[1];
      // InnoDB has no keys that could be disabled, and would wait for the load to end.
      return table === undefined ? 'after' : loading.has(foldName(table)) ? 'void' : 'beside';
    }
    case 'SET':
      return /\bselect\b|\bglobal\b|\bfunction\b|foreign_key_checks/i.test(text) ? 'after' : 'beside';
    case 'USE':
    case 'COMMIT':
    case 'BEGIN':
    case '':
      return verb !== '' || text === ';' ? 'beside' : 'after';
    case 'START':
      return /^START TRANSACTION\b/i.test(text) ? 'beside' : 'after';
    case 'DROP':
      return /^DROP (?:TABLE|VIEW|PROCEDURE|FUNCTION|EVENT)\b/i.test(text) && !mentions(text)
        ? 'beside'
        : 'after';
    case 'CREATE':
      return effectOfCreate(text, mentions);
    default:
      return 'after';
  }
}

function effectOfCreate(text: string, mentions: (part: string) => boolean): Effect {
  const kind = created.exec(text.slice(0, headLength).replace(/`(?:[^`]|``)+`/g, '``'))?.[1] ?? '';
  switch (kind.toUpperCase()) {
    case 'TABLE':
      if (/\bselect\b|\btemporary\b/i.test(text)) return 'after';
      // A foreign key may refer to a table that is being loaded: nothing of it is looked at.
      return mentions(text.replace(references, '')) ? 'after' : 'beside';
    // They have no rows, and what they say is not looked at before they are used.
    case 'VIEW':
    case 'PROCEDURE':
    case 'FUNCTION':
    case 'EVENT':
    case 'PACKAGE':
    case 'DATABASE':
    case 'SCHEMA':
      return 'beside';
    default:
      return 'after';
  }
}

/** Whether the rows of INSERT statements are nothing but literals, so that no other table is asked for them. */
export const areLiterals = (rows: string): boolean =>
  rows
    .replace(strings, "''")
    .replace(/''|NULL|DEFAULT|_binary|0x[0-9a-f]+|[bx](?=')|[\s(),;.+\-0-9e]+/gi, '') === '';

/** Whether it ends a transaction that it does not undo. */
export const commits = (statement: string): boolean =>
  /^(?:\/\*M?!\d*\s*)?(?:COMMIT|CREATE|DROP|ALTER|TRUNCATE|LOCK|UNLOCK|BEGIN|START)\b/i.test(statement);

/** Whether a transaction may be open after it, though each statement is one of its own. */
export const mayBegin = (statement: string): boolean =>
  /^(?:\/\*M?!\d*\s*)?(?:BEGIN|START|XA|CALL|EXECUTE)\b/i.test(statement);

/** Whether it has to do with the statement before it, which may have run in another session. */
export const looksBack = (statement: string): boolean => /\brow_count\b|\bfound_rows\b/i.test(statement);

export const undoes = (statement: string): boolean => /\brollback\b|\bsavepoint\b/i.test(statement);
