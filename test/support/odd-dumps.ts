/** Dumps with tables large enough to be loaded in bulk, full of the values that loaders get wrong. */
import fc from 'fast-check';

/** Rows of each table: enough for its text to be large. */
export const oddRowCount = 9000;

const anyOf = (...literals: readonly string[]) => fc.constantFrom(...literals);
const escapes: Readonly<Record<string, string>> = { '\0': '\\0', '\n': '\\n', '\r': '\\r', '\x1a': '\\Z' };
const quoteBytes = (bytes: string) =>
  `'${Array.from(bytes, String)
    .map((byte) => escapes[byte] ?? (/[\\'"]/.test(byte) ? `\\${byte}` : byte))
    .join('')}'`;
const characters = anyOf(
  ...[
    'a',
    'B ',
    ' ',
    '',
    "''",
    "\\'",
    '\\"',
    '"',
    '`',
    '\\\\',
    '\\n',
    '\n',
    '\r\n',
    '\\t',
    '\t',
    '\\0',
    '\\Z',
    '\\N',
    '\\%',
  ],
  ...[
    '\\_',
    '\\x',
    ',',
    '),(',
    ');',
    '(',
    ';',
    '--',
    '#',
    '/*',
    'NULL',
    'ü',
    '€',
    '😀',
    '中文',
    'é',
    '\\b',
    '%',
    '_',
  ],
);
const textOf = (maxLength: number) =>
  fc.array(characters, { maxLength }).map((parts) => `'${parts.join('')}'`);
const bytes = fc.uint8Array({ maxLength: 40 }).map((array) => Buffer.from(array));
const bytesLiteral = fc.oneof(
  bytes.map((each) => (each.length === 0 ? "''" : `0x${each.toString('hex').toUpperCase()}`)),
  bytes.map((each) => (each.length === 0 ? "''" : `0x${each.toString('hex')}`)),
  bytes.map((each) => `_binary ${quoteBytes(each.toString('latin1'))}`),
  bytes.map((each) => quoteBytes(each.toString('latin1'))),
);
const point = fc.tuple(fc.integer(), fc.integer()).map(([x, y]) => {
  const wkb = Buffer.alloc(25);
  wkb.writeUInt8(1, 4);
  wkb.writeUInt32LE(1, 5);
  wkb.writeDoubleLE(x, 9);
  wkb.writeDoubleLE(y, 17);
  return wkb;
});

interface OddTable {
  readonly columns: readonly (readonly [definition: string, values: fc.Arbitrary<string>])[];
  readonly more?: string;
}

