import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import fc from 'fast-check';
import { MyaasError } from '../../daemon/errors/error.ts';
import {
  blankSandboxLine,
  GtidBlanker,
  gtidLimitBytes,
  setsGtids,
  whyIncomplete,
  whyNoDump,
} from '../../daemon/templates/formats/preamble.ts';
import { TextEnds } from '../../daemon/templates/formats/reader.ts';
import { cutAt } from '../support/cuts.ts';
import { fuzzRuns } from '../support/fuzz-runs.ts';

const gtids = `SET @@GLOBAL.GTID_PURGED=/*!80000 '+'*/ 'a:1-5,\nb:1-77';`;
const blanked = (text: string) => text.replace(/[^\n]/g, ' ');

function blankGtids(pieces: readonly string[]): string {
  const blanker = new GtidBlanker();
  const text = pieces.map((piece) => blanker.push(Buffer.from(piece, 'latin1')));
  return Buffer.concat([...text, blanker.end()]).toString('latin1');
}

describe('the preamble of a dump', () => {
  it('loses its sandbox line, and no byte of it else', () => {
    for (const mark of ['', '\xef\xbb\xbf']) {
      for (const line of [
        '/*!999999\\- enable the sandbox mode */',
        '/*M!999999\\- enable the sandbox mode */',
      ]) {
        const start = Buffer.from(`${mark}${line} \n-- MariaDB dump 10.19\n`, 'latin1');
        blankSandboxLine(start);
        assert.equal(start.toString('latin1'), `${blanked(mark + line)} \n-- MariaDB dump 10.19\n`);
      }
    }
  });

  it('keeps such a line where it is data', () => {
    const text = "insert into t values ('\n/*M!999999\\- enable the sandbox mode */');";
    const start = Buffer.from(text);
    blankSandboxLine(start);
    assert.equal(start.toString(), text);
  });

  it('tells that mysqldump sets GTIDs', () => {
    assert.ok(
      setsGtids('/*!40101 SET NAMES utf8 */;\nSET @MYSQLDUMP_TEMP_LOG_BIN = @@SESSION.SQL_LOG_BIN;\n'),
    );
    assert.ok(!setsGtids("insert into t values ('SET @MYSQLDUMP_TEMP_LOG_BIN');"));
  });
});

describe('GTID_PURGED', () => {
  it('is blanked out wherever it stands, with all its lines kept', () => {
    const text = (statement: string) =>
      `-- head\n${statement}\ninsert into t values (1);\n${statement}\n-- tail`;
    assert.equal(blankGtids([text(gtids)]), text(blanked(gtids)));
  });

  it('is blanked out however the text is cut into pieces', () => {
    const text = `x\n\nSET @@GLOBAL\n${gtids}\nSET @@GLOBAL.GTID_P\n\n${gtids}\n`;
    const expected = text.replaceAll(gtids, blanked(gtids));
    fc.assert(
      fc.property(fc.array(fc.nat(text.length), { maxLength: 30 }), (cuts) => {
        const bounds = [0, ...cuts.sort((a, b) => a - b), text.length];
        const pieces = bounds.slice(1).map((end, index) => text.slice(bounds[index], end));
        assert.equal(blankGtids(pieces), expected);
      }),
    );
  });

  it('is left alone where it does not begin a line, or never ends', () => {
    for (const text of [
      `insert into t values ('${gtids}');`,
      '\nSET @@GLOBAL.GTID_PURGED=',
      '\nSET @@GLO',
      '',
    ])
      assert.equal(blankGtids([text]), text);
  });
});

describe('GTID_PURGED without an end', () => {
  it('is not held in memory, and what follows is blanked out all the same', () => {
    const endless = `\nSET @@GLOBAL.GTID_PURGED='${'x'.repeat(gtidLimitBytes)}`;
    const text = `${endless}';\n${gtids}\n-- tail`;
    const expected = `${endless}';\n${blanked(gtids)}\n-- tail`;
    const cuts = Array.from({ length: 20 }, (_, index) => index * 400_000);
    const pieces = cutAt(Buffer.from(text), cuts).map((piece) => piece.toString('latin1'));
    assert.ok(blankGtids([text]) === expected && blankGtids(pieces) === expected);
    const blanker = new GtidBlanker();
    let held = 0;
    for (const chunk of cutAt(Buffer.from(endless.repeat(4)), cuts))
      held += chunk.length - blanker.push(chunk).length;
    assert.ok(held <= gtidLimitBytes);
  });
});

