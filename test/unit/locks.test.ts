import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Locks } from '../../daemon/locks.ts';

describe('locks', () => {
  it('run the work for one key one after the other, in the order it was asked for', async () => {
    const scheduled = fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), scheduled, async (scheduler, keys) => {
        const locks = new Locks();
        const running = new Set<string>();
        const done: { key: string; index: number }[] = [];
        const work = keys.map((key, index) =>
          locks.run(key, async () => {
            assert.ok(!running.has(key), `two at once for ${key}`);
            running.add(key);
            await scheduler.schedule(Promise.resolve());
            running.delete(key);
            done.push({ key, index });
          }),
        );
        await scheduler.waitFor(Promise.all(work));
        for (const key of new Set(keys)) {
          const order = done.filter((each) => each.key === key).map(({ index }) => index);
          assert.deepEqual(
            order,
            [...order].sort((a, b) => a - b),
          );
        }
        assert.equal(done.length, keys.length);
      }),
      { numRuns: 50 },
    );
  });

  it('do not let work for one key wait for another', async () => {
    const locks = new Locks();
    const blocked = Promise.withResolvers<undefined>();
    const first = locks.run('a', () => blocked.promise);
    assert.equal(await locks.run('b', () => Promise.resolve('done')), 'done');
    blocked.resolve(undefined);
    await first;
  });

  it('hand a failure to who asked for the work, and to nobody after', async () => {
    const locks = new Locks();
    const failing = locks.run('a', () => Promise.reject(new Error('broken')));
    const next = locks.run('a', () => Promise.resolve('fine'));
    await assert.rejects(failing, /broken/);
    assert.equal(await next, 'fine');
  });

  it('are drained when no work is left, also work that failed or was asked for meanwhile', async () => {
    const locks = new Locks();
    const done: string[] = [];
    const failed = locks.run('a', async () => {
      void locks.run('b', async () => Promise.resolve(void done.push('meanwhile')));
      await Promise.resolve();
      throw new Error('broken');
    });
    failed.catch(() => done.push('failed'));
    await locks.drained();
    assert.deepEqual(done.sort(), ['failed', 'meanwhile']);
    await locks.drained();
  });
});
