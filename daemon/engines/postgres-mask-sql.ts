/** Masks in the words of PostgreSQL. */
import pg from 'pg';
import type { ColumnFacts, MaskDialect } from './mask-rules.ts';

const kinds: Readonly<Record<string, ColumnFacts['values']>> = {
  text: 'text',
  varchar: 'text',
  bpchar: 'text',
  citext: 'text',
  bytea: 'binary',
  uuid: 'uuid',
  int4: 'integer',
  int8: 'integer',
};

export const valuesOf = (type: string): ColumnFacts['values'] => kinds[type] ?? 'other';

/** `modifier`: as `pg_attribute.atttypmod` has it. */
export function limitOf(type: string, modifier: number): number | undefined {
  if (type === 'int4') return 2 ** 31 - 1;
  if (type === 'int8') return 2 ** 60;
  // The length's own four bytes are counted (varchar(n), char(n)).
  return (type === 'varchar' || type === 'bpchar') && modifier > 4 ? modifier - 4 : undefined;
}

/** Settings of the session that have the two halves of the key, in hex. */
export const keySettings = { inner: 'myaas.mask_inner', outer: 'myaas.mask_outer' } as const;
const keyOf = (setting: string): string => `decode(current_setting('${setting}'), 'hex')`;

export const postgresMaskDialect: MaskDialect = {
  hmacOf(column, { values, ignoresCase }) {
    const text = ignoresCase ? `lower(${column}::text)` : `${column}::text`;
    const bytes = values === 'binary' ? column : `convert_to(${text}, 'UTF8')`;
    return `encode(sha256(${keyOf(keySettings.outer)} || sha256(${keyOf(keySettings.inner)} || ${bytes})), 'hex')`;
  },
  numberOf: (hex) => `('x' || lpad(${hex}, 16, '0'))::bit(64)::bigint`,
  pick: (names, index) => `(array[${names.map((name) => pg.escapeLiteral(name)).join(', ')}])[1 + ${index}]`,
  bytesOf: (hex) => `decode(${hex}, 'hex')`,
  literalOf: (value) => (typeof value === 'string' ? pg.escapeLiteral(value) : String(value)),
};
