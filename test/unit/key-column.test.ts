import assert from 'node:assert/strict';
import fc from 'fast-check';
import { keyColumnOf, KeyOrder } from '../../daemon/templates/parts/key-column.ts';

const table = (columns: string, end = 'ENGINE=InnoDB'): string =>
  `CREATE TABLE \`t\` (\n${columns}\n) ${end};`;
const plain = table(
  '  `id` int(11) NOT NULL,\n  `n` int(11) DEFAULT NULL,\n  PRIMARY KEY (`id`),\n  KEY `n` (`n`)',
);

describe('the column that tells the rows of a table apart', () => {
  it('is the first, when it is the primary key', () => {
    assert.deepEqual(keyColumnOf(plain), { column: 'id', nextNumber: undefined });
    const numbered = plain.replace('NOT NULL', 'unsigned NOT NULL AUTO_INCREMENT');
    assert.deepEqual(keyColumnOf(numbered), { column: 'id', nextNumber: '1' });
    const next = numbered.replace('InnoDB', "InnoDB AUTO_INCREMENT=77 COMMENT='x'");
    assert.deepEqual(keyColumnOf(next), { column: 'id', nextNumber: '77' });
  });

  for (const [what, sql] of [
    ['another column is the key', plain.replace('KEY (`id`)', 'KEY (`n`)')],
    ['it is the key with another', plain.replace('KEY (`id`)', 'KEY (`id`,`n`)')],
    ['a part of it is', plain.replace('KEY (`id`)', 'KEY (`id`(3))')],
    ['there is no key', plain.replace('PRIMARY KEY', 'UNIQUE KEY `u`')],
    ['it is text', plain.replace('`id` int(11)', '`id` varchar(11)')],
    ['it is computed', plain.replace('int(11) NOT NULL', 'int(11) GENERATED ALWAYS AS (1) STORED')],
    ['a column is left out of the rows', plain.replace('`id` int(11)', '`id` int(11) INVISIBLE')],
    ['the table remembers former rows', plain.replace('InnoDB', 'InnoDB WITH SYSTEM VERSIONING')],
    ['the name could be another in another character set', plain.replaceAll('`id`', '`\xefd`')],
    ['the definition is written otherwise', 'create table t (id int primary key);'],
  ] as const) {
    it(`is none when ${what}`, () => {
      assert.equal(keyColumnOf(sql), undefined);
    });
  }
});

const head = 'INSERT INTO `t` VALUES ';

/** How many rows in order there are, and the key of the last; undefined when there is no order. */
function orderOf(text: string, cuts: readonly number[] = []): [rows: number, last: number] | undefined {
  const bytes = Buffer.from(text);
  const bounds = [...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  const order = new KeyOrder(Buffer.from(head));
  let from = 0;
  for (const to of bounds) {
    order.push(bytes.subarray(from, to));
    from = to;
  }
  return order.isOrdered ? [order.rows, order.last] : undefined;
}

describe('the rows of a table in its dump', () => {
  it('are in order when each has a greater key than the one before', () => {
    assert.deepEqual(orderOf(`${head}(1),(2,'x'),\n(10,NULL);\n${head}(11);\r\n`), [4, 11]);
    assert.deepEqual(orderOf(`${head}(5,'(1)\\'),(2','it''s "',"a'\\"),(1",-2.5e3, 0xff );`), [1, 5]);
  });

  for (const [what, text] of [
    ['a smaller one follows', `${head}(2),(1);`],
    ['one comes twice', `${head}(2),(2);`],
    ['a later statement begins with a smaller one', `${head}(2);\n${head}(1);`],
    ['the server numbers them', `${head}(NULL),(NULL);`],
    ['one is zero', `${head}(0),(1);`],
    ['one is below zero', `${head}(-1),(1);`],
    ['one is padded', `${head}(1),(002);`],
    ['one has a fraction', `${head}(1.5),(2);`],
    ['one is a string', `${head}('1'),(2);`],
    ['one is too long', `${head}(1234567890123456);`],
    ['one is computed', `${head}(1),(1+1);`],
    ['a value is computed', `${head}(1,f(2)),(3,4);`],
    ['a row is missing its end', `${head}(1),(2`],
    ['a string is', `${head}(1),(2,'x);`],
    ['a statement is', `${head}(1),(2)`],
    ['another statement follows', `${head}(1);\nINSERT INTO \`u\` VALUES (2);`],
    ['a comment stands between them', `${head}(1);\n-- (2)\n${head}(3);`],
    ['there are none', ''],
  ] as const) {
    it(`are in none when ${what}`, () => {
      assert.equal(orderOf(text), undefined);
    });
  }

  it('are so however the text is cut, whatever is in them', () => {
    const value = fc.string({ unit: fc.constantFrom('a', "'", '"', '\\', '(', ')', ',', ';', ' ', '\n') });
    const quoted = (text: string) => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
    const steps = fc.array(fc.tuple(fc.integer({ min: -1, max: 9 }), value, fc.boolean()), { minLength: 1 });
    fc.assert(
      fc.property(steps, fc.array(fc.nat()), (rows, cuts) => {
        let key = 1;
        let text = '';
        for (const [index, [step, note, isNew]] of rows.entries()) {
          key += index === 0 ? 0 : step;
          const before = index === 0 ? head : isNew ? `;\n${head}` : ',';
          text += `${before}(${String(key)},${quoted(note)})`;
        }
        const isOrdered = rows.slice(1).every(([step]) => step > 0);
        assert.deepEqual(orderOf(`${text};\n`, cuts), isOrdered ? [rows.length, key] : undefined);
      }),
    );
  });
});
