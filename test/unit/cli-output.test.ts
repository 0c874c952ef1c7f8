import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { ReportedError } from '../../daemon/cli/client.ts';
import { madeUpName } from '../../daemon/cli/new.ts';
import { Output, columns } from '../../daemon/cli/output.ts';
import { duration, relative, size } from '../../daemon/cli/units.ts';
import { errors } from '../../daemon/errors/errors.ts';
import { isName } from '../../daemon/names.ts';

function record(env: NodeJS.ProcessEnv = {}) {
  const stdout = new PassThrough({ encoding: 'utf8' });
  const stderr = new PassThrough({ encoding: 'utf8' });
  const read = (stream: PassThrough) => (stream.read() as string | null) ?? '';
  return { output: new Output(stdout, stderr, env), stdout: () => read(stdout), stderr: () => read(stderr) };
}

describe('output of the command line', () => {
  it('aligns columns by what is seen, not by what colours them', () => {
    assert.deepEqual(
      columns([
        ['a', 'b'],
        ['\x1b[32mlong\x1b[39m', 'c'],
      ]),
      ['a     b', '\x1b[32mlong\x1b[39m  c'],
    );
  });

  it('has no colours where it is not a terminal', () => {
    const { output, stdout } = record();
    output.table(['NAME'], [[output.style('green', 'ready')]]);
    assert.equal(stdout(), 'NAME\nready\n');
  });

  it('tells an error of the API in three lines: what, what to do, which request', () => {
    const { output, stdout, stderr } = record();
    output.error(
      new ReportedError(404, {
        code: 'MYAAS_X',
        message: 'No such thing.',
        hint: 'Make one.',
        requestId: 'r-1',
      }),
    );
    assert.equal(stderr(), 'myaas: No such thing.\n  hint: Make one.\n  request: r-1\n');
    assert.equal(stdout(), '');
  });

  it('tells it as the API does when JSON was asked for', () => {
    const { output, stderr } = record();
    const error = { code: 'MYAAS_X', message: 'No.', hint: 'Yes.', requestId: 'r-1' };
    output.error(new ReportedError(404, error), true);
    assert.deepEqual(JSON.parse(stderr()), { error });
  });

  it('shows stack traces only when MYAAS_DEBUG is set', () => {
    const quiet = record();
    quiet.output.error(errors.notLoggedIn());
    assert.doesNotMatch(quiet.stderr(), /\.ts:\d/);
    const debugging = record({ MYAAS_DEBUG: '1' });
    debugging.output.error(errors.notLoggedIn());
    assert.match(debugging.stderr(), /\.ts:\d/);
  });

  it('does not let a quoted dump command the terminal', () => {
    const { output, stderr } = record();
    output.error(errors.dumpBad('x.sql', '\x1b[2Jgotcha'));
    assert.ok(!stderr().includes('\x1b'));
  });

  it('goes on in silence when its reader has left, but fails when it cannot be written', () => {
    const { output } = record();
    output.stdout.emit('error', Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));
    output.check();
    output.stdout.emit('error', Object.assign(new Error('disk full'), { code: 'ENOSPC' }));
    assert.throws(() => output.check(), /disk full/);
  });
});

describe('times and sizes for people', () => {
  it('are coarse', () => {
    assert.deepEqual([0, 45, 100, 3600 * 8, 86_400 * 3].map(duration), [
      '0 s',
      '45 s',
      '2 min',
      '8 h',
      '3 d',
    ]);
    assert.deepEqual([0, 812, 999.9, 1_449_000, 42e9, 999_999].map(size), [
      '0 B',
      '812 B',
      '1.0 kB',
      '1.4 MB',
      '42 GB',
      '1.0 MB',
    ]);
  });

  it('say on which side of now a moment is', () => {
    const now = Date.parse('2026-01-01T00:00:00Z');
    assert.equal(relative('2026-01-03T00:00:00Z', now), 'in 2 d');
    assert.equal(relative('2025-12-31T23:57:00Z', now), '3 min ago');
  });
});

describe('made-up names', () => {
  it('are valid names of three syllables', () => {
    for (let count = 0; count < 100; count++) {
      const name = madeUpName();
      assert.match(name, /^([a-z][aeiou]){3}$/);
      assert.ok(isName('instance', name));
    }
  });
});
