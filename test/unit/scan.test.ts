import assert from 'node:assert/strict';
import fc from 'fast-check';
import { StatementReader } from '../../daemon/templates/bulk/statements.ts';
import { changesBetween, type DumpParts } from '../../daemon/templates/parts/dump-parts.ts';
import { keyOf, PartReader } from '../../daemon/templates/parts/part-reader.ts';
import { forward } from '../../daemon/templates/parts/places.ts';
import type { Block } from '../../daemon/templates/parts/row-blocks.ts';
import { Scan } from '../../daemon/templates/parts/scan.ts';

class CountingReader extends PartReader {
  skipped = 0;

  override skip(block: Block, newlines: number): Block | undefined {
    this.skipped++;
    return super.skip(block, newlines);
  }
}

/** Reads a dump in chunks of a size, with what is known of a former one. */
function scan(dump: string, former?: DumpParts, chunkBytes = 2 ** 18) {
  const bytes = Buffer.from(dump);
  const parts = new CountingReader('wanted', ['mysql'], former && { former });
  const reading = new Scan(parts);
  for (let at = 0; at < bytes.length; at += chunkBytes) reading.push(bytes.subarray(at, at + chunkBytes));
  reading.end();
  const found = parts.finish();
  assert.ok(found);
  return { ...found, skipped: parts.skipped, places: found.placesOf(new Set()) };
}

const text = String.raw`it\'s; text `.repeat(8);
const insert = (name: string, first: number): string => {
  const rows = Array.from({ length: 5000 }, (_, index) => `(${String(first + index)},'${text}')`);
  return `INSERT INTO \`${name}\` VALUES ${rows.join(',')};\n`;
};
const table = (name: string, inserts: readonly string[]): string =>
  `CREATE TABLE \`${name}\` (id int, t text);\n${inserts.join('')}/*!40000 ALTER TABLE \`${name}\` ENABLE KEYS */;\n`;
/** Some 8 MB each. */
const inserts = (name: string): string[] =>
  Array.from({ length: 16 }, (_, index) => insert(name, index * 5000));

describe('a dump that is compared with a former one', function () {
  this.timeout(60_000);
  const a = inserts('a');
  const b = inserts('b');
  const dump = table('a', a) + table('b', b);
  let former: DumpParts;

  before(() => {
    former = scan(dump).parts;
  });

  const differing = (next: string): { readonly tables: string[]; readonly skipped: number } => {
    const plain = scan(next);
    const compared = scan(next, former);
    assert.deepEqual(compared.parts, plain.parts);
    assert.deepEqual(compared.places, plain.places);
    const changes = changesBetween(former, compared.parts);
    return { tables: (changes?.load ?? []).map(({ table: name }) => name), skipped: compared.skipped };
  };

  it('is not read where it says the same', () => {
    const blocks = former.tables.map((each) => each.blocks?.length ?? 0);
    assert.ok(blocks.every((count) => count > 0));
    const found = differing(dump.replace('CREATE', '-- of another day\nCREATE'));
    assert.deepEqual(found, { tables: [], skipped: blocks.reduce((sum, count) => sum + count) });
  });

  for (const [what, next] of [
    ['in its first row', dump.replace("`b` VALUES (0,'it", "`b` VALUES (0,'IT")],
    ['behind a block', table('a', a) + table('b', [...b.slice(0, 12), insert('b', 7), ...b.slice(12)])],
    ['by rows that are missing', table('a', a) + table('b', b.slice(0, 15))],
    ['by rows that are missing before others', table('a', a) + table('b', b.slice(1))],
    ['by a quote that is not closed where it was', dump.replace("`b` VALUES (0,'it", "`b` VALUES (0,'it\\'")],
    ['by the name of its column', dump.replace('`b` (id int', '`b` (no int')],
  ] as const) {
    it(`differs in a table that differs ${what}, and in nothing else`, () => {
      assert.deepEqual(differing(next).tables, ['b']);
    });
  }

  it('has only the last rows of a table left that begins as it did', async () => {
    const own = [...b.slice(0, 15), insert('b', 7)];
    const next = table('a', a) + table('b', own);
    const { rows, placesOf } = scan(next, former);
    const [keyA, keyB] = ['a', 'b'].map((name) => keyOf({ database: 'wanted', table: name }));
    assert.ok(keyA !== undefined && keyB !== undefined);
    const left: Buffer[] = [];
    async function* whole() {
      yield await Promise.resolve(Buffer.from(next));
    }
    for await (const part of placesOf(new Set([keyA]), new Set([keyB])).leaveOut(forward(whole())))
      left.push(part);
    const statements = Buffer.concat(left).toString().trim();
    assert.ok(statements.length < 4e6 && own.join('').trim().endsWith(statements));
    assert.match(statements, /^INSERT INTO `b` VALUES \(\d*000,/);
    const { place, tailHash } = rows.get(keyB) ?? assert.fail();
    assert.equal(next.indexOf(statements), place.same.offset);
    const tail = new PartReader('wanted', [], { tails: new Set([keyB]) });
    const reader = new StatementReader();
    for (const piece of [...reader.push(Buffer.concat(left)), ...reader.end()]) tail.push(piece);
    assert.equal(tail.finish()?.rows.get(keyB)?.tailHash, tailHash);
  });

  it('is read as a whole once quotes may mean something else', () => {
    const next = `set @old = @@sql_mode; set sql_mode = 'ANSI_QUOTES'; set sql_mode = @old;\n${dump}`;
    assert.equal(scan(next, former).skipped, 0);
  });

  it('comes to the same however it is cut into chunks', () => {
    const next = dump.replace("`b` VALUES (20000,'it", "`b` VALUES (20000,'IT");
    const whole = scan(next).parts;
    fc.assert(
      fc.property(fc.integer({ min: 5000, max: 3_000_000 }), (chunkBytes) => {
        assert.deepEqual(scan(next, former, chunkBytes).parts, whole);
      }),
      { numRuns: 10 },
    );
  });
});
