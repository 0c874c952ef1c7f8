import assert from 'node:assert/strict';
import { isDeepStrictEqual, parseEnv } from 'node:util';
import { parse as parseDotenv } from 'dotenv';
import fc from 'fast-check';
import { decodeText, encodeText } from '../../extension/env/encoding.ts';
import { readValues, removeValues, setValues } from '../../extension/env/editor.ts';
import { quoteForShell, quoteValue } from '../../extension/env/quoting.ts';
import { fuzzRuns } from '../support/fuzz-runs.ts';
import { readBySh } from './env-shell.ts';

const values = { DB_HOST: '127.0.0.1', DB_PORT: '23001', DATABASE_URL: 'mysql://u:p@127.0.0.1:23001/shop' };
const ourKeys = Object.keys(values);

describe('the .env editor', () => {
  it('writes all keys into an empty file', () => {
    assert.equal(
      setValues('', values),
      'DB_HOST=127.0.0.1\nDB_PORT=23001\nDATABASE_URL=mysql://u:p@127.0.0.1:23001/shop\n',
    );
  });

  it('changes a value where it stands and leaves comments, order, blanks and other keys alone', () => {
    const text =
      '# local settings\n\nAPP_KEY=base64:xyz==\n  DB_HOST=localhost   # the database\nDB_PORT="3306"\n\n# end';
    assert.equal(
      setValues(text, { DB_HOST: '127.0.0.1', DB_PORT: '23001' }),
      '# local settings\n\nAPP_KEY=base64:xyz==\n  DB_HOST=127.0.0.1   # the database\nDB_PORT="23001"\n\n# end',
    );
  });

  it('writes an assignment so that sh understands it, which wants no blanks around "="', () => {
    assert.equal(setValues('DB_HOST = old # c\n', { DB_HOST: 'new' }), 'DB_HOST=new # c\n');
  });

  it('takes blanks away that only dotenv knows, so that Node and sh do not take them for a part of the value', () => {
    assert.equal(setValues('DB_PORT=``\u00a0\u2028\n', { DB_PORT: '1' }), 'DB_PORT=1\n');
    assert.equal(setValues('DB_PORT=old \u00a0 # c\n', { DB_PORT: '1' }), 'DB_PORT=1  # c\n');
  });

  it('writes an export so that Node understands it, which wants a space after it', () => {
    assert.equal(setValues('export\tDB_HOST=old\n', { DB_HOST: 'new' }), 'export DB_HOST=new\n');
    assert.equal(setValues('export  DB_HOST=old\n', { DB_HOST: 'new' }), 'export  DB_HOST=new\n');
  });

  it('does not touch a key that is commented out or only begins like ours', () => {
    const text = '#DB_HOST=a\nDB_HOST_READ=b\nXDB_HOST=c\nDB_HOST.x=d\nDB_HOST-y=e\n';
    assert.equal(setValues(text, { DB_HOST: 'new' }), `${text}DB_HOST=new\n`);
  });

  it('does not take a line inside a multi-line value for an assignment', () => {
    const text = 'KEY="-----BEGIN\nDB_HOST=no\nEND"\nDB_HOST=old\n';
    assert.equal(setValues(text, { DB_HOST: 'new' }), 'KEY="-----BEGIN\nDB_HOST=no\nEND"\nDB_HOST=new\n');
  });

  it('replaces a value of several lines as a whole', () => {
    assert.equal(setValues("DB_HOST='a\nb' # c\nZ=1\n", { DB_HOST: 'new' }), "DB_HOST='new' # c\nZ=1\n");
  });

  it('keeps the style of quotes where it can hold the value', () => {
    assert.equal(setValues('A="x"\n', { A: "it's" }), 'A="it\'s"\n');
    assert.equal(setValues('A="x"\n', { A: '$HOME' }), "A='$HOME'\n");
    assert.equal(setValues("A=''\n", { A: 'x' }), "A='x'\n");
    assert.equal(setValues('A=`x`\n', { A: 'y' }), 'A=y\n');
  });

  it('changes every duplicate, so that first-wins and last-wins readers agree', () => {
    assert.equal(
      setValues('DB_HOST=a\nexport DB_HOST=b\n', { DB_HOST: 'c' }),
      'DB_HOST=c\nexport DB_HOST=c\n',
    );
  });

  it('makes an assignment of "KEY: value", which dotenv reads too', () => {
    assert.equal(setValues('DB_HOST=a\nDB_HOST: b\n', { DB_HOST: 'c' }), 'DB_HOST=c\nDB_HOST=c\n');
  });

  it('keeps CRLF line ends and uses them for what it adds', () => {
    assert.equal(
      setValues('A=1\r\nDB_HOST=x\r\n', { DB_HOST: 'y', DB_PORT: '1' }),
      'A=1\r\nDB_HOST=y\r\nDB_PORT=1\r\n',
    );
  });

  it('keeps bytes that are not UTF-8, and can write beside them what is', () => {
    const bytes = Buffer.from('NAME=caf\xe9 \xc3\xa9 \xed\xa0\x80\nDB_HOST=x\n', 'latin1');
    const edited = encodeText(setValues(decodeText(bytes), { DB_HOST: '\u{1f418}' }));
    assert.equal(
      edited.toString('latin1'),
      "NAME=caf\xe9 \xc3\xa9 \xed\xa0\x80\nDB_HOST='\xf0\x9f\x90\x98'\n",
    );
  });

  it('keeps a byte order mark, on a line of its own where it would be part of our key to Node and sh', () => {
    assert.equal(setValues('\ufeff# x\nDB_HOST=x\n', { DB_HOST: 'y' }), '\ufeff# x\nDB_HOST=y\n');
    assert.equal(setValues('\ufeffDB_HOST=x\n', { DB_HOST: 'y' }), '\ufeff\nDB_HOST=y\n');
    assert.equal(setValues('\ufeff', { DB_HOST: 'y' }), '\ufeff\nDB_HOST=y\n');
  });

  it('ends a last line without a line end before it adds one', () => {
    assert.equal(setValues('A=1', { DB_HOST: 'x' }), 'A=1\nDB_HOST=x\n');
  });

  it('leaves a missing final line end missing where it only changes values', () => {
    assert.equal(setValues('DB_HOST=a', { DB_HOST: 'b' }), 'DB_HOST=b');
  });

  it('fills in an empty value before its comment', () => {
    assert.equal(setValues('DB_HOST= # where\n', { DB_HOST: 'x' }), 'DB_HOST=x # where\n');
    assert.equal(setValues('DB_HOST=#where\n', { DB_HOST: 'x' }), 'DB_HOST=x #where\n');
  });

  it('puts a comment between what would run on into the next line, and what it adds', () => {
    assert.equal(setValues('A= \n', { DB_HOST: 'x' }), 'A= \n#\nDB_HOST=x\n');
    assert.equal(setValues('A=C:\\x\\\n', { DB_HOST: 'x' }), 'A=C:\\x\\\n#\nDB_HOST=x\n');
  });

  it('refuses a file in which readers would find another value, and names whom and what', () => {
    assert.throws(() => setValues('A="not closed\nDB_HOST=old\nB="x"\n', { DB_HOST: 'new' }), {
      code: 'MYAAS_ENV_AMBIGUOUS',
      message: /util\.parseEnv would misread DB_HOST, A\./,
    });
    assert.throws(() => setValues('A= \nDB_HOST=old\n', { DB_HOST: 'new' }), { code: 'MYAAS_ENV_AMBIGUOUS' });
  });

  it('shows no value of a broken file in its error', () => {
    const broken = 'A="not closed\nDB_HOST=old\nsecret word=B="x"\n';
    assert.throws(
      () => setValues(broken, { DB_HOST: 'new', DB_PASSWORD: 'hunter2' }),
      (error: Error) => !/hunter2|secret/.test(error.message),
    );
  });

  it('writes a backslash before a closing quote only where dotenv does not take both for an escaped quote', () => {
    assert.equal(setValues('', { A: 'C:\\' }), "A='C:\\'\n");
    assert.throws(() => setValues("A=1\nB='\nx'\n", { A: 'C:\\' }), { code: 'MYAAS_ENV_AMBIGUOUS' });
  });

  it('refuses names that sh does not know as such', () => {
    for (const key of ['1A', 'A-B', 'A.B', '', 'A B', 'Ä']) {
      assert.throws(() => setValues('', { [key]: 'x' }), { code: 'MYAAS_ENV_BAD_KEY' }, key);
    }
  });

  it('removes the assignments that still have our value, and only those', () => {
    const text = "# db\nDB_HOST='127.0.0.1' # here\nDB_PORT=3306\nA=1\nexport DB_PORT=23001\n";
    assert.equal(removeValues(text, values), '# db\nDB_PORT=3306\nA=1\n');
  });

  it('reads values as dotenv does', () => {
    assert.deepEqual(
      [...readValues('A="x\\ny" # z\nexport B=2')],
      [
        ['A', 'x\ny'],
        ['B', '2'],
      ],
    );
  });
});

