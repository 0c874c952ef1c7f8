import assert from 'node:assert/strict';
import { ScriptLexer } from '../../daemon/engines/postgres-lexer.ts';

/** What a script is split into, fed in pieces of `pieceBytes`. */
function split(script: string, pieceBytes = script.length) {
  const statements: string[] = [];
  const commands: string[] = [];
  const lexer = new ScriptLexer({
    statement: (text) => {
      statements.push(text);
      if (text.startsWith('DROP')) return 'blank';
      return text.startsWith('create role') ? { replace: 'create', by: 'alter' } : 'pass';
    },
    command: (text, line) => {
      commands.push(`${String(line)} ${text}`);
      return text.startsWith('\\restrict') ? 'blank' : 'pass';
    },
  });
  const bytes = Buffer.from(script, 'latin1');
  const out: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += Math.max(pieceBytes, 1))
    out.push(Buffer.from(lexer.push(bytes.subarray(at, at + Math.max(pieceBytes, 1)))));
  out.push(Buffer.from(lexer.end()));
  return { statements, commands, open: lexer.open, out: Buffer.concat(out).toString('latin1') };
}

const script = String.raw`-- a comment; with \! and 'quotes
/* another /* nested */ \! ; */
SELECT 'it''s; \! here', "a""b;\!" FROM t;
SELECT E'escaped \' \! ;', $$dollar; \! ' $$, $tag$ $$ ; \! $tag$, a$b$c;
COPY public.t (a, "b;") FROM stdin;
1\tdata with ' and " and $$ and \\. and ; \! x
\\.
\.x

\.
SELECT $1 - 2 / 3 * -1;
\connect shop
COPY empty FROM STDIN;
\.
SET standard_conforming_strings = off;
SELECT 'escaped \' \! ;';
SELECT 1`;

describe('The lexer of scripts for psql', () => {
  it('splits where psql does', () => {
    const { statements, commands, open, out } = split(script);
    assert.equal(out, script);
    assert.equal(open, undefined);
    assert.deepEqual(commands, ['12 \\connect shop']);
    assert.deepEqual(
      statements.map((text) => text.split(' ').slice(0, 2).join(' ')),
      [
        "SELECT 'it''s;",
        "SELECT E'escaped",
        'COPY public.t',
        'SELECT $1',
        'COPY empty',
        'SET standard_conforming_strings',
        "SELECT 'escaped",
        'SELECT 1',
      ],
    );
  });

  it('comes to the same however the script is cut into pieces', () => {
    const whole = split(script);
    for (let pieceBytes = 1; pieceBytes < script.length; pieceBytes++)
      assert.deepEqual(split(script, pieceBytes), whole, `in pieces of ${String(pieceBytes)}`);
  });

  it('finds commands wherever psql would run them', () => {
    const hostile = [
      'select 1 \\! id',
      "select 'a' \\g |id",
      "select E'\\\\' \\! id",
      '/* */ \\! id',
      'select $a$ $b$ $a$ \\! id',
    ];
    for (const text of hostile) assert.equal(split(`${text}\n`).commands.length, 1, text);
    assert.deepEqual(split('COPY t FROM stdin; \\! id\n1\n\\.\n').commands, ['1 \\! id']);
  });

  it('blanks and replaces, and leaves lines and lengths as they were', () => {
    const changed = 'SELECT 1;\nDROP\nROLE x;\n\\restrict abc\n-- c\ncreate role y;\n';
    for (const pieceBytes of [1, 7, 1000]) {
      const { out } = split(changed, pieceBytes);
      assert.equal(out, 'SELECT 1;\n    \n       \n             \n-- c\nalter  role y;\n');
    }
  });

  it('tells what has no end', () => {
    assert.match(split('COPY t FROM stdin;\n1\n2\n').open ?? '', /COPY/);
    assert.match(split("SELECT 'abc").open ?? '', /string/);
    assert.match(split('SELECT $$abc').open ?? '', /string/);
    assert.match(split('/* abc').open ?? '', /comment/);
    assert.equal(split('SELECT 1; -- abc').open, undefined);
  });

  it('passes on what is longer than it looks at', () => {
    const long = `INSERT INTO t VALUES ('${'x'.repeat(100_000)}');\n\\connect y\n`;
    const { out, commands, statements } = split(long, 8192);
    assert.equal(out, long);
    assert.deepEqual(commands, ['2 \\connect y']);
    assert.match(statements[0] ?? '', /^INSERT INTO t .*'\);$/);
  });
});
