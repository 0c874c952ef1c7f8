import assert from 'node:assert/strict';
import { versionAfter } from '../../daemon/templates/catalogue.ts';

describe('the name of a new version', () => {
  const now = new Date('2026-03-01T12:00:00.123Z');

  it('is the time', () => {
    assert.equal(versionAfter(now, ['20260228T000000Z', 'notes']), '20260301T120000Z');
  });

  it('is newer than all that are there, also within a second', () => {
    const taken = ['20260301T120000Z', '20260301T120000Z-9', '20260301T120000Z-10'];
    assert.equal(versionAfter(now, taken), '20260301T120000Z-11');
  });

  it('is newer than all that are there, also when the clock has been set back', () => {
    assert.equal(versionAfter(now, ['20270101T000000Z']), '20270101T000000Z-2');
  });
});