/** A piece of a file: not ours, or an assignment of ours in its parts. */
type Part =
  string | { readonly before: string; readonly key: string; readonly old: string; readonly after: string };

const textOf = (parts: readonly Part[]) =>
  parts
    .map((part) => (typeof part === 'string' ? part : part.before + part.key + part.old + part.after))
    .join('');

const lineEnds = fc.constantFrom('\n', '\n', '\r\n');
const comments = fc.constantFrom('', '', ' # note', '\t# a=b "c" \'d', ' #', '   ', ' # \u{1f418} café #2');
const foreignValues = fc.constantFrom(
  ...[
    '',
    'x',
    'a=b=c',
    '"a b"',
    "'#no comment'",
    '"say \'hi\'"',
    '"two\nlines"',
    "'three\n\n# no\nDB_HOST=no\n'",
  ],
  ...[
    '`back`',
    '"a\\nb"',
    "it's",
    'x y z',
    'ünï\u{1f418}',
    '$HOME/${X}',
    '""',
    '"\\"esc\\""',
    'C:\\dir',
    "'\"'",
    '*',
  ],
);
const foreign = fc.oneof(
  fc
    .tuple(
      fc.constantFrom('', '', '  ', '\t', 'export ', 'export  '),
      fc.constantFrom('A', 'B_C', 'DB_HOSTS', 'XDB_HOST', 'db_host', 'DB_HOST.x'),
      fc.constantFrom('=', '=', ' = ', '= '),
      foreignValues,
      comments,
      lineEnds,
    )
    // "A= " and blanks before a line end: another test.
    .map(
      ([before, key, equals, value, comment, end]) =>
        before + key + (value === '' ? `=${comment.trimEnd()}` : equals + value + comment) + end,
    ),
  fc
    .tuple(
      fc.constantFrom('# ', '#', '  # ', '#DB_HOST=x # '),
      fc.string({ unit: 'grapheme', maxLength: 12 }),
      lineEnds,
    )
    // What ends with a backslash gets a comment behind it: another test.
    .map(([start, text, end]) => start + text.replaceAll(/[\r\n"'`=\\\u2028\u2029]/g, '') + end),
  fc.constantFrom('\n', '\r\n', '  \n', 'no assignment\n', '\u{1f418}\n'),
);
const ours = fc.record({
  before: fc.constantFrom('', '', '  ', '\t', 'export ', '  export  '),
  key: fc.constantFrom(...ourKeys),
  old: fc
    .tuple(
      fc.constantFrom('=', '=', ' = ', '= '),
      fc.constantFrom(
        'old',
        '"old"',
        "'old'",
        '`old`',
        'two words',
        '"a\nDB_PORT=1\nb"',
        "'#'",
        "it's",
        '"x\\"y"',
      ),
    )
    .map(([equals, value]) => equals + value),
  after: fc.tuple(comments, lineEnds).map(([comment, end]) => comment + end),
});
const files = fc
  .tuple(
    fc.boolean(),
    fc.array(fc.oneof({ weight: 2, arbitrary: foreign }, ours), { maxLength: 8 }),
    fc.boolean(),
  )
  .map(([mark, parts, ended]): readonly Part[] => {
    const all: Part[] = [...(mark ? ['\ufeff'] : []), ...parts];
    const last = all.at(-1);
    if (ended || last === undefined) return all;
    const bare =
      typeof last === 'string' ? last.replace(/\r?\n$/, '') : { ...last, after: last.after.trimEnd() };
    return [...all.slice(0, -1), bare];
  });

/** Anything at all: what a cat on the keyboard writes. */
const rubbish = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        ...'=#"\'`\\:$ \t\n\r'.split(''),
        '\r\n',
        '\n',
        'export ',
        '\ufeff',
        '\u00a0',
        '\u2028',
      ),
      fc.constantFrom('A', 'DB_HOST', 'DB_PORT=', 'DATABASE_URL="', 'B=x\n', "C='", '\nDB_HOST=old\n'),
      fc.string({ unit: 'binary', maxLength: 3 }),
    ),
    { maxLength: 20 },
  )
  .map((pieces) => pieces.join(''));

