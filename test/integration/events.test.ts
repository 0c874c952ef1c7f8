import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdir, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import type { MyaasEvent } from '../../daemon/contract/contract.ts';
import type { Instance } from '../../daemon/contract/instances.ts';
import { startHost, type Frame, type TestHost, type Watch } from '../support/daemon.ts';

const people = `
create table test (id int primary key, name varchar(32));
insert into test values (1, 'alice'), (2, 'bob');
`;

/** Reads on up to and with the first event that matches. */
async function readUntil({ frames }: Watch, matches: (event: MyaasEvent) => boolean): Promise<Frame[]> {
  const read: Frame[] = [];
  for (;;) {
    const next = await frames.next();
    if (next.done === true) assert.fail(`The stream ended after ${JSON.stringify(read)}`);
    read.push(next.value);
    if (matches(next.value.event)) return read;
  }
}

const isDeleted = (name: string) => (event: MyaasEvent) =>
  event.type === 'instance-deleted' && event.name === name;
const summaryOf = ({ event }: Frame): string => {
  switch (event.type) {
    case 'hello':
      return `hello ${event.resumed ? 'again' : 'anew'}`;
    case 'instance':
      return `${event.instance.name} ${event.instance.state}`;
    case 'instance-deleted':
      return `${event.name} deleted`;
    case 'template':
      return `${event.template.name} ${event.template.import?.state ?? ''}`;
    case 'template-deleted':
      return `${event.name} deleted`;
    case 'job':
      return `job ${event.job.state}`;
  }
};

