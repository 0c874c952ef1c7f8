import assert from 'node:assert/strict';
import { limits, tooMuchDisk, unlimited, type Quota } from '../../daemon/quota.ts';

describe('how much a user may have', () => {
  const texts: Readonly<Record<keyof Quota, readonly (readonly [text: string, limit: number])[]>> = {
    maxInstances: [
      ['0', 0],
      ['12', 12],
      ['none', unlimited],
    ],
    maxLeaseSeconds: [
      ['90s', 90],
      ['90m', 5400],
      ['36h', 129_600],
      ['7d', 604_800],
      ['none', unlimited],
    ],
    maxDiskBytes: [
      ['0', 0],
      ['1000b', 1000],
      ['1536m', 1.5 * 2 ** 30],
      ['50g', 50 * 2 ** 30],
      ['none', unlimited],
    ],
  };

  for (const [name, pairs] of Object.entries(texts) as [keyof Quota, (typeof texts)[keyof Quota]][]) {
    it(`is shown as it can be given again: ${name}`, () => {
      for (const [text, limit] of pairs)
        assert.deepEqual([limits[name].parse(text), limits[name].text(limit)], [limit, text]);
      for (const wrong of ['', 'much', '-1', 'default']) assert.equal(limits[name].parse(wrong), undefined);
    });
  }

  it('is any lease when it is one that never ends', () => {
    assert.equal(limits.maxLeaseSeconds.parse('never'), unlimited);
  });

  it('is told together with how many databases are not counted, as nobody knows what they have written', () => {
    const { message } = tooMuchDisk('ada', 20 * 2 ** 20, 2, 16 * 2 ** 20);
    assert.match(message, /written 20 MiB .*not counting 2 instances .*may write 16m/);
    assert.doesNotMatch(tooMuchDisk('ada', 1, 0, 1).message, /not counting/);
  });
});
