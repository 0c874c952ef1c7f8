import assert from 'node:assert/strict';
import { Traffic } from '../../daemon/instances/traffic.ts';

const never = new AbortController().signal;

describe('traffic', () => {
  it('is quiet when nobody has come', async () => {
    await new Traffic(1000).quiet(never);
  });

  it('is quiet when all who came have gone, and a moment has passed', async () => {
    const traffic = new Traffic(5);
    const [one, two] = [traffic.enter(), traffic.enter()];
    let isQuiet = false;
    const quiet = traffic.quiet(never).then(() => (isQuiet = true));
    one[Symbol.dispose]();
    for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate);
    assert.equal(isQuiet, false);
    const endedMs = performance.now();
    two[Symbol.dispose]();
    await quiet;
    // Timers may fire a little early.
    assert.ok(performance.now() - endedMs >= 4);
  });

  it('is not quiet yet for somebody who came in the moment after', async () => {
    const traffic = new Traffic(5);
    const first = traffic.enter();
    let second: Disposable | undefined;
    const quiet = traffic.quiet(never).then(() => assert.equal(second, undefined));
    first[Symbol.dispose]();
    second = traffic.enter();
    for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate);
    second[Symbol.dispose]();
    second = undefined;
    await quiet;
  });

  it('is waited for no longer than the signal says', async () => {
    const traffic = new Traffic(5);
    using _ = traffic.enter();
    const impatient = new AbortController();
    const waiting = traffic.quiet(impatient.signal);
    impatient.abort(new Error('no time'));
    await assert.rejects(waiting, /no time/);
  });
});