describe('the event stream', () => {
  let host: TestHost;

  before(async () => {
    host = await startHost();
    await host.importDump('shop', people);
  });
  after(() => host.stop());

  /** A client that reads no more than the beginning, until it is told to. */
  const subscribeWithoutReading = async () => {
    const socket = connect(host.config.listen.port, '127.0.0.1');
    socket.on('error', () => undefined);
    const headers = ['host: localhost', 'connection: close', `authorization: Bearer ${host.adminToken}`];
    socket.write(`GET /v1/events HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n`);
    await once(socket, 'readable');
    return socket;
  };

  const remove = (id: string) => host.api('DELETE', `/v1/instances/${id}`);

  it('is one of server-sent events, and not to be cached', async () => {
    const abort = new AbortController();
    const response = await fetch(`${host.url}/v1/events`, {
      headers: { authorization: `Bearer ${host.adminToken}` },
      signal: abort.signal,
    });
    assert.equal(response.headers.get('content-type'), 'text/event-stream');
    assert.equal(response.headers.get('cache-control'), 'no-store');
    const chunk = await response.body?.getReader().read();
    assert.match(
      new TextDecoder().decode(chunk?.value as Uint8Array),
      /^id: [0-9a-f]+-\d+\nevent: hello\ndata: \{"type":"hello","resumed":false\}\n\n$/,
    );
    abort.abort();
  });

  it('shows the life of an instance, and no credentials, though an admin reads', async () => {
    const watch = await host.watch();
    const instance = await host.create('shop', 'seen');
    await host.api('PATCH', `/v1/instances/${instance.id}`, { body: { protected: true } });
    await host.api('PATCH', `/v1/instances/${instance.id}`, { body: { protected: false } });
    await host.api('POST', `/v1/instances/${instance.id}/reset`);
    await remove(instance.id);
    const frames = await readUntil(watch, isDeleted('seen'));
    assert.deepEqual(frames.map(summaryOf), [
      'hello anew',
      'seen creating',
      'seen ready',
      'seen ready',
      'seen ready',
      'seen resetting',
      'seen ready',
      'seen deleting',
      'seen deleted',
    ]);
    const told = JSON.stringify(frames);
    assert.ok(instance.password !== undefined && !told.includes(instance.password));
    assert.ok(!told.includes('"password"') && !told.includes('"url"'));
    const protections = frames.flatMap(({ event }) =>
      event.type === 'instance' && event.instance.state === 'ready' ? [event.instance.protected] : [],
    );
    assert.deepEqual(protections, [false, true, false, false]);
  });

  it('shows an import, from its job to the new version', async () => {
    const watch = await host.watch();
    await host.importDump('crm', people);
    await host.api('DELETE', '/v1/templates/crm');
    const frames = await readUntil(watch, (event) => event.type === 'template-deleted');
    const summaries = frames.map(summaryOf);
    for (const expected of ['job running', 'crm running', 'crm imported', 'job succeeded', 'crm deleted']) {
      assert.ok(summaries.includes(expected), `${expected} in ${summaries.join(', ')}`);
    }
    const published = frames.findLast(({ event }) => event.type === 'template')?.event;
    assert.ok(published?.type === 'template' && published.template.current !== null);
  });

  it('goes on where a client left off, with nothing left out and nothing twice', async () => {
    const steady = await host.watch();
    const first = await host.watch();
    const instance = await host.create('shop', 'gap');
    const seen = await readUntil(first, (event) => event.type === 'instance');
    await first.frames.return(undefined);
    await host.api('POST', `/v1/instances/${instance.id}/reset`);
    const second = await host.watch(seen.at(-1)?.id);
    await remove(instance.id);
    const [hello, ...rest] = await readUntil(second, isDeleted('gap'));
    assert.ok(hello);
    assert.equal(summaryOf(hello), 'hello again');
    const [, ...all] = await readUntil(steady, isDeleted('gap'));
    assert.deepEqual([...seen.slice(1), ...rest], all);
  });

  it('loses nothing for a client that is cut off again right after hello', async () => {
    const before = await host.watch();
    const [hello] = await readUntil(before, () => true);
    await before.frames.return(undefined);
    const instance = await host.create('shop', 'cut');
    await remove(instance.id);
    const cut = await host.watch(hello?.id);
    const [helloAgain] = await readUntil(cut, () => true);
    await cut.frames.return(undefined);
    const resumed = await host.watch(helloAgain?.id);
    assert.deepEqual((await readUntil(resumed, isDeleted('cut'))).map(summaryOf), [
      'hello again',
      'cut creating',
      'cut ready',
      'cut deleting',
      'cut deleted',
    ]);
  });

  it('says so when it does not know what a client has missed', async () => {
    for (const id of ['nothing', '0', 'ffffffff-1', '-']) {
      const watch = await host.watch(id);
      const [hello] = await readUntil(watch, () => true);
      assert.deepEqual(hello?.event, { type: 'hello', resumed: false });
      const { id: instanceId } = await host.create('shop', 'anew');
      await remove(instanceId);
      const frames = await readUntil(watch, isDeleted('anew'));
      assert.equal(frames[0] && summaryOf(frames[0]), 'anew creating');
    }
  });

  it('does not wait for a client that does not read, and lets it go', async function () {
    this.timeout(120_000);
    const stuck = await subscribeWithoutReading();
    // Every one of these fails at once, and every failure tells of all.
    const dumps = Array.from({ length: 200 }, (_, index) => `${host.dumpsDir}/no name ${index}.sql`);
    await Promise.all(dumps.map((dump) => writeFile(dump, '')));
    for (const _ of ['one', 'two', 'three']) {
      // Who reads is told of all that.
      assert.equal((await host.update()).state, 'failed');
    }
    const instance = await host.create('shop', 'meanwhile');
    await remove(instance.id);
    await Promise.all(dumps.map((dump) => rm(dump)));
    await host.update();
    // What the kernel still holds is read, and then the end.
    stuck.resume();
    await once(stuck, 'end');
  });

  it('ends when the daemon does, which waits for no reader, and another daemon remembers nothing', async () => {
    const watch = await host.watch();
    const stuck = await subscribeWithoutReading();
    const creating = host.api<Instance>('POST', '/v1/instances', {
      body: { template: 'shop', name: 'late' },
    });
    creating.catch(() => undefined);
    const frames = await readUntil(watch, (event) => event.type === 'instance');
    await host.serve.stop();
    const ending: Frame[] = [];
    for await (const frame of watch.frames) ending.push(frame);
    stuck.destroy();
    assert.equal(host.serve.log.includes('ERR_'), false, host.serve.log);
    await host.serve.start();
    assert.deepEqual(await readdir(host.paths.instances), []);
    const again = await host.watch(frames.at(-1)?.id);
    const [hello] = await readUntil(again, () => true);
    assert.deepEqual(hello?.event, { type: 'hello', resumed: false });
  });

  it('has an end for who asks only for its head', async () => {
    const { status, headers, text } = await host.api('HEAD', '/v1/events');
    assert.deepEqual([status, headers.get('content-type'), text], [200, 'text/event-stream', '']);
  });
});