const writable = fc
  .array(
    fc.oneof(
      fc.constantFrom(...'\'"$\\#=~!&;|<>(){}[]*? \t\n@:/%+,.-_^`'.split('')),
      fc.constantFrom(
        'a',
        'n',
        'r',
        '\\n',
        'é',
        '\u{1f418}',
        '\u2028',
        '\u00a0',
        'export ',
        '$(id)',
        '# x',
        'A=b',
      ),
    ),
    { maxLength: 12 },
  )
  .map((pieces) => pieces.join(''))
  // A backslash before the closing quote is another test: what it means to dotenv hangs on what follows.
  .filter((value) => isWritable(value) && !value.endsWith('\\'));

function isWritable(value: string): boolean {
  try {
    quoteValue('KEY', value);
    return true;
  } catch {
    return false;
  }
}

const someValues = fc.record(
  { DB_HOST: writable, DB_PORT: writable, DATABASE_URL: writable },
  { noNullPrototype: true },
);
const runs = fuzzRuns(1000);

/** What is read but our keys, also as Node reads them after a byte order mark or blanks it does not know. */
function without(read: NodeJS.Dict<string>): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(read).filter(([key]) => !/^\s*(?:export\s+)?(?:DB_HOST|DB_PORT|DATABASE_URL)$/.test(key)),
  );
}

