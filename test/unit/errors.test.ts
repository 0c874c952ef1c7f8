import assert from 'node:assert/strict';
import { stat } from 'node:fs/promises';
import { hasErrno, messageOf } from '../../daemon/errors/error.ts';
import { errors } from '../../daemon/errors/errors.ts';
import { asMyaasError } from '../../daemon/plugins/errors.ts';

/** Every error there is. A list of texts does for an argument of any type: as a list, as text, as something thrown. */
const catalogue = Object.entries(errors).map(([name, make]) => {
  const argument = ['one', 'two'] as never;
  return [name, make(argument, argument, argument)] as const;
});

describe('the catalogue of errors', () => {
  it('gives each a code of its own', () => {
    const codes = catalogue.map(([, { code }]) => code);
    for (const code of codes) assert.match(code, /^MYAAS_[A-Z]+(_[A-Z]+)*$/);
    assert.deepEqual(codes, [...new Set(codes)]);
  });

  it('says of each what failed and what to do, and as which HTTP status', () => {
    for (const [name, error] of catalogue) {
      const [message, hint] = [JSON.stringify(error.message), JSON.stringify(error.hint)];
      assert.match(message, /\w/, name);
      assert.match(hint, /\w/, name);
      assert.ok(!message.includes('undefined') && !hint.includes('undefined'), name);
      assert.ok(error.status >= 400 && error.status < 600, name);
    }
  });

  it('keeps the cause, for the log', () => {
    const cause = new Error('the real reason');
    assert.equal(errors.internal(cause).cause, cause);
    assert.ok(!errors.internal(cause).message.includes('the real reason'));
  });

  it('quotes what a client sent on one line, shortened', () => {
    const { message } = errors.badName('instance', `a\nb\0${'x'.repeat(1000)}`);
    assert.ok(!/[\n\0]/.test(message) && message.length < 200);
  });
});

describe('whatever is thrown', () => {
  it('becomes an error of the catalogue, and one of ours when nobody foresaw it', () => {
    const ours = errors.jobNotFound('x');
    assert.equal(asMyaasError(ours), ours);
    const statusOf = (properties: object) =>
      asMyaasError(Object.assign(new Error('what'), properties)).status;
    assert.equal(statusOf({}), 500);
    assert.equal(statusOf({ statusCode: 500 }), 500);
    assert.equal(statusOf({ statusCode: 415 }), 415);
    assert.equal(statusOf({ validation: [] }), 400);
    assert.equal(statusOf({ code: 'ENOSPC' }), 507);
    assert.equal(statusOf({ code: 'EROFS' }), 503);
    assert.equal(statusOf({ code: 'FST_ERR_CTP_BODY_TOO_LARGE', statusCode: 413 }), 413);
    assert.equal(asMyaasError(new Error('secret path')).message.includes('secret path'), false);
  });

  it('has a message, and perhaps an error number of the system', async () => {
    assert.equal(messageOf(new Error('why')), 'why');
    assert.equal(messageOf('why'), 'why');
    assert.equal(messageOf({ why: 1 }), '{"why":1}');
    const missing: unknown = await stat('/no/such/file').catch((error: unknown) => error);
    assert.ok(hasErrno(missing, 'ENOENT') && !hasErrno(missing, 'EACCES') && !hasErrno('ENOENT', 'ENOENT'));
  });
});
