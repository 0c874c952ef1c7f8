import assert from 'node:assert/strict';
import fc from 'fast-check';
import { statementLimitBytes, type Piece } from '../../daemon/templates/bulk/pieces.ts';
import { StatementReader } from '../../daemon/templates/bulk/statements.ts';
import { cutAt } from '../support/cuts.ts';
import { fuzzRuns } from '../support/fuzz-runs.ts';

function read(text: string, cuts: readonly number[] = []): Piece[] {
  const reader = new StatementReader();
  const chunks = cutAt(Buffer.from(text, 'latin1'), cuts);
  // Bytes are good until the next call.
  const keep = (pieces: readonly Piece[]) =>
    pieces.map((piece) => ({ ...piece, bytes: Buffer.from(piece.bytes) }));
  return [...chunks.flatMap((chunk) => keep(reader.push(chunk))), ...keep(reader.end())];
}

/** Pieces in words, parts of one put together: `kind@line: text`. */
function told(pieces: readonly Piece[]): string[] {
  const words: { kind: string; line: number; text: string }[] = [];
  let isWhole = true;
  for (const piece of pieces) {
    const text = piece.bytes.toString('latin1');
    const last = words.at(-1);
    // Rows that were begun when the reader gave up.
    if (piece.kind === 'rest' && last && !isWhole) last.kind = 'rest';
    isWhole = !('last' in piece) || piece.last;
    const goesOn = 'first' in piece ? !piece.first : piece.kind === last?.kind && piece.kind !== 'statement';
    if (last && goesOn) last.text += text;
    else words.push({ kind: piece.kind, line: piece.line, text });
  }
  return words.map(({ kind, line, text }) => `${kind}@${String(line)}: ${text}`);
}

const statements = (text: string) => told(read(text)).filter((piece) => !piece.startsWith('between'));

const fragments = [
  "INSERT INTO `t` VALUES (1,'a;b'),(2,'it\\'s; ''so'''),\n(3,'\\\\');\n",
  'insert into `a``;`.t (`a`, b) values\n(1, "x;\\"y");',
  "INSERT INTO t SELECT ';';\n",
  "CREATE TABLE `odd``;\\` (a int comment '--;');\n",
  "-- it's a comment;\n",
  '# another; one\n',
  '/* not; this */',
  '/*!40101 SET NAMES utf8 */;\n',
  '/*M!999999\\- enable the sandbox mode */ \n',
  'select 1 --\n;',
  'select 1--1;\n',
  'DELIMITER ;;\ncreate trigger x begin a; /* ;; */ b; end ;;\nDELIMITER ;\n',
  'delimiter $$\nselect "$$"$$ insert into t values (1)$$\ndelimiter ;\n',
  "SET sql_mode='ANSI_QUOTES';\n",
  'quit\n',
  'use x\n',
  'use x;\n',
  'select \\g\n',
  'exit_code;\n',
  '\n\n  ',
  'ä',
  "'",
  ';',
];