const tables: Readonly<Record<string, OddTable>> = {
  numbers: {
    columns: [
      ['tiny tinyint', anyOf('-128', '127', '0', '-0', 'NULL')],
      ['big bigint unsigned', anyOf('0', '18446744073709551615', '9223372036854775808', 'NULL', 'null')],
      [
        'huge decimal(65,30)',
        anyOf(
          '0',
          '-0.0',
          '99999999999999999999999999999999999.999999999999999999999999999999',
          '-0.000000000000000000000000000001',
        ),
      ],
      ['money decimal(10,2)', anyOf('0.00', '-0.00', '-99999999.99', '12.5', '.5')],
      ['f float', anyOf('0', '-0', '1.5e-10', '3.40282e38', '-1.17549e-38', '0.1', '16777217')],
      [
        'd double',
        anyOf(
          '-0',
          '-0.0',
          '-0e0',
          '1.7976931348623157e308',
          '2.2250738585072014e-308',
          '0.1',
          '9007199254740993',
          '18446744073709551615',
          '1e22',
        ),
      ],
      ['bits bit(9)', anyOf(`b'101010101'`, `b'0'`, `'\\0\\0'`, 'NULL', `b'1'`)],
      ['y year', anyOf('1901', '0000', '2155', 'NULL')],
      ['z int zerofill', anyOf('0', '7', '4294967295')],
    ],
  },
  texts: {
    columns: [
      ['v varchar(300) NOT NULL', textOf(20)],
      ['c char(10)', anyOf("'a   '", "'  '", "''", "'NULL'", 'NULL', "'\\N'", "'ü'")],
      ['l text CHARACTER SET latin1', anyOf("'Grüße'", "'\\\\'", "''", 'NULL', "'\\''")],
      ["e enum('a','it''s','','1','ü')", anyOf("'a'", "'it\\'s'", "''", "'1'", "'ü'", 'NULL')],
      ["s set('a','b','c;d')", anyOf("'a,b'", "''", "'c;d'", 'NULL')],
      ['j json', anyOf(`'{\\"a\\": \\"\\\\\\"\\"}'`, "'null'", "'[]'", 'NULL')],
      ['w longtext COLLATE utf8mb4_bin', textOf(30)],
    ],
    more: ', KEY v (v(20)), FULLTEXT KEY w (w)',
  },
  times: {
    columns: [
      ['d date', anyOf("'0000-00-00'", "'2010-00-00'", "'9999-12-31'", 'NULL')],
      [
        'dt datetime(6)',
        anyOf("'1000-01-01 00:00:00.000001'", "'0000-00-00 00:00:00'", "'2024-02-29 23:59:59.999999'"),
      ],
      ['t time(3)', anyOf("'-838:59:59.000'", "'00:00:00.001'", 'NULL')],
      [
        'ts timestamp NULL',
        anyOf("'1970-01-01 00:00:01'", "'2038-01-19 03:14:07'", "'2021-03-28 02:30:00'", 'NULL'),
      ],
      ['pad varchar(100)', textOf(20)],
    ],
  },
  bytes: {
    columns: [
      ['b blob', bytesLiteral],
      ['v varbinary(100)', bytesLiteral],
      ['f binary(60)', bytesLiteral],
      [
        'p point',
        fc.oneof(
          point.map((wkb) => `0x${wkb.toString('hex')}`),
          point.map((wkb) => quoteBytes(wkb.toString('latin1'))),
          anyOf('NULL'),
        ),
      ],
    ],
  },
  computed: {
    columns: [
      ['a int', anyOf('1', '-5', 'NULL')],
      ['twice int GENERATED ALWAYS AS (a * 2) STORED', anyOf('2', 'NULL', 'DEFAULT')],
      ['shout varchar(200) GENERATED ALWAYS AS (upper(pad)) STORED', anyOf("'X'", 'NULL')],
      ['pad varchar(200)', textOf(20)],
    ],
    more: ', KEY twice (twice)',
  },
};

export const oddTables = Object.keys(tables);

/** The forms that tools write INSERTs in. */
const forms = {
  extended: (head: string, rows: readonly string[]) => `${head} ${rows.join(',')};\n`,
  lines: (head: string, rows: readonly string[]) => `${head}\n${rows.join(',\n')};\n`,
  single: (head: string, rows: readonly string[]) => rows.map((row) => `${head} ${row};\n`).join(''),
  spaced: (head: string, rows: readonly string[]) =>
    rows.map((row) => `-- one; it's\n${head}\r\n  ${row.replace(/^\(/, '( ')} ;\n\n`).join(''),
} as const;
export type Form = keyof typeof forms;

/** Of the tables named. As bytes: characters up to U+00FF in binary values are bytes, all others UTF-8. */
export function oddDump(
  seed: number,
  form: Form,
  header: string,
  names: readonly string[] = oddTables,
): Buffer {
  const parts: (string | Buffer)[] = [header];
  for (const [name, { columns, more = '' }] of Object.entries(tables)) {
    if (!names.includes(name)) continue;
    parts.push(
      `CREATE TABLE \`${name}\` (id int NOT NULL AUTO_INCREMENT PRIMARY KEY, ${columns.map(([definition]) => definition).join(', ')}${more}) ` +
        'ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;\n',
    );
    const row = fc.tuple(...columns.map(([, values]) => values));
    const rows = fc
      .sample(row, { seed, numRuns: oddRowCount })
      .map((values, index) => `(${[index * 2, ...values].join(',')})`);
    const fields = ['id', ...columns.map(([definition]) => definition.split(' ')[0] ?? '')];
    const head = `INSERT INTO \`${name}\`${form === 'extended' ? '' : ` (${fields.map((each) => `\`${each}\``).join(', ')})`} VALUES`;
    for (let from = 0; from < rows.length; from += 900) {
      const text = forms[form](head, rows.slice(from, from + 900));
      parts.push(name === 'bytes' ? Buffer.from(text, 'latin1') : text);
    }
  }
  return Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : part)));
}
