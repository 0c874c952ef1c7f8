import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { ColumnKind } from '../../daemon/engines/bulk.ts';
import { UnfitRows } from '../../daemon/templates/bulk/row-literals.ts';
import { RowConverter } from '../../daemon/templates/bulk/rows.ts';
import { cutAt } from '../support/cuts.ts';
import { fuzzRuns } from '../support/fuzz-runs.ts';

const head = 'INSERT INTO `t` VALUES ';

function convert(kinds: readonly ColumnKind[], text: string, cuts: readonly number[] = []) {
  const converter = new RowConverter(
    Buffer.from(head),
    kinds.map((kind) => ({ kind, nullable: true })),
  );
  // What is returned is good until the next call.
  const written = cutAt(Buffer.from(text, 'latin1'), cuts).map((chunk) =>
    Buffer.concat(converter.push(chunk)),
  );
  const out = Buffer.concat([...written, ...converter.end()]).toString('latin1');
  return { out, rows: converter.rows };
}

/** What a LOAD DATA reads in the only row. */
const row = (kinds: readonly ColumnKind[], values: string): string =>
  convert(kinds, `${head}(${values});`).out;

describe('rows for LOAD DATA', () => {
  it('are those of the INSERT where they mean the same', () => {
    const values = `1,-2.50,1e-5,2024,'it\\'s ''so''; \\\\ \\n \\0 "x"',NULL`;
    const kinds = ['integer', 'decimal', 'float', 'year', 'text', 'text'] as const;
    assert.equal(row(kinds, values), `(${values})`);
  });

  for (const [what, kind, value, written] of [
    ['what stays escaped in a string', 'text', `'100\\% \\_'`, `'100\\\\% \\\\_'`],
    ['N, which would be no value', 'text', `'\\N'`, `'N'`],
    ["line ends of Windows, which the client's lines end with", 'text', "'a\r\nb\\\r\n\r'", "'a\nb\\\n\r'"],
    ['no value in small letters', 'text', 'null', 'NULL'],
    ['bytes in hexadecimal', 'binary', '0x00275Cff', `'\0\\'\\\\\xff'`],
    ['bytes in a string', 'binary', `_binary '\xff\\''`, `'\xff\\''`],
    ['bits', 'bit', `b'101010101'`, `'\x01U'`],
    ['minus nothing', 'float', '-0', '0'],
    ['minus nothing with decimals', 'decimal', '-0.00', '0.00'],
  ] as const) {
    it(`are written otherwise: ${what}`, () => assert.equal(row([kind], value), `(${written})`));
  }

  for (const [what, kind, value] of [
    ['a function', 'text', 'now()'],
    ['a sum', 'integer', '1+1'],
    ['a default', 'integer', 'DEFAULT'],
    ['a national string', 'text', `N'x'`],
    ['strings side by side', 'text', `'a' 'b'`],
    ['a string in double quotes', 'text', '"x"'],
    ['a number for text', 'text', '007'],
    ['hexadecimal for a number', 'integer', '0x10'],
    ['half a byte', 'binary', '0xabc'],
    ['two digits for a year', 'year', '70'],
    ['decimals for an integer', 'integer', '1.5'],
    ['a comment', 'integer', '/* one */ 1'],
    ['too many values', 'integer', '1,2'],
    ['a row in a row', 'integer', '(1)'],
    ['the end of the text', 'text', `'x`],
  ] as const) {
    it(`are refused for ${what}`, () => assert.throws(() => row([kind], value), UnfitRows));
  }

  it('are refused when a value is missing where there must be one', () => {
    const converter = new RowConverter(Buffer.from(head), [{ kind: 'text', nullable: false }]);
    assert.throws(() => converter.push(Buffer.from(`${head}(NULL);\n${' '.repeat(200)}`)), UnfitRows);
  });

  it('are counted, over all statements', () => {
    const { rows, out } = convert(['integer'], `${head}(1),\n ( 2 ) ;\n${head}(3);\n`);
    assert.deepEqual([rows, out], [3, '(1),\n (2) (3)']);
  });

  it('are refused when statements are not alike', () => {
    assert.throws(() => convert(['integer'], `${head}(1);INSERT INTO \`t\` (a) VALUES (2);`), UnfitRows);
  });

  it('are the same however the text is cut into pieces', () => {
    const values = fc.constantFrom(
      `1,'a',0x00,b'1'`,
      `-0,'\\N\\%\\\\',_binary 'x\\'y',NULL`,
      ` 12 , '''' , 0x4142434445464748494a , NULL `,
      `NULL,'),(;',NULL,null`,
      `99999999999999999999,'\xe4\xff\n',_binary\n'',b'0'`,
    );
    const statement = fc
      .array(values, { minLength: 1, maxLength: 5 })
      .map((rows) => `${head}(${rows.join('),\n(')});\n`);
    const text = fc.array(statement, { maxLength: 4 }).map((statements) => statements.join(''));
    fc.assert(
      fc.property(text, fc.array(fc.nat(500), { maxLength: 40 }), (whole, cuts) => {
        const kinds = ['integer', 'text', 'binary', 'bit'] as const;
        assert.deepEqual(convert(kinds, whole, cuts), convert(kinds, whole));
      }),
      { numRuns: 300 },
    );
  });

  it('are the same whether a value is seen at once or byte by byte', () => {
    const numbers = ['0', '-0', '-1', '5.', '.5', '-.5', '.', '-', '1..2', '1e3', '+1', 'NULL', 'NUL', '--1'];
    const long = ['123456789012345678', '-1234567890123456789', '12345678901234567.25'];
    const strings = [`'it''s'`, `'\\%'`, `'\r\n'`, `'\\\r\n'`, `'a\rb'`, `'\\N'`, `'\\\\'`, `''`, `'a\\'b'`];
    for (const number of [...numbers, ...long]) {
      for (const kind of ['integer', 'decimal', 'float', 'year', 'text'] as const) {
        for (const string of strings) {
          const text = `${head}(1,${number},${string}),\n(2,${number},${string}), (3,${number},'');\n`;
          const outcome = (cuts: readonly number[]) => {
            try {
              return convert(['integer', kind, 'text'], text, cuts);
            } catch (error) {
              assert.ok(error instanceof UnfitRows);
              return 'refused';
            }
          };
          assert.deepEqual(outcome([]), outcome(Array.from(text, (_, index) => index)), text);
        }
      }
    }
  });

  it('are refused alike however a text is cut, whatever it is', () => {
    const kinds = ['integer', 'text', 'binary', 'bit'] as const;
    const part = fc.oneof(
      fc.constantFrom(head, '(', ')', ',', ';', "'", "\\'", 'NULL', '0x', '_binary ', "b'0'", '1', ' ', '-'),
      fc.constantFrom(`${head}(1,'a',0x00,b'1');`, `(1,'a',0x00,b'1'),`),
      fc.uint8Array({ maxLength: 6 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
    );
    const outcome = (text: string, cuts: readonly number[] = []) => {
      try {
        return convert(kinds, text, cuts);
      } catch (error) {
        assert.ok(error instanceof UnfitRows);
        return 'refused';
      }
    };
    fc.assert(
      fc.property(fc.array(part, { maxLength: 20 }), fc.array(fc.nat(), { maxLength: 20 }), (parts, cuts) => {
        const text = parts.join('');
        assert.deepEqual(outcome(text, cuts), outcome(text));
      }),
      fuzzRuns(1000),
    );
  });
});