describe('the beginning and the end of any text', () => {
  const pieces = fc.oneof(
    fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
    fc.constantFrom(
      '\n',
      ';',
      '\xef\xbb\xbf',
      '\0',
      gtids,
      '\nSET @@GLOBAL.GTID_PU',
      '-- MySQL dump 10.13\n',
    ),
    fc.constantFrom('SET @MYSQLDUMP_TEMP_LOG_BIN = 1;\n', '/*M!999999\\- enable the sandbox mode */'),
    fc.nat(20_000).map((length) => 'x'.repeat(length)),
  );
  const texts = fc.array(pieces, { maxLength: 12 }).map((parts) => Buffer.from(parts.join(''), 'latin1'));

  /** What comes out, and what is remembered of it; or that it is no dump. */
  async function read(chunks: readonly Buffer[]): Promise<readonly string[]> {
    const ends = new TextEnds('shop.sql');
    // The reader blanks out in place.
    const text = Readable.from(chunks.map((chunk) => Buffer.from(chunk))).pipe(ends);
    try {
      return [(await buffer(text)).toString('latin1'), ends.head, ends.whyIncomplete() ?? 'whole'];
    } catch (error) {
      return [error instanceof MyaasError ? error.code : String(error)];
    }
  }

  it('are the same however it is cut, and no byte is lost', async () => {
    await fc.assert(
      fc.asyncProperty(texts, fc.array(fc.nat(), { maxLength: 8 }), async (text, cuts) => {
        const [whole = '', ...rest] = await read([text]);
        assert.deepEqual(await read(cutAt(text, cuts)), [whole, ...rest]);
        if (whole === 'MYAAS_DUMP_BAD') return;
        assert.equal(whole.length, text.length);
        assert.equal(whole.replace(/[^\n]/g, ''), text.toString('latin1').replace(/[^\n]/g, ''));
      }),
      fuzzRuns(300),
    );
  });
});

describe('what is no dump', () => {
  for (const [what, head, why] of [
    ['nothing', '', /empty/],
    ['white space', ' \r\n\t', /empty/],
    ['UTF-16 text', '\xff\xfe-\0-\0', /UTF-16/],
    ['UTF-16 text, big endian', '\xfe\xff\0-\0-', /UTF-16/],
    ['a PostgreSQL dump', '--\n-- PostgreSQL database dump\n--\n', /PostgreSQL/],
    ['all of a PostgreSQL cluster', '--\n-- PostgreSQL database cluster dump\n--\n', /PostgreSQL/],
    ['a packed PostgreSQL dump', 'PGDMP\x01\x0e', /PostgreSQL/],
    ['an SQLite database', 'SQLite format 3\0\x10', /SQLite/],
    ['a zip archive', 'PK\x03\x04\x14', /zip/],
    ['a tar archive', `shop.sql${'\0'.repeat(249)}ustar\0`, /tar/],
    ['a twice packed dump', '\x1f\x8b\x08\x00', /archive inside/],
    ['XML', '<?xml version="1.0"?>', /XML/],
    ['a program', '\x7fELF\x02\0\0', /binary/],
  ] as const) {
    it(`is refused: ${what}`, () => assert.match(whyNoDump(head) ?? '', why));
  }

  it('is not SQL of any kind', () => {
    for (const head of [
      '-- MySQL dump 10.13',
      '\xef\xbb\xbfselect 1',
      '#\n',
      "insert into t values ('\xff\xfe')",
    ])
      assert.equal(whyNoDump(head), undefined);
  });
});

describe('an incomplete dump', () => {
  const notes = 'SET @OLD_SQL_NOTES=@@SQL_NOTES, SQL_NOTES=0;\n';
  const verbosity = '/*M!100616 SET @OLD_NOTE_VERBOSITY=@@NOTE_VERBOSITY, NOTE_VERBOSITY=0 */;\n';
  const start = '-- phpMyAdmin SQL Dump\nSTART TRANSACTION;\n';
  const head = '-- MySQL dump 10.13  Distrib 5.7.44\n';

  for (const [tool, whole, ending] of [
    ['mysqldump', head, '-- Dump completed on 2024-01-01  1:00:00\n'],
    ['mysqldump --skip-dump-date', head, '-- Dump completed\n'],
    ['mariadb-dump', '/*!999999\\- x */\n-- MariaDB dump 10.19-11.8.3\n', '-- Dump completed on 2024\n'],
    ['mysqldump --skip-comments', notes, '/*!40111 SET SQL_NOTES=@OLD_SQL_NOTES */;\n'],
    ['mariadb-dump --skip-comments', verbosity, '/*M!100616 SET NOTE_VERBOSITY=@OLD_NOTE_VERBOSITY */;\n'],
    ['HeidiSQL', notes, '/*!40111 SET SQL_NOTES=IFNULL(@OLD_SQL_NOTES, 1) */;\n'],
    ['phpMyAdmin', start, 'COMMIT;\n\n/*!40101 SET … */;\n'],
  ] as const) {
    it(`of ${tool} lacks its last lines`, () => {
      assert.match(whyIncomplete(whole, whole) ?? '', /truncated/);
      assert.equal(whyIncomplete(whole, `${whole}…\n${ending}`), undefined);
    });
  }

  it('is not known of tools that write no last line', () => {
    for (const text of ['create table t (a int)', '-- MySQL dump 9.11\n', '-- MySQL dump 10.9\n'])
      assert.equal(whyIncomplete(text, text), undefined);
  });
});
