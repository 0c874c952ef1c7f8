import assert from 'node:assert/strict';
import { once } from 'node:events';
import { join } from 'node:path';
import { Gate } from '../../daemon/gate/gate.ts';
import type { Route, Sight } from '../../daemon/gate/protocol.ts';
import { Client, databaseServer, freePort, Logged, temporaryDirectory } from './gate-peers.ts';

/** A gate with a server and a route to it, that remembers what the gate has seen. */
async function workplace(more: Partial<Route> = {}) {
  const cleanup = new AsyncDisposableStack();
  const directory = cleanup.use(await temporaryDirectory());
  const gate = new Gate({ bind: '127.0.0.1', log: new Logged() });
  cleanup.defer(() => gate.close());
  const socket = join(directory.path, 'one');
  cleanup.use(await databaseServer(socket));
  const route: Route = { id: 'one', port: await freePort(), socket, state: 'open', ...more };
  const sights: Sight['type'][] = [];
  gate.sights.on('sight', ({ type }) => sights.push(type));
  return {
    gate,
    route,
    asleep: { ...route, state: 'asleep' } as const,
    sights,
    sight: async () => ((await once(gate.sights, 'sight')) as [Sight])[0],
    [Symbol.asyncDispose]: () => cleanup.disposeAsync(),
  };
}

describe('the gate of a sleeping instance', () => {
  it('tells of the first client, holds it and all others, and lets them in when it is up', async () => {
    await using at = await workplace();
    await at.gate.set(at.asleep);
    const told = at.sight();
    const clients = Array.from({ length: 100 }, () => new Client(at.route.port));
    try {
      await Promise.all(clients.map((client) => client.connected()));
      assert.deepEqual(await told, { type: 'wake', id: 'one' });
      await at.gate.set(at.route);
      await Promise.all(clients.map((client) => client.heard('greeting')));
      assert.deepEqual(at.sights, ['wake']);
    } finally {
      for (const client of clients) client[Symbol.dispose]();
    }
  });

  it('sends away who waits when it can’t be woken, says why, and tells of the next', async () => {
    await using at = await workplace();
    await at.gate.set(at.asleep);
    let told = at.sight();
    using first = new Client(at.route.port);
    await told;
    await at.gate.refuse('one', 'There is no room.');
    await first.heard('MyAAS: There is no room.');
    await first.over();
    told = at.sight();
    using second = new Client(at.route.port);
    assert.equal((await told).type, 'wake');
    await second.connected();
  });

  it('tells again of those who wait when it is told its route again, as a restarted serve does', async () => {
    await using at = await workplace();
    await at.gate.sync([at.asleep]);
    let told = at.sight();
    using client = new Client(at.route.port);
    await told;
    told = at.sight();
    await at.gate.sync([at.asleep]);
    assert.equal((await told).type, 'wake');
    assert.ok(!client.closed);
  });

  it('tells of a client that came while it was falling asleep', async () => {
    await using at = await workplace();
    await at.gate.set(at.route);
    assert.ok(await at.gate.pause('one', true));
    using client = new Client(at.route.port);
    await client.connected();
    // The client is accepted in an event of its own.
    while (at.gate.activity()[0]?.connections !== 1) await new Promise(setImmediate);
    assert.deepEqual(at.sights, []);
    const told = at.sight();
    await at.gate.set(at.asleep);
    assert.equal((await told).type, 'wake');
    await at.gate.set(at.route);
    await client.heard('greeting');
  });
});

describe('the gate of an instance that nobody uses', () => {
  it('tells that it is idle, again and again, until something is done about it', async () => {
    await using at = await workplace({ idleAfterMs: 10 });
    await at.gate.set(at.route);
    assert.deepEqual(await at.sight(), { type: 'idle', id: 'one' });
    assert.deepEqual(await at.sight(), { type: 'idle', id: 'one' });
    assert.ok(await at.gate.pause('one', false));
  });

  it('does not call one idle that has a client, however silent', async () => {
    await using at = await workplace({ idleAfterMs: 10 });
    await at.gate.set({ ...at.route, state: 'held' });
    using client = new Client(at.route.port);
    await client.connected();
    await at.gate.set(at.route);
    await client.heard('greeting');
    assert.equal(await at.gate.pause('one', false), false);
    assert.deepEqual(at.sights, []);
    const told = at.sight();
    client.socket.destroy();
    assert.equal((await told).type, 'idle');
  });

  it('calls one idle whose clients have been silent for as long as they may', async () => {
    await using at = await workplace({ idleAfterMs: 60_000, idleConnectedAfterMs: 20 });
    await at.gate.set(at.route);
    using client = new Client(at.route.port);
    await client.heard('greeting');
    assert.equal((await at.sight()).type, 'idle');
    assert.ok(await at.gate.pause('one', false));
  });

  it('lets nothing through to the server while paused, and loses nothing', async () => {
    await using at = await workplace();
    await at.gate.set(at.route);
    using client = new Client(at.route.port);
    await client.heard('greeting');
    assert.ok(await at.gate.pause('one', true));
    const before = client.received.length;
    client.socket.write('a query');
    for (let turn = 0; turn < 200; turn++) await new Promise(setImmediate);
    assert.equal(client.received.length, before);
    await at.gate.set(at.route);
    await client.heard('a query');
  });

  it('leaves no timer behind when it is closed while somebody is connected: its process ends', async () => {
    const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    await using at = await workplace({ idleAfterMs: 2 ** 30 });
    const before = timers();
    await at.gate.set(at.route);
    using client = new Client(at.route.port);
    await client.heard('greeting');
    await at.gate.close();
    await client.over();
    assert.equal(timers(), before);
  });

  it('knows no pause of a route that is not there', async () => {
    await using at = await workplace();
    assert.equal(await at.gate.pause('nobody', true), false);
    await at.gate.refuse('nobody', 'There is no such instance.');
  });
});