/**
 * The text up to each of its line ends, and with more lines after it; each line alone, for where two readers see one
 * value by chance, as in "A=" before "=A=", which is an assignment to Node only.
 */
function excerptsOf(text: string): readonly string[] {
  const lines = text.split(/(?<=\n)/);
  return [...lines.map((_, index) => lines.slice(0, index).join('')), ...lines, text, `${text}\n#\nZ=1`];
}

function isReadDifferently(text: string): boolean {
  return !isDeepStrictEqual({ ...parseEnv(text) }, { ...parseDotenv(text) });
}

describe('the .env editor, whatever the file', () => {
  it('changes no byte that is not ours', () => {
    fc.assert(
      fc.property(files, someValues, (parts, wanted) => {
        const result = setValues(textOf(parts), wanted);
        let rest = result;
        for (const [index, part] of parts.entries()) {
          if (typeof part === 'string') {
            assert.ok(rest.startsWith(part), `${JSON.stringify(part)} is not at ${JSON.stringify(rest)}`);
            rest = rest.slice(part.length);
            continue;
          }
          // A byte order mark gets a line of its own; "#" after a value gets a space before it.
          if (index > 0 && parts[index - 1] === '\ufeff') rest = rest.replace(/^\r?\n/, '');
          const start = `${part.before}${part.key}=`;
          assert.ok(rest.startsWith(start), `${JSON.stringify(start)} is not at ${JSON.stringify(rest)}`);
          rest = rest.slice(start.length);
          const value = [`'`, `"`, ''].map(
            (quote) => quote + wanted[part.key as keyof typeof wanted] + quote,
          );
          const written = value.find((one) => rest.startsWith(one + part.after));
          assert.ok(written !== undefined, `no value at ${JSON.stringify(rest)}`);
          rest = rest.slice(written.length + part.after.length);
        }
        const present = new Set(parts.flatMap((part) => (typeof part === 'string' ? [] : [part.key])));
        const missing = ourKeys.filter((key) => !present.has(key));
        if (missing.length === 0) assert.equal(rest, '');
        assert.deepEqual(Object.keys(parseEnv(rest)).sort(), missing.sort());
      }),
      runs,
    );
  });

  it('makes Node and dotenv read exactly what was written, and everything else as before', () => {
    fc.assert(
      fc.property(files, someValues, (parts, wanted) => {
        const text = textOf(parts);
        const result = setValues(text, wanted);
        for (const read of [parseEnv, parseDotenv]) {
          const is = read(result);
          assert.deepEqual(Object.fromEntries(ourKeys.map((key) => [key, is[key]])), wanted);
          assert.deepEqual(without(is), without(read(text)));
        }
      }),
      runs,
    );
  });

  it('does nothing the second time', () => {
    fc.assert(
      fc.property(files, someValues, (parts, wanted) => {
        const once = setValues(textOf(parts), wanted);
        assert.equal(setValues(once, wanted), once);
      }),
      runs,
    );
  });

  it('takes away what it wrote: our keys are gone, the rest is as it was', () => {
    fc.assert(
      fc.property(files, someValues, (parts, wanted) => {
        const text = textOf(parts);
        const result = removeValues(setValues(text, wanted), wanted);
        for (const read of [parseEnv, parseDotenv])
          assert.deepEqual({ ...read(result) }, without(read(text)));
      }),
      runs,
    );
  });

  it('gives back the very file where it only added', () => {
    fc.assert(
      fc.property(fc.array(foreign, { maxLength: 8 }), someValues, (lines, wanted) => {
        const text = lines.join('');
        assert.equal(removeValues(setValues(text, wanted), wanted), text);
      }),
      runs,
    );
  });

  it('refuses no file that readers agree on, and damages none', () => {
    const { numRuns } = fuzzRuns(5000);
    let refused = 0;
    fc.assert(
      fc.property(rubbish, (text) => {
        const readings = [parseEnv, parseDotenv].map((read) => ({ ...read(text) }));
        let result;
        try {
          result = setValues(text, values);
        } catch (error) {
          refused++;
          assert.ok(error instanceof Error && 'code' in error && error.code === 'MYAAS_ENV_AMBIGUOUS');
          // Nobody ends lines so, and no two readers take these for the same.
          if (/\r(?!\n)|[\u2028\u2029]/.test(text)) return;
          assert.ok(excerptsOf(text).some(isReadDifferently), 'all of it is read alike');
          return;
        }
        for (const [index, read] of [parseEnv, parseDotenv].entries()) {
          assert.deepEqual(without(read(result)), without(readings[index] ?? {}));
          assert.deepEqual({ ...read(result), ...values }, { ...read(result) });
        }
        if (!/DB_HOST|DB_PORT|DATABASE_URL/.test(text)) assert.ok(result.startsWith(text));
      }),
      { numRuns },
    );
    assert.ok(refused < numRuns / 5, `${refused} of ${numRuns} were refused`);
  });
});