describe('the statements of a dump', () => {
  it('are cut at delimiters that stand in no string, name or comment', () => {
    const text = fragments.slice(0, 11).join('');
    assert.deepEqual(statements(text), [
      "rows@1: INSERT INTO `t` VALUES (1,'a;b'),(2,'it\\'s; ''so'''),\n(3,'\\\\');",
      'rows@3: insert into `a``;`.t (`a`, b) values\n(1, "x;\\"y");',
      "statement@4: INSERT INTO t SELECT ';';",
      "statement@5: CREATE TABLE `odd``;\\` (a int comment '--;');",
      'statement@8: /*!40101 SET NAMES utf8 */;',
      'statement@9: /*M!999999\\- enable the sandbox mode */ \nselect 1 --\n;',
      'statement@11: select 1--1;',
    ]);
  });

  it('end where DELIMITER says', () => {
    assert.deepEqual(statements(`${fragments[11] ?? ''}a;`), [
      'statement@2: create trigger x begin a; /* ;; */ b; end ;;',
      'statement@4: a;',
    ]);
    assert.deepEqual(statements(`${fragments[12] ?? ''}a;`), [
      'statement@2: select "$$"$$',
      'statement@2: insert into t values (1)$$',
      'statement@4: a;',
    ]);
  });

  it('end with the text', () => {
    assert.deepEqual(statements('a;\nb'), ['statement@1: a;', 'statement@2: b']);
    assert.deepEqual(statements("insert into t values ('a;"), ["rows@1: insert into t values ('a;"]);
    assert.deepEqual(statements('insert into t'), ['statement@1: insert into t']);
  });

  it('tell the table and columns of an INSERT', () => {
    const heads = read(fragments.slice(0, 2).join('')).flatMap((piece) =>
      piece.kind === 'rows' && piece.first ? [piece.head] : [],
    );
    assert.deepEqual(
      heads.map(({ bytes, ...head }) => ({ ...head, bytes: bytes.toString() })),
      [
        { bytes: 'INSERT INTO `t` VALUES ', database: undefined, table: 't', columns: undefined },
        { bytes: 'insert into `a``;`.t (`a`, b) values\n', database: 'a`;', table: 't', columns: ['a', 'b'] },
      ],
    );
  });

  it('are handed on in parts when they are long', () => {
    const long = `select '${'x;'.repeat(statementLimitBytes)}';`;
    assert.deepEqual(
      told(read(`${long}a;`, [5000, statementLimitBytes + 9000])).map((piece) => piece.slice(0, 20)),
      [`long@1: ${long}`.slice(0, 20), 'statement@1: a;'],
    );
    const row = `insert into t values ('${'x;'.repeat(statementLimitBytes)}');`;
    const parts = read(
      row,
      Array.from({ length: 30 }, (_, index) => (index + 1) * 70_000),
    );
    assert.ok(parts.every((part) => part.kind === 'rows' && part.bytes.length < statementLimitBytes));
  });

  for (const [what, text, from] of [
    ['a command of the client', 'a;\nquit\nb;', 'quit\nb;'],
    ['such a command that is no SQL', 'a;\nuse x\nb;', 'use x\nb;'],
    ['a command of one letter', 'a;\nb \\g\nc;', 'b \\g\nc;'],
    ['strings without escapes', "a;set sql_mode='NO_BACKSLASH_ESCAPES';b';", "b';"],
    ['a mode that is a number', 'a;set sql_mode = 1048576;b', 'b'],
    ['a quote that may be escaped or not', 'set sql_mode="ANSI";a "\\";b', 'a "\\";b'],
    ['a delimiter that is quoted', "a;\ndelimiter ';'\nb", "delimiter ';'\nb"],
    ['a DELIMITER inside of a statement', 'a;\nb delimiter //\nc', 'b delimiter //\nc'],
  ] as const) {
    it(`are cut no more after ${what}`, () => {
      const last = told(read(text)).at(-1) ?? '';
      assert.equal(last.replace(/^rest@\d+: /, ''), from);
      assert.match(last, /^rest@/);
    });
  }

  it('are the same however the text is cut into pieces, and are all of it', () => {
    const rubbish = fc.uint8Array({ maxLength: 12 }).map((bytes) => Buffer.from(bytes).toString('latin1'));
    const marks = fc.constantFrom(...'\'"`\\;-#/*!\n (),'.split(''), 'delimiter ', 'insert into t values(');
    const part = fc.oneof({ weight: 2, arbitrary: fc.constantFrom(...fragments) }, marks, rubbish);
    const text = fc.array(part, { maxLength: 12 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(text, fc.array(fc.nat(600), { maxLength: 40 }), (whole, cuts) => {
        const pieces = read(whole, cuts);
        assert.equal(pieces.map(({ bytes }) => bytes.toString('latin1')).join(''), whole);
        assert.deepEqual(told(pieces), told(read(whole)));
        for (const piece of pieces) {
          assert.ok(piece.bytes.length > 0);
          const at = piece.kind === 'rows' ? piece.offset : 0;
          if (piece.kind === 'rows')
            assert.equal(whole.slice(at, at + piece.bytes.length), piece.bytes.toString('latin1'));
        }
      }),
      fuzzRuns(1000),
    );
  });

  it('are not held in memory when they have no end', () => {
    const chunk = 2 ** 16;
    const mostHeldBytes = 2 * statementLimitBytes;
    for (const start of [
      ...['', 'select ', "select '", 'select "', 'select `', '-- ', '/* ', '/*! ', 'delimiter ', '\nquit '],
      ...['insert into `', 'insert into t (a,', 'insert into t values (', "insert into t values ('", "('\\"],
    ]) {
      for (const filler of ['x', ' ', '(', ',', '\\']) {
        const reader = new StatementReader();
        let heldBytes = 0;
        const push = (bytes: Buffer) => {
          heldBytes += bytes.length;
          for (const piece of reader.push(bytes)) heldBytes -= piece.bytes.length;
        };
        push(Buffer.from(start));
        for (let done = 0; done < 1.25 * mostHeldBytes; done += chunk) push(Buffer.alloc(chunk, filler));
        assert.ok(heldBytes <= mostHeldBytes, `${String(heldBytes)} bytes after ${start}${filler}`);
      }
    }
  });
});
