/** Masks in the words of MariaDB and MySQL. */
import type { ColumnFacts, MaskDialect } from './mask-rules.ts';
import { quoteText } from './quoting.ts';

const kinds: Readonly<Record<string, ColumnFacts['values']>> = {
  ...ofKind('text', ['char', 'varchar', 'tinytext', 'text', 'mediumtext', 'longtext']),
  ...ofKind('binary', ['binary', 'varbinary', 'tinyblob', 'blob', 'mediumblob', 'longblob']),
  ...ofKind('integer', ['int', 'bigint']),
  uuid: 'uuid',
};
/** Up to the largest positive value that 15 digits of a hash can be. */
const integerLimits: Readonly<Record<string, number>> = { int: 2 ** 31 - 1, bigint: 2 ** 60 };

function ofKind(kind: ColumnFacts['values'], types: readonly string[]) {
  return Object.fromEntries(types.map((type) => [type, kind]));
}

export const valuesOf = (type: string): ColumnFacts['values'] => kinds[type] ?? 'other';
export const integerLimitOf = (type: string): number | undefined => integerLimits[type];

export const mysqlMaskDialect: MaskDialect = {
  hmacOf(column, { values, ignoresCase }) {
    const text = values === 'binary' ? column : `convert(${column} using utf8mb4)`;
    const same = ignoresCase ? `lower(trim(trailing ' ' from ${text}))` : text;
    const inner = `unhex(sha2(concat(@mask_inner, cast(${same} as binary)), 256))`;
    return `sha2(concat(@mask_outer, ${inner}), 256)`;
  },
  numberOf: (hex) => `cast(conv(${hex}, 16, 10) as unsigned)`,
  pick: (names, index) => `elt(1 + ${index}, ${names.map(quoteText).join(', ')})`,
  bytesOf: (hex) => `unhex(${hex})`,
  literalOf: (value) => (typeof value === 'string' ? quoteText(value) : String(value)),
};