describe('what the .env editor writes, read by sh', function () {
  /** What sh reads without running anything or giving up. */
  const shLines = fc.constantFrom(
    ...[
      '# note "\n',
      '\n',
      "A='x y'\n",
      'export B="two\nDB_HOST=no\nlines"\n',
      '  C=1 # c\n',
      'F=it\\ is\n',
      'E=\n',
    ],
  );
  const shFiles = fc
    .array(
      fc.oneof(
        shLines,
        ours.map((part) => part.before + part.key + part.old + part.after.replace('\r', '')),
      ),
      { maxLength: 6 },
    )
    .map((lines) => lines.join(''));

  it('is exactly the values', async () => {
    const cases = fc.sample(fc.tuple(shFiles, someValues), 2000);
    const written = cases.map(([text, wanted]) => setValues(text, wanted));
    const read = await readBySh(written, ourKeys);
    for (const [index, [, wanted]] of cases.entries()) {
      assert.deepEqual(read[index], Object.values(wanted), JSON.stringify(written[index]));
    }
  });

  it('is refused exactly where no way of writing it reads the same to all three', async () => {
    const alphabet = '\'"$`\\#~ \nanr=;&*\r'.split('');
    const longer = fc.array(fc.constantFrom(...alphabet), { minLength: 3, maxLength: 6 });
    const texts = [
      ...alphabet.flatMap((first) => ['', ...alphabet].map((second) => first + second)),
      ...fc.sample(longer, 500).map((pieces) => pieces.join('')),
    ];
    const quotings = texts.flatMap((value) =>
      ['', "'", '"'].map((quote) => ({ value, raw: quote + value + quote })),
    );
    const bySh = await readBySh(
      quotings.map(({ raw }) => `KEY=${raw}\n`),
      ['KEY'],
    );
    const possible = new Set<string>();
    for (const [index, { value, raw }] of quotings.entries()) {
      const text = `KEY=${raw}\n`;
      const all = [parseEnv(text)['KEY'], parseDotenv(text)['KEY'], bySh[index]?.[0]];
      if (all.every((one) => one === value)) possible.add(value);
    }
    for (const value of texts) {
      // POSIX leaves open what sh makes of "$" in double quotes before most characters.
      const expected = possible.has(value) && !/'.*\$|\$.*'/s.test(value);
      assert.equal(isWritable(value), expected, JSON.stringify(value));
    }
  });
});

