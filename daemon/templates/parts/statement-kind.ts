/** What a statement of a dump has to do with the tables in it. Text is latin1. */

export interface NamedTable {
  readonly database: string | undefined;
  readonly table: string;
}

export type StatementKind =
  /** Sets the session; always run. `assignments` is what follows the word SET. */
  | { readonly kind: 'set'; readonly assignments: string }
  | { readonly kind: 'use'; readonly database: string }
  /** Always run, and does nothing where it was run before. */
  | { readonly kind: 'repeatable' }
  /** Makes a table, or belongs to the rows of one; run where the table is loaded. */
  | { readonly kind: 'table'; readonly name: NamedTable; readonly creates: boolean }
  /** The end of what belongs to the table before. */
  | { readonly kind: 'unlock' }
  /** Belongs to a table, but what it makes is more than a table. */
  | { readonly kind: 'trigger'; readonly name: NamedTable }
  /** A view, a routine, an event. */
  | { readonly kind: 'object' }
  /** Nobody knows. */
  | { readonly kind: 'other' };

const name = '(?:`(?:[^`]|``)+`|[0-9A-Za-z$_\\x80-\\xff]+)';
const qualified = `(?:(${name})\\s*\\.\\s*)?(${name})`;
const drop = new RegExp(`^DROP TABLE IF EXISTS ${qualified}$`, 'i');
const create = new RegExp(`^CREATE TABLE (?:IF NOT EXISTS )?${qualified}\\s*\\(`, 'i');
const lock = new RegExp(`^LOCK TABLES ${qualified} WRITE$`, 'i');
const keys = new RegExp(`^ALTER TABLE ${qualified} (?:DISABLE|ENABLE) KEYS$`, 'i');
const trigger = new RegExp(
  `^CREATE\\s.*?\\bTRIGGER\\b.*?\\bON\\s+${qualified}\\s+FOR\\s+EACH\\s+ROW\\b`,
  'is',
);
const use = new RegExp(`^USE (${name})$`, 'i');
const createDatabase = /^CREATE (?:DATABASE|SCHEMA) IF NOT EXISTS [^;]*$/i;
const object =
  /^(?:DROP (?:VIEW|PROCEDURE|FUNCTION|EVENT|TRIGGER) IF EXISTS|CREATE (?:OR REPLACE )?(?:ALGORITHM ?= ?\w+ )?(?:DEFINER ?= ?\S+ )?(?:SQL SECURITY \w+ )?(?:AGGREGATE )?(?:VIEW|PROCEDURE|FUNCTION|EVENT))\b/i;
/** In a table's definition: it may be made of others, or keep its rows with others. */
const dependent = /\bselect\b|\blike\b|\bunion\s*=|\bdirectory\s*=/i;
const storage = /\bENGINE\s*=\s*(\w+)/i;
const quotedOrComment = /'(?:[^'\\]|\\.|'')*'|`(?:[^`]|``)*`/gs;
const headLength = 4000;
/** Versions of which every server that we run executes what stands in such a comment. */
const executed = /^[345]\d{4}$/;

export const unquoteName = (quoted: string): string =>
  quoted.startsWith('`') ? quoted.slice(1, -1).replaceAll('``', '`') : quoted;

/** Takes a statement out of comments such as `/*!40101 … *\/`; undefined when not every server would execute it. */
function withoutVersions(statement: string): { text: string; isConditional: boolean } {
  const versions = [...statement.matchAll(/\/\*(M?)!(\d*)/g)];
  const isConditional = versions.some(
    ([, isMariadb, version = '']) =>
      version !== '' && (isMariadb !== '' || !executed.test(version) || Number(version) >= 50_700),
  );
  return {
    text: statement
      .replace(/\/\*M?!\d*\s?|\s?\*\//g, ' ')
      .replace(/\s+/g, ' ')
      .trim(),
    isConditional,
  };
}

/** `statement` comes with or without its delimiter. */
export function kindOf(statement: string, delimiterLength: number): StatementKind {
  const bare = statement.slice(0, statement.length - delimiterLength).trim();
  const head = bare.slice(0, headLength);
  const isVersioned = /^\/\*M?!/.test(head);
  const { text, isConditional } = withoutVersions(head);
  if (/^SET\s/i.test(text)) return bare.length > headLength ? { kind: 'other' } : setOf(text, isConditional);
  if (isConditional && !/^DROP (?:EVENT|VIEW|PROCEDURE|FUNCTION)/i.test(text)) return { kind: 'other' };
  const database = use.exec(text)?.[1];
  if (database !== undefined) return { kind: 'use', database: unquoteName(database) };
  if (/^(?:COMMIT|START TRANSACTION|BEGIN)$/i.test(text) || createDatabase.test(text))
    return { kind: 'repeatable' };
  if (/^UNLOCK TABLES$/i.test(text)) return { kind: 'unlock' };
  const triggered = named(trigger.exec(text));
  if (triggered) return { kind: 'trigger', name: triggered };
  // Older dumps put tables where views will be; what is in comments of versions is the stuff of views.
  if (object.test(text) || (isVersioned && /^(?:CREATE|DROP) TABLE/i.test(text))) return { kind: 'object' };
  const made = named(create.exec(head));
  if (made) {
    const plain = bare.replace(quotedOrComment, "''");
    const [, engine = 'InnoDB'] = storage.exec(plain) ?? [];
    const isKnown = /^(?:InnoDB|MyISAM|Aria)$/i.test(engine) && !dependent.test(plain);
    return isKnown ? { kind: 'table', name: made, creates: true } : { kind: 'other' };
  }
  const own = named(drop.exec(text) ?? lock.exec(text) ?? keys.exec(text));
  return own ? { kind: 'table', name: own, creates: false } : { kind: 'other' };
}

function setOf(text: string, isConditional: boolean): StatementKind {
  const assignments = text.slice(4).trim();
  const isHarmless =
    /^(?:@\w+\s*=\s*@@note_verbosity,\s*)?(?:session\s+)?(?:note_verbosity|information_schema_stats_expiry)\s*=\s*[@\w]+$/i;
  if (!isConditional) return { kind: 'set', assignments };
  return isHarmless.test(assignments) ? { kind: 'repeatable' } : { kind: 'other' };
}

function named(match: RegExpExecArray | null): NamedTable | undefined {
  const [, database, table] = match ?? [];
  if (table === undefined) return undefined;
  return { database: database === undefined ? undefined : unquoteName(database), table: unquoteName(table) };
}
