import assert from 'node:assert/strict';
import { Slots } from '../../daemon/slots.ts';

const { signal } = new AbortController();

describe('slots', () => {
  it('let in as many as there are, and the others in the order they came', async () => {
    const slots = new Slots(2);
    const entered: string[] = [];
    const enter = async (name: string) => {
      const slot = await slots.take(signal);
      entered.push(name);
      return slot;
    };
    const [a, , c, d] = [enter('a'), enter('b'), enter('c'), enter('d')];
    (await a)[Symbol.dispose]();
    (await c)[Symbol.dispose]();
    await d;
    assert.deepEqual(entered, ['a', 'b', 'c', 'd']);
  });

  it('let nobody in beyond their number', async () => {
    const slots = new Slots(1);
    const held = await slots.take(signal);
    let entered = false;
    const second = slots.take(signal).then((slot) => {
      entered = true;
      return slot;
    });
    await new Promise(setImmediate);
    assert.equal(entered, false);
    held[Symbol.dispose]();
    (await second)[Symbol.dispose]();
  });

  it('forget who gave up waiting', async () => {
    const slots = new Slots(1);
    const held = await slots.take(signal);
    const impatient = new AbortController();
    const gaveUp = slots.take(impatient.signal);
    const patient = slots.take(signal);
    impatient.abort(new Error('no time'));
    await assert.rejects(gaveUp, /no time/);
    held[Symbol.dispose]();
    (await patient)[Symbol.dispose]();
    (await slots.take(signal))[Symbol.dispose]();
  });
});
