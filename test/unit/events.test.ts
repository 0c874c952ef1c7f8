import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { MyaasEvent } from '../../daemon/contract/contract.ts';
import { Events, type LoggedEvent } from '../../daemon/events.ts';

const deleted = (name: string): MyaasEvent => ({ type: 'template-deleted', name });
const namesOf = (logged: readonly LoggedEvent[] | undefined) =>
  logged?.map(({ event }) => (event.type === 'template-deleted' ? event.name : event.type));

describe('events', () => {
  it('tell who listens of all that comes, in order, until they do not listen any more', () => {
    const events = new Events();
    const heard: LoggedEvent[] = [];
    events.publish(deleted('before'));
    const subscription = events.subscribe((logged) => heard.push(logged));
    events.publish(deleted('one'));
    events.publish(deleted('two'));
    subscription[Symbol.dispose]();
    events.publish(deleted('after'));
    assert.deepEqual(namesOf(heard), ['one', 'two']);
  });

  it('tell who comes back all that came since, and nothing twice', () => {
    fc.assert(
      fc.property(fc.nat(50), fc.nat(50), (before, after) => {
        const events = new Events();
        for (let i = 0; i < before; i++) events.publish(deleted(`old${i}`));
        const { lastId } = events;
        const missed = Array.from({ length: after }, (_, i) => `new${i}`);
        for (const name of missed) events.publish(deleted(name));
        assert.deepEqual(namesOf(events.since(lastId)), missed);
      }),
    );
  });

  it('say so when the past is not known: too long ago, another run of the daemon, or made up', () => {
    const events = new Events();
    const { lastId: longAgo } = events;
    for (let i = 0; i < 2000; i++) events.publish(deleted(`${i}`));
    assert.equal(events.since(longAgo), undefined);
    assert.equal(events.since(new Events().lastId), undefined);
    for (const id of ['', '0', 'x-1', '__proto__', `${events.lastId}0`])
      assert.equal(events.since(id), undefined);
    assert.deepEqual(events.since(events.lastId), []);
  });

  it('remember a thousand events back', () => {
    const events = new Events();
    events.publish(deleted('first'));
    const { lastId } = events;
    for (let i = 0; i < 999; i++) events.publish(deleted(`${i}`));
    assert.equal(events.since(lastId)?.length, 999);
  });

  it('are heard by all others when one who listens leaves in the middle', () => {
    const events = new Events();
    const heard: string[] = [];
    const leaving = events.subscribe(() => {
      heard.push('leaving');
      leaving[Symbol.dispose]();
    });
    events.subscribe(() => heard.push('staying'));
    events.publish(deleted('one'));
    events.publish(deleted('two'));
    assert.deepEqual(heard, ['leaving', 'staying', 'staying']);
  });
});
