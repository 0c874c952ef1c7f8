import assert from 'node:assert/strict';
import fc from 'fast-check';
import { MyaasError } from '../../daemon/errors/error.ts';
import { checkName, isName } from '../../daemon/names.ts';

describe('names', () => {
  it('are letters, digits, "_" and "-", and begin with a letter or digit', () => {
    for (const name of ['a', '7', 'shop', 'Shop_2', 'a-b', 'a--b', 'constructor', 'x'.repeat(63)]) {
      for (const kind of ['template', 'instance', 'user'] as const) assert.equal(checkName(kind, name), name);
    }
  });

  it('of instances may have dots, as branches have; of templates not, since hooks are named by them', () => {
    assert.ok(isName('instance', 'release-1.2'));
    assert.ok(!isName('template', 'shop.after-import'));
    assert.ok(!isName('user', 'a.b'));
  });

  const bad = [
    '',
    '.',
    '..',
    '../x',
    'a/b',
    'a\\b',
    ' a',
    'a b',
    'a\n',
    '\0',
    'a\0b',
    "a'b",
    'a"b',
    'a`b',
    'a;drop table x',
    '$(id)',
    '-rf',
    '_a',
    '__proto__',
    'é',
    'магазин',
    '店',
    '😀',
    'ａ',
    'a\u202eb',
    '%2e%2e',
    'a,b',
    'a:b',
    'x'.repeat(64),
    'x'.repeat(300),
  ];
  for (const name of bad) {
    it(`cannot be ${JSON.stringify(name).slice(0, 40)}`, () => {
      for (const kind of ['template', 'instance', 'user'] as const) {
        assert.throws(
          () => checkName(kind, name),
          (error) => {
            assert.ok(error instanceof MyaasError);
            assert.deepEqual([error.code, error.status], ['MYAAS_BAD_NAME', 400]);
            assert.ok(error.message.includes(kind) && error.message.length < 300);
            return true;
          },
        );
      }
    });
  }

  it('never need quoting in a path, a URL, SQL or a shell', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[a-z][\w.%~ '/-]{0,4}$/)), (name) => {
        for (const kind of ['template', 'instance', 'user'] as const) {
          if (!isName(kind, name)) continue;
          assert.equal(encodeURIComponent(name), name);
          assert.ok(name !== '.' && name !== '..' && Buffer.byteLength(name) === name.length);
        }
      }),
    );
  });
});
