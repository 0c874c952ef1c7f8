import assert from 'node:assert/strict';
import { parseEnv } from 'node:util';
import fc from 'fast-check';
import { editDotenv, quoteForShell } from '../../daemon/cli/dotenv.ts';

const values = { DB_HOST: '127.0.0.1', DB_PORT: '23001', DATABASE_URL: 'mysql://u:p@127.0.0.1:23001/shop' };

function edited(text: string, changes: Record<string, string> = values): string {
  const result = editDotenv(Buffer.from(text), changes);
  assert.ok(result, `${JSON.stringify(text)} could not be edited`);
  return result.toString();
}

describe('the .env editor', () => {
  it('writes all keys into an empty file', () => {
    assert.equal(
      edited(''),
      'DB_HOST=127.0.0.1\nDB_PORT=23001\nDATABASE_URL=mysql://u:p@127.0.0.1:23001/shop\n',
    );
  });

  it('changes a value where it stands and leaves comments, order, blanks and other keys alone', () => {
    const text =
      '# local settings\n\nAPP_KEY=base64:xyz==\n  DB_HOST = localhost   # the database\nDB_PORT="3306"\n\n# end';
    assert.equal(
      edited(text, { DB_HOST: '127.0.0.1', DB_PORT: '23001' }),
      '# local settings\n\nAPP_KEY=base64:xyz==\n  DB_HOST = 127.0.0.1   # the database\nDB_PORT=23001\n\n# end',
    );
  });

  it('does not touch a key that is commented out or only begins like ours', () => {
    const text = '#DB_HOST=a\nDB_HOST_READ=b\nXDB_HOST=c\n';
    assert.equal(edited(text, { DB_HOST: 'new' }), `${text}DB_HOST=new\n`);
  });

  it('does not take a line inside a multi-line value for an assignment', () => {
    const text = 'KEY="-----BEGIN\nDB_HOST=no\nEND"\nDB_HOST=old\n';
    assert.equal(edited(text, { DB_HOST: 'new' }), 'KEY="-----BEGIN\nDB_HOST=no\nEND"\nDB_HOST=new\n');
  });

  it('replaces a value of several lines as a whole', () => {
    assert.equal(edited("DB_HOST='a\nb' # c\nZ=1\n", { DB_HOST: 'new' }), 'DB_HOST=new # c\nZ=1\n');
  });

  it('changes every duplicate, so that first-wins and last-wins readers agree', () => {
    assert.equal(edited('DB_HOST=a\nexport DB_HOST=b\n', { DB_HOST: 'c' }), 'DB_HOST=c\nexport DB_HOST=c\n');
  });

  it('keeps CRLF line ends and uses them for what it adds', () => {
    assert.equal(
      edited('A=1\r\nDB_HOST=x\r\n', { DB_HOST: 'y', DB_PORT: '1' }),
      'A=1\r\nDB_HOST=y\r\nDB_PORT=1\r\n',
    );
  });

  it('keeps a byte order mark, also before one of our keys', () => {
    assert.equal(edited('\ufeffDB_HOST=x\n', { DB_HOST: 'y' }), '\ufeffDB_HOST=y\n');
    assert.equal(edited('\ufeff', { DB_HOST: 'y' }), '\ufeffDB_HOST=y\n');
  });

  it('keeps bytes that are not UTF-8', () => {
    const latin1 = Buffer.from('NAME=caf\xe9\nDB_HOST=x\n', 'latin1');
    assert.deepEqual(
      editDotenv(latin1, { DB_HOST: 'y' }),
      Buffer.from('NAME=caf\xe9\nDB_HOST=y\n', 'latin1'),
    );
  });

  it('ends a last line without a line end before it adds one', () => {
    assert.equal(edited('A=1', { DB_HOST: 'x' }), 'A=1\nDB_HOST=x\n');
  });

  it('leaves a missing final line end missing where it only changes values', () => {
    assert.equal(edited('DB_HOST=a', { DB_HOST: 'b' }), 'DB_HOST=b');
  });

  it('fills in an empty value before its comment', () => {
    assert.equal(edited('DB_HOST= # where\n', { DB_HOST: 'x' }), 'DB_HOST=x # where\n');
    assert.equal(edited('DB_HOST=#where\n', { DB_HOST: 'x' }), 'DB_HOST=x #where\n');
  });

  it('quotes what would be read as something else', () => {
    const awkward = { A: 'two words', B: "it's", C: '# no comment', D: '$HOME', E: 'say "hi"', F: '' };
    assert.deepEqual({ ...parseEnv(edited('', awkward)) }, awkward);
  });

  it('gives up rather than write a value that cannot be read back', () => {
    assert.equal(editDotenv(Buffer.from(''), { A: `all three: ' " \`` }), undefined);
  });

  it('changes nothing when all values are there already', () => {
    const once = edited('A=1\n# x\n');
    assert.equal(edited(once), once);
  });

  const line = fc.oneof(
    fc.constantFrom(
      '',
      '# note',
      '#DB_HOST=1',
      'DB_HOST=old',
      'export DB_PORT=1',
      "DB_PORT = '1' # c",
      'no assignment',
    ),
    fc
      .tuple(
        fc.constantFrom('A', 'B_C', 'DB_HOSTS'),
        fc.constantFrom('x', '"a b"', "'#'", '', 'a#b', 'x y # z'),
      )
      .map(([key, value]) => `${key}=${value}`),
    fc.string({ maxLength: 12 }).map((text) => `# ${text.replaceAll(/[\r\n]/g, '')}`),
  );

  it('keeps every line that is not ours and sets ours, whatever the file', () => {
    fc.assert(
      fc.property(fc.array(line), fc.constantFrom('\n', '\r\n'), fc.boolean(), (lines, end, last) => {
        const text = lines.join(end) + (last ? end : '');
        const result = edited(text);
        const ours = /^\s*(export )?(DB_HOST|DB_PORT|DATABASE_URL)\s*=/;
        const others = (all: string) => all.split(/\r?\n/).filter((one) => one !== '' && !ours.test(one));
        assert.deepEqual(others(result), others(text));
        const read = parseEnv(result);
        for (const [key, value] of Object.entries(values)) assert.equal(read[key], value);
      }),
    );
  });
});

describe('shell quoting', () => {
  it('leaves plain values bare and quotes all others', () => {
    assert.equal(quoteForShell('mysql://u:p@127.0.0.1:23001/shop'), 'mysql://u:p@127.0.0.1:23001/shop');
    assert.equal(quoteForShell('~'), "'~'");
    assert.equal(quoteForShell("it's $HOME"), `'it'\\''s $HOME'`);
  });
});
