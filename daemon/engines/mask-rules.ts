/** What each rule of a mask makes of a value, as SQL; what products say differently stands in a `MaskDialect`. */
import type { MaskRule } from './engine.ts';

export interface ColumnFacts {
  /** As the product calls it. */
  readonly type: string;
  readonly values: 'text' | 'binary' | 'uuid' | 'integer' | 'other';
  /** In characters, or bytes; of integers what hashes stay below. Undefined: no limit, or none that matters. */
  readonly limit: number | undefined;
  readonly nullable: boolean;
  /** Why nobody can change it, whatever the rule. */
  readonly obstacle: string | undefined;
  /** No two rows may have the same, whatever their other columns. */
  readonly isUnique: boolean;
  /** "Ada" and "ada" are the same to it. */
  readonly ignoresCase: boolean;
}

export interface MaskDialect {
  /**
   * HMAC-SHA256 in hex, of what is the same for two columns that can be joined: whatever their character sets, and in
   * their own sense of case and trailing spaces. Its keys are the session's.
   */
  hmacOf(column: string, facts: ColumnFacts): string;
  /** Up to 15 digits of a text in hex, as a number. */
  numberOf(hex: string): string;
  /** One of some names, by a number below how many there are. */
  pick(names: readonly string[], index: string): string;
  /** Of a text in hex. */
  bytesOf(hex: string): string;
  literalOf(value: string | number | boolean): string;
}

export const viewObstacle = 'it belongs to a view; mask the tables that it shows';
export const generatedObstacle = 'it is generated from other columns; mask those';

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

const hashLength = 32;
const mailEnd = '@example.com';
const mailHashLength = 16;

type Sql = (column: string) => string;

const part = (hash: string, from: number, digits: number): string =>
  `substr(${hash}, ${String(from)}, ${String(digits)})`;

/** RFC 9562, version 4: the server takes no other bits in their place. */
function uuidOf(hash: string): string {
  const of = (from: number, digits: number) => part(hash, from, digits);
  return `concat_ws('-', ${of(1, 8)}, ${of(9, 4)}, concat('4', ${of(13, 3)}), concat('8', ${of(16, 3)}), ${of(19, 12)})`;
}

export function replacementOf(rule: MaskRule, facts: ColumnFacts, dialect: MaskDialect): Replacement {
  if (facts.obstacle !== undefined) return { why: facts.obstacle };
  const pick = (names: readonly string[], hash: string, from: number): string =>
    dialect.pick(names, `mod(${dialect.numberOf(part(hash, from, 8))}, ${String(names.length)})`);
  const text = (needed: number, isDistinct: boolean, make: (hash: string) => string) =>
    textOf(facts, rule.kind, needed, isDistinct, (column) => make(dialect.hmacOf(column, facts)));
  switch (rule.kind) {
    case 'null':
      return facts.nullable
        ? { sql: () => 'null' }
        : { why: 'it is NOT NULL, so that "null" is no rule for it' };
    case 'fixed':
      return facts.isUnique ? notUnique('fixed') : { sql: unlessNull(() => dialect.literalOf(rule.value)) };
    case 'hash':
      return hashed(facts, dialect, text);
    case 'e-mail':
      return text(
        mailHashLength + mailEnd.length,
        true,
        (hash) => `concat(left(${hash}, ${String(mailHashLength)}), '${mailEnd}')`,
      );
    case 'first name':
      return text(longest(firstNames), false, (hash) => pick(firstNames, hash, 1));
    case 'last name':
      return text(longest(lastNames), false, (hash) => pick(lastNames, hash, 9));
    case 'name':
      return text(
        longest(firstNames) + 1 + longest(lastNames),
        false,
        (hash) => `concat(${pick(firstNames, hash, 1)}, ' ', ${pick(lastNames, hash, 9)})`,
      );
    case 'phone':
      return text(12, false, (hash) => {
        const number = `mod(${dialect.numberOf(part(hash, 1, 12))}, 10000000)`;
        return `concat('+1555', lpad(concat(${number}), 7, '0'))`;
      });
  }
}

const notUnique = (kind: string): Replacement => ({
  why: `it is unique, and "${kind}" gives many rows the same value; "hash" and "e-mail" do not`,
});

/** What is not there is not hidden. */
const unlessNull =
  (sql: Sql): Sql =>
  (column) =>
    `case when ${column} is null then null else ${sql(column)} end`;

function hashed(
  facts: ColumnFacts,
  dialect: MaskDialect,
  text: (needed: number, isDistinct: boolean, make: (hash: string) => string) => Replacement,
): Replacement {
  const { type, values, limit = Infinity } = facts;
  const hash: Sql = (column) => dialect.hmacOf(column, facts);
  switch (values) {
    case 'text':
      return text(hashLength, true, (hex) => `left(${hex}, ${String(hashLength)})`);
    case 'uuid':
      return { sql: unlessNull((column) => uuidOf(hash(column))) };
    case 'binary':
      return limit < hashLength / 2
        ? tooShort('hash', limit, hashLength / 2)
        : { sql: unlessNull((column) => dialect.bytesOf(part(hash(column), 1, hashLength))) };
    case 'integer':
      return {
        sql: unlessNull((column) => `mod(${dialect.numberOf(part(hash(column), 1, 15))}, ${String(limit)})`),
      };
    case 'other':
      return { why: `it is of type ${type}, which takes no hash` };
  }
}

const tooShort = (kind: string, length: number, needed: number): Replacement => ({
  why: `it is too short for "${kind}": ${String(length)}, where ${String(needed)} are needed`,
});

function textOf(
  { type, values, isUnique, limit = Infinity }: ColumnFacts,
  kind: string,
  needed: number,
  isDistinct: boolean,
  make: Sql,
): Replacement {
  if (values !== 'text') return { why: `it is of type ${type}, and "${kind}" is text` };
  if (limit < needed) return tooShort(kind, limit, needed);
  if (isUnique && !isDistinct) return notUnique(kind);
  // An empty text is as good as none.
  return { sql: (column) => `case when ${column} = '' then '' else ${unlessNull(make)(column)} end` };
}