describe('values of .env files', () => {
  it('are refused with the reason, and without the value, when nothing can express them', () => {
    for (const value of [`it's "both"`, "it's $HOME", 'a\rb', 'a\0b', '\ud800', "'\\"]) {
      assert.throws(
        () => quoteValue('DB_PASSWORD', value),
        (error: Error & { code?: string }) =>
          error.code === 'MYAAS_ENV_BAD_VALUE' &&
          error.message.includes('DB_PASSWORD') &&
          !error.message.includes(value),
      );
    }
  });

  it('are quoted only when they need it', () => {
    assert.equal(
      quoteValue('A', 'mysql://u:p@127.0.0.1:23001/shop?a=b'),
      'mysql://u:p@127.0.0.1:23001/shop?a=b',
    );
    assert.equal(quoteValue('A', 'a&b'), "'a&b'");
    assert.equal(quoteValue('A', "it's"), `"it's"`);
  });
});

describe('bytes as text', () => {
  it('come back as they were, whatever they are', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.uint8Array({ maxLength: 4 }), fc.string({ unit: 'binary' }))),
        (parts) => {
          const bytes = Buffer.concat(parts.map((part) => Buffer.from(part as string)));
          assert.deepEqual(encodeText(decodeText(bytes)), bytes);
        },
      ),
      runs,
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
