import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { Output } from '../../daemon/cli/output.ts';
import { progressView } from '../../daemon/cli/progress.ts';
import type { Job } from '../../daemon/contract/templates.ts';

function jobAt(phase: string, doneBytes: number, secondsLeft: number | null = null): Job {
  const progress = { phase, doneBytes, totalBytes: 1_000_000, secondsLeft };
  const running = {
    template: 'shop',
    dump: 'shop.sql',
    state: 'running',
    progress,
    error: null,
    version: null,
    seconds: null,
  } as const;
  return {
    id: 'j',
    state: 'running',
    startedAt: '2026-01-01T00:00:00Z',
    finishedAt: null,
    imports: [running],
  };
}

function record(terminal: { isTTY: boolean; columns?: number }) {
  const stderr = Object.assign(new PassThrough({ encoding: 'utf8' }), terminal);
  const view = progressView(new Output(new PassThrough(), stderr, {}));
  return { view, read: () => (stderr.read() as string | null) ?? '' };
}

describe('progress of an import', () => {
  it('is one plain line per phase and tenth, where it is not a terminal', () => {
    const { view, read } = record({ isTTY: false });
    view.show(jobAt('loading', 10_000, 120));
    for (let done = 20_000; done < 99_000; done += 10_000) view.show(jobAt('loading', done));
    view.show(jobAt('loading', 100_000, 60));
    view.show(jobAt('loading', 100_000));
    view.show(jobAt('statistics', 1_000_000));
    assert.deepEqual(read().trimEnd().split('\n'), [
      'shop: loading, 10 kB of 1.0 MB, 1 %, 2 min left',
      'shop: loading, 100 kB of 1.0 MB, 10 %, 60 s left',
      'shop: statistics, 1.0 MB of 1.0 MB, 100 %',
    ]);
  });

  it('rewrites one line for each import on a terminal, never wider than that, and takes it away at the end', () => {
    const { view, read } = record({ isTTY: true, columns: 30 });
    view.show(jobAt('loading', 10_000, 120));
    assert.equal(read(), 'shop  loading  10 kB of 1.0 M\n');
    view.show(jobAt('loading', 20_000));
    assert.equal(read(), '\x1b[1A\x1b[Jshop  loading  20 kB of 1.0 M\n');
    view.end();
    assert.equal(read(), '\x1b[1A\x1b[J');
  });

  it('does not divide by the size of an empty dump', () => {
    const { view, read } = record({ isTTY: false });
    const job = jobAt('reading', 0);
    for (const { progress } of job.imports) if (progress) progress.totalBytes = 0;
    view.show(job);
    assert.match(read(), /0 B of 0 B, 100 %/);
  });
});
