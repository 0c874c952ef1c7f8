import assert from 'node:assert/strict';
import { Demand } from '../../daemon/instances/pool-size.ts';

const minuteMs = 60_000;

describe('the size of a pool', () => {
  const demandOf = (min: number, max: number) => new Demand({ all: { min, max }, of: new Map() });

  it('is the minimum when nobody asks', () => {
    assert.equal(demandOf(1, 4).target('shop', 0), 1);
    assert.equal(demandOf(1, 4).nextChangeMs(0), undefined);
  });

  it('follows how many were asked for of late, up to the maximum', () => {
    const demand = demandOf(1, 4);
    for (let i = 1; i <= 10; i++) demand.note('shop', i * 1000);
    assert.equal(demand.target('shop', 20_000), 4);
    assert.equal(demand.target('other', 20_000), 1);
  });

  it('falls again a quarter of an hour later, and says when', () => {
    const demand = demandOf(0, 4);
    demand.note('shop', 0);
    demand.note('shop', 5 * minuteMs);
    assert.equal(demand.target('shop', 6 * minuteMs), 2);
    assert.equal(demand.nextChangeMs(6 * minuteMs), 15 * minuteMs);
    assert.equal(demand.target('shop', 16 * minuteMs), 1);
    assert.equal(demand.nextChangeMs(16 * minuteMs), 20 * minuteMs);
    assert.equal(demand.target('shop', 21 * minuteMs), 0);
    assert.equal(demand.nextChangeMs(21 * minuteMs), undefined);
  });

  it('has limits of its own for some templates', () => {
    const demand = new Demand({ all: { min: 1, max: 4 }, of: new Map([['archive', { min: 0, max: 0 }]]) });
    demand.note('archive', 0);
    assert.equal(demand.target('archive', 1), 0);
    assert.equal(demand.target('shop', 1), 1);
  });
});
