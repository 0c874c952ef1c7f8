/** What each rule of a mask makes of a value, as SQL. */
import type { MaskRule } from './engine.ts';
import { quoteText } from './quoting.ts';

export interface ColumnFacts {
  readonly isView: boolean;
  /** `information_schema.columns.data_type` */
  readonly type: string;
  /** In characters, or bytes; undefined where a type has none. */
  readonly length: number | undefined;
  readonly nullable: boolean;
  readonly isGenerated: boolean;
  /** No two rows may have the same, whatever their other columns. */
  readonly isUnique: boolean;
  /** "Ada" and "ada" are the same to it. */
  readonly ignoresCase: boolean;
}

/** The expression that a column is set to, or why there can be none. */
export type Replacement =
  | { readonly sql: (column: string) => string; readonly why?: never }
  | { readonly why: string; readonly sql?: never };

const firstNames =
  'Ada Alan Barbara Claude Donald Edsger Frances Grace Hedy Ivan Jean John Katherine Ken Leslie Margaret Niklaus Radia Robin Sophie Tim Tony Ursula Whitfield'.split(
    ' ',
  );
const lastNames =
  'Adams Baker Carter Dixon Ellis Foster Gibson Harper Irving Jordan Keller Lawson Mercer Norris Osborn Parker Quincy Reeves Sutton Turner Upton Vaughn Walker Young'.split(
    ' ',
  );
const longest = (names: readonly string[]): number => Math.max(...names.map(({ length }) => length));

const textTypes = new Set(['char', 'varchar', 'tinytext', 'text', 'mediumtext', 'longtext']);
const binaryTypes = new Set(['binary', 'varbinary', 'tinyblob', 'blob', 'mediumblob', 'longblob']);
/** How many values there are, for hashes: up to the largest positive one. */
const integerRanges: Readonly<Record<string, string>> = { int: '2147483647', bigint: '1152921504606846975' };

const hashLength = 32;
const mailEnd = '@example.com';
const mailHashLength = 16;

/**
 * HMAC-SHA256 in hex, of what is the same for two columns that can be joined: whatever their character sets, and in their
 * own sense of case and trailing spaces.
 */
function hmacOf(column: string, { type, ignoresCase }: ColumnFacts): string {
  const text = binaryTypes.has(type) ? column : `convert(${column} using utf8mb4)`;
  const same = ignoresCase ? `lower(trim(trailing ' ' from ${text}))` : text;
  const inner = `unhex(sha2(concat(@mask_inner, cast(${same} as binary)), 256))`;
  return `sha2(concat(@mask_outer, ${inner}), 256)`;
}

/** A part of the hash as a number. */
const numberOf = (hash: string, from: number, digits: number): string =>
  `cast(conv(substr(${hash}, ${String(from)}, ${String(digits)}), 16, 10) as unsigned)`;

const pick = (names: readonly string[], hash: string, from: number): string =>
  `elt(1 + ${numberOf(hash, from, 8)} mod ${String(names.length)}, ${names.map(quoteText).join(', ')})`;

/** RFC 9562, version 4: the server takes no other bits in their place. */
function uuidOf(hash: string): string {
  const part = (from: number, digits: number) => `substr(${hash}, ${String(from)}, ${String(digits)})`;
  return `concat_ws('-', ${part(1, 8)}, ${part(9, 4)}, concat('4', ${part(13, 3)}), concat('8', ${part(16, 3)}), ${part(19, 12)})`;
}

export function replacementOf(rule: MaskRule, facts: ColumnFacts): Replacement {
  if (facts.isView) return { why: 'it belongs to a view; mask the tables that it shows' };
  if (facts.isGenerated) return { why: 'it is generated from other columns; mask those' };
  switch (rule.kind) {
    case 'null':
      return facts.nullable
        ? { sql: () => 'null' }
        : { why: 'it is NOT NULL, so that "null" is no rule for it' };
    case 'fixed':
      return facts.isUnique
        ? notUnique('fixed')
        : { sql: (column) => unlessNull(column, literalOf(rule.value)) };
    case 'hash':
      return hashed(facts);
    case 'e-mail':
      return text(
        facts,
        rule.kind,
        mailHashLength + mailEnd.length,
        true,
        (hash) => `concat(left(${hash}, ${String(mailHashLength)}), '${mailEnd}')`,
      );
    case 'first name':
      return text(facts, rule.kind, longest(firstNames), false, (hash) => pick(firstNames, hash, 1));
    case 'last name':
      return text(facts, rule.kind, longest(lastNames), false, (hash) => pick(lastNames, hash, 9));
    case 'name':
      return text(
        facts,
        rule.kind,
        longest(firstNames) + 1 + longest(lastNames),
        false,
        (hash) => `concat(${pick(firstNames, hash, 1)}, ' ', ${pick(lastNames, hash, 9)})`,
      );
    case 'phone':
      return text(
        facts,
        rule.kind,
        12,
        false,
        (hash) => `concat('+1555', lpad(${numberOf(hash, 1, 12)} mod 10000000, 7, '0'))`,
      );
  }
}

const notUnique = (kind: string): Replacement => ({
  why: `it is unique, and "${kind}" gives many rows the same value; "hash" and "e-mail" do not`,
});

const literalOf = (value: string | number | boolean): string =>
  typeof value === 'string' ? quoteText(value) : String(value);

/** What is not there is not hidden. */
const unlessNull = (column: string, sql: string): string => `if(${column} is null, null, ${sql})`;

function hashed(facts: ColumnFacts): Replacement {
  const { type, length = 0 } = facts;
  const hash = (column: string) => hmacOf(column, facts);
  if (textTypes.has(type))
    return text(facts, 'hash', hashLength, true, (hex) => `left(${hex}, ${String(hashLength)})`);
  if (type === 'uuid') return { sql: (column) => unlessNull(column, uuidOf(hash(column))) };
  if (binaryTypes.has(type)) {
    return length < hashLength / 2
      ? tooShort('hash', length, hashLength / 2)
      : { sql: (column) => unlessNull(column, `left(unhex(${hash(column)}), ${String(hashLength / 2)})`) };
  }
  const range = integerRanges[type];
  if (range !== undefined)
    return { sql: (column) => unlessNull(column, `${numberOf(hash(column), 1, 15)} mod ${range}`) };
  return { why: `it is of type ${type}, which takes no hash` };
}

const tooShort = (kind: string, length: number, needed: number): Replacement => ({
  why: `it is too short for "${kind}": ${String(length)}, where ${String(needed)} are needed`,
});

function text(
  facts: ColumnFacts,
  kind: string,
  needed: number,
  isDistinct: boolean,
  make: (hash: string) => string,
): Replacement {
  const { type, length = 0 } = facts;
  if (!textTypes.has(type)) return { why: `it is of type ${type}, and "${kind}" is text` };
  if (length < needed) return tooShort(kind, length, needed);
  if (facts.isUnique && !isDistinct) return notUnique(kind);
  // An empty text is as good as none.
  return {
    sql: (column) => `if(${column} = '', '', ${unlessNull(column, make(hmacOf(column, facts)))})`,
  };
}
