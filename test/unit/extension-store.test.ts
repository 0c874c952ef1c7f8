import assert from 'node:assert/strict';
import type { Instance } from '../../daemon/contract/instances.ts';
import type { Status } from '../../daemon/contract/status.ts';
import type { Job, Template } from '../../daemon/contract/templates.ts';
import { failures } from '../../extension/errors.ts';
import { watchJobs } from '../../extension/jobs.ts';
import { Store, type Change } from '../../extension/store.ts';
import { anInstance, aStatus, aTemplate } from '../support/extension-samples.ts';

describe('The store', () => {
  let store: Store;
  let told: Change[];
  const news = () => told.splice(0);
  const shown = (instances: Instance[] = [], templates: Template[] = [], status: Status = aStatus()) =>
    store.replace({ status, instances, templates });

  beforeEach(() => {
    store = new Store();
    told = [];
    store.onDidChange((changes) => told.push(...changes));
  });

  it('tells what is there when the daemon is read for the first time', () => {
    shown([anInstance({ id: 'a' })], [aTemplate({ name: 'shop' })]);
    assert.deepEqual(news(), [
      { of: 'daemon' },
      { of: 'instance', id: 'a', what: 'added' },
      { of: 'template', id: 'shop', what: 'added' },
    ]);
  });

  it('tells only what differs when everything is read anew', () => {
    shown([anInstance({ id: 'a' }), anInstance({ id: 'b' }), anInstance({ id: 'c' })], [aTemplate()]);
    news();
    shown(
      [anInstance({ id: 'a' }), anInstance({ id: 'b', protected: true }), anInstance({ id: 'd' })],
      [aTemplate()],
    );
    assert.deepEqual(news(), [
      { of: 'daemon' },
      { of: 'instance', id: 'c', what: 'removed' },
      { of: 'instance', id: 'b', what: 'changed' },
      { of: 'instance', id: 'd', what: 'added' },
    ]);
  });

  it('tells one change of 500 instances as one', () => {
    const instances = Array.from({ length: 500 }, (_, index) => anInstance({ id: String(index) }));
    shown(instances);
    news();
    store.apply({ type: 'instance', instance: anInstance({ id: '77', state: 'asleep' }) });
    assert.deepEqual(news(), [{ of: 'instance', id: '77', what: 'changed' }]);
  });

  it('tells nothing when an event says what is known', () => {
    shown([anInstance({ id: 'a' })], [aTemplate()]);
    news();
    store.apply({ type: 'instance', instance: anInstance({ id: 'a' }) });
    store.apply({ type: 'template', template: aTemplate() });
    store.apply({ type: 'instance-deleted', id: 'gone', template: 'shop', name: 'gone' });
    store.apply({ type: 'template-deleted', name: 'gone' });
    assert.deepEqual(news(), []);
  });

  it('takes a database that a command has made and the event of it as one', () => {
    shown();
    news();
    store.putInstance(anInstance({ id: 'a', password: 'secret-of-a', url: 'mysql://u:secret-of-a@h:1/d' }));
    store.apply({ type: 'instance', instance: anInstance({ id: 'a' }) });
    assert.deepEqual(news(), [{ of: 'instance', id: 'a', what: 'added' }]);
  });

  it('keeps no password and no connection URL', () => {
    const secret = { password: 'secret-of-a', url: 'mysql://u:secret-of-a@h:1/d' };
    shown([anInstance({ id: 'a', ...secret })]);
    store.putInstance(anInstance({ id: 'b', ...secret }));
    assert.doesNotMatch(JSON.stringify(store.instances), /secret-of-a/);
  });

  it('knows nothing any more when the daemon is lost', () => {
    shown([anInstance({ id: 'a' })], [aTemplate({ name: 'shop' })]);
    news();
    store.lose({
      kind: 'unreachable',
      address: 'unix:/x',
      error: failures.unreachable('unix:/x', 'connection refused'),
    });
    assert.deepEqual(news(), [
      { of: 'daemon' },
      { of: 'instance', id: 'a', what: 'removed' },
      { of: 'template', id: 'shop', what: 'removed' },
    ]);
    assert.deepEqual([store.instances, store.templates, store.user], [[], [], undefined]);
  });

  it('knows what is ours to change: our own, and for an admin everything', () => {
    const theirs = anInstance({ owner: 'bob' });
    shown([theirs]);
    assert.equal(store.isOwn(theirs), false);
    assert.equal(store.isOwn(anInstance({ owner: 'alice' })), true);
    shown([theirs], [], aStatus({ user: { ...aStatus().user, admin: true, role: 'admin' } }));
    assert.equal(store.isOwn(theirs), true);
  });
});

describe('An import that is watched', () => {
  const job = (state: Job['state']): Job => ({
    id: 'j',
    state,
    startedAt: '2026-01-01T00:00:00Z',
    finishedAt: null,
    imports: [],
  });
  const neverAsked = { job: () => Promise.reject(new Error('asked the daemon for what an event said')) };

  it('is told to its end, also when that comes before anybody asks', async () => {
    const store = new Store();
    using jobs = watchJobs(store);
    store.apply({ type: 'job', job: job('running') });
    store.apply({ type: 'job', job: job('failed') });
    assert.equal((await jobs.ended('j', neverAsked, () => undefined)).state, 'failed');
  });

  it('tells every step', async () => {
    const store = new Store();
    using jobs = watchJobs(store);
    let steps = 0;
    const ended = jobs.ended('j', neverAsked, () => steps++);
    store.apply({ type: 'job', job: job('running') });
    store.apply({ type: 'job', job: { ...job('running'), id: 'another' } });
    store.apply({ type: 'job', job: job('succeeded') });
    assert.equal((await ended).state, 'succeeded');
    assert.ok(steps > 0);
  });

  it('is asked for when the stream was broken meanwhile', async () => {
    const store = new Store();
    using jobs = watchJobs(store);
    const ended = jobs.ended('j', { job: () => Promise.resolve(job('succeeded')) }, () => undefined);
    store.replace({ status: aStatus(), instances: [], templates: [] });
    assert.equal((await ended).state, 'succeeded');
  });
});
