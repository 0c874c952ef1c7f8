import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { Gate } from '../../daemon/gate/gate.ts';
import type { Route } from '../../daemon/gate/protocol.ts';
import { hasErrno } from '../../daemon/errors/error.ts';
import { Client, databaseServer, freePort, Logged, stranger, temporaryDirectory } from './gate-peers.ts';

/** A gate on this machine alone, with a route that is not set yet and another one. */
async function workplace(options: { holdLimitMs?: number; maxConnections?: number } = {}) {
  const cleanup = new AsyncDisposableStack();
  const directory = cleanup.use(await temporaryDirectory());
  const gate = new Gate({ bind: '127.0.0.1', log: new Logged(), ...options });
  cleanup.defer(() => gate.close());
  const route: Route = {
    id: 'one',
    port: await freePort(),
    socket: join(directory.path, 'one'),
    state: 'open',
  };
  return {
    gate,
    route,
    held: { ...route, state: 'held' } as const,
    other: { ...route, id: 'two', port: await freePort(), socket: join(directory.path, 'two') },
    server: async (...server: Parameters<typeof databaseServer>) =>
      cleanup.use(await databaseServer(...server)),
    activity: (id = 'one') => gate.activity().find((entry) => entry.id === id),
    [Symbol.asyncDispose]: () => cleanup.disposeAsync(),
  };
}

async function refuses(port: number): Promise<boolean> {
  const client = new Client(port);
  const [error] = (await once(client.socket, 'error')) as [Error];
  return hasErrno(error, 'ECONNREFUSED');
}

/** Gate, client and server share this process's event loop. */
const everybodysTurn = () => new Promise((resolve) => setImmediate(resolve));

/**
 * Waits until everybody has had many a turn, and `count` stays as it is: nobody is merely late.
 */
async function standstill(count: () => number): Promise<void> {
  for (let before = -1; before <= 0 || before !== count();) {
    before = count();
    for (let turn = 0; turn < 200; turn++) await everybodysTurn();
  }
}

describe('the gate', () => {
  it('carries bytes both ways between a port and its server', async () => {
    await using at = await workplace();
    const server = await at.server(at.route.socket);
    await at.gate.set(at.route);
    using client = new Client(at.route.port);
    await client.heard(`greeting of ${server.path};`);
    client.socket.write('select 1');
    await client.heard('select 1');
  });

  it('keeps two routes apart', async () => {
    await using at = await workplace();
    const one = await at.server(at.route.socket);
    const two = await at.server(at.other.socket);
    assert.deepEqual(await at.gate.sync([at.route, at.other]), []);
    using first = new Client(at.route.port);
    using second = new Client(at.other.port);
    await Promise.all([first.heard(`greeting of ${one.path};`), second.heard(`greeting of ${two.path};`)]);
    await at.gate.remove('one');
    await first.over();
    second.socket.write('still there');
    await second.heard('still there');
  });

  it('carries 50 MB each way at once, unchanged', async () => {
    await using at = await workplace();
    await at.server(at.route.socket, (socket) => socket.pipe(socket));
    await at.gate.set(at.route);
    using client = new Client(at.route.port);
    const block = randomBytes(1_000_003);
    const sent = createHash('sha256');
    for (let i = 0; i < 50; i++) {
      sent.update(block);
      if (!client.socket.write(block)) await once(client.socket, 'drain');
    }
    client.socket.end();
    await client.over();
    assert.equal(client.received.length, 50 * block.length);
    assert.equal(createHash('sha256').update(client.received).digest('hex'), sent.digest('hex'));
  });

  it('slows a server down whose client does not read, and loses nothing', async () => {
    await using at = await workplace();
    const data = randomBytes(30 * 2 ** 20);
    let sent = 0;
    await at.server(at.route.socket, (socket) => {
      void (async () => {
        // Pieces smaller than any buffer, so that many are on their way at once.
        for (; sent < data.length; sent += 10_000) {
          if (!socket.write(data.subarray(sent, sent + 10_000))) await once(socket, 'drain');
          await everybodysTurn();
        }
        socket.end();
      })();
    });
    await at.gate.set(at.route);
    using client = new Client(at.route.port);
    client.socket.pause();
    await client.connected();
    await standstill(() => sent);
    assert.ok(sent < data.length, `the gate took ${sent} bytes for a client that read none`);
    client.socket.resume();
    await client.over();
    assert.ok(client.received.equals(data));
  });

  it('serves 200 clients at once', async () => {
    await using at = await workplace();
    await at.server(at.route.socket);
    await at.gate.set(at.route);
    const clients = Array.from({ length: 200 }, () => new Client(at.route.port));
    try {
      await Promise.all(
        clients.map(async (client, index) => {
          await client.heard('greeting');
          client.socket.write(`I am ${index}.`);
          await client.heard(`I am ${index}.`);
        }),
      );
      assert.equal(at.activity()?.connections, 200);
    } finally {
      for (const client of clients) client[Symbol.dispose]();
    }
  });

  it('has nothing left to wait for when a route with clients is removed', async () => {
    await using at = await workplace();
    await at.server(at.route.socket);
    const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    const before = timers();
    await at.gate.set({ ...at.route, idleAfterMs: 3_600_000 });
    using client = new Client(at.route.port);
    await client.heard('greeting');
    await at.gate.remove('one');
    await client.over();
    await everybodysTurn();
    assert.equal(timers(), before);
  });

  it('sends away who comes when a route has as many clients as it may, and nobody of another route', async () => {
    await using at = await workplace({ maxConnections: 2 });
    await at.server(at.route.socket);
    await at.server(at.other.socket);
    await at.gate.sync([at.route, at.other]);
    using first = new Client(at.route.port);
    using second = new Client(at.route.port);
    await Promise.all([first.heard('greeting'), second.heard('greeting')]);
    using third = new Client(at.route.port);
    await third.heard('has 2 connections already');
    await third.over();
    using elsewhere = new Client(at.other.port);
    await elsewhere.heard('greeting');
    first.socket.destroy();
    for (let count = 2; count > 1; count = at.activity()?.connections ?? 0) await everybodysTurn();
    using fourth = new Client(at.route.port);
    await fourth.heard('greeting');
  });

  it('tells a client that asks for encryption first, and comes too late, in its own words', async () => {
    await using at = await workplace({ maxConnections: 1 });
    await at.server(at.route.socket);
    await at.gate.set({ ...at.route, protocol: 'postgres' });
    using first = new Client(at.route.port);
    await first.heard('greeting');
    using second = new Client(at.route.port);
    await second.connected();
    second.socket.write(Buffer.from([0, 0, 0, 8, 4, 0xd2, 0x16, 0x2f]));
    await second.heard('has 1 connections already');
    await second.over();
    assert.equal(second.received.toString('latin1', 0, 2), 'NE');
    assert.equal(at.activity()?.connections, 1);
  });

  it('cuts off who comes again and again to a route that is full, so that nobody takes all descriptors', async () => {
    await using at = await workplace({ maxConnections: 1 });
    await at.server(at.route.socket);
    await at.gate.set({ ...at.route, protocol: 'postgres' });
    using first = new Client(at.route.port);
    await first.heard('greeting');
    using cleanup = new DisposableStack();
    const silent = Array.from({ length: 200 }, () => cleanup.use(new Client(at.route.port)));
    await Promise.all(silent.map((client) => client.connected()));
    const cutOff = () => silent.filter(({ closed, ended }) => closed || ended).length;
    await standstill(cutOff);
    assert.equal(silent.length - cutOff(), 64);
  });

  it('passes on that a client has finished sending, and still brings it the answer', async () => {
    await using at = await workplace();
    await at.server(at.route.socket, (socket) => {
      let size = 0;
      socket.on('data', (chunk: Buffer) => (size += chunk.length));
      socket.on('end', () => socket.end(`read ${size} bytes`));
    });
    await at.gate.set(at.route);
    using client = new Client(at.route.port);
    client.socket.end('12345');
    await client.heard('read 5 bytes');
  });

  it('passes on that a server has finished sending, and still brings it what the client sends', async () => {
    await using at = await workplace();
    const { promise: heard, resolve } = Promise.withResolvers<string>();
    await at.server(at.route.socket, (socket) => {
      socket.end('bye');
      let text = '';
      socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
      socket.on('end', () => resolve(text));
    });
    await at.gate.set(at.route);
    using client = new Client(at.route.port);
    await client.heard('bye');
    await client.over();
    client.socket.end('last words');
    assert.equal(await heard, 'last words');
  });

  it('tells the server when a client breaks off', async () => {
    await using at = await workplace();
    const { promise: gone, resolve } = Promise.withResolvers<undefined>();
    await at.server(at.route.socket, (socket) => {
      socket.write('greeting');
      socket.on('close', () => resolve(undefined));
      socket.pipe(socket);
    });
    await at.gate.set(at.route);
    using client = new Client(at.route.port);
    await client.heard('greeting');
    client.socket.resetAndDestroy();
    await gone;
  });

  it('lets a client go when its server is killed', async () => {
    await using at = await workplace();
    const server = await at.server(at.route.socket);
    await at.gate.set(at.route);
    using client = new Client(at.route.port);
    await client.heard('greeting');
    await server[Symbol.asyncDispose]();
    await client.over();
  });

  it('answers for a server that is not running, in the words of MySQL', async () => {
    await using at = await workplace();
    await at.gate.set(at.route);
    using client = new Client(at.route.port);
    await client.heard('MyAAS: The server of this instance is not running.');
    assert.equal(client.received.readUInt16LE(5), 1053);
    await client.over();
    assert.ok(!client.received.includes(at.route.socket), 'paths are nobody’s business');
  });

  describe('holding', () => {
    it('cuts connections and keeps newcomers waiting until it is opened', async () => {
      await using at = await workplace();
      await at.server(at.route.socket);
      await at.gate.set(at.route);
      using early = new Client(at.route.port);
      await early.heard('greeting');
      await at.gate.set(at.held);
      await early.over();
      using late = new Client(at.route.port);
      await late.connected();
      late.socket.write('impatient');
      await at.gate.set(at.held);
      assert.equal(late.received.length, 0);
      await at.gate.set(at.route);
      await late.heard('greeting');
      await late.heard('impatient');
    });

    it('can begin before the first client and the server are there', async () => {
      await using at = await workplace();
      await at.gate.set(at.held);
      using client = new Client(at.route.port);
      await client.connected();
      await at.server(at.route.socket);
      await at.gate.set(at.route);
      await client.heard('greeting');
    });

    it('reads only so much of what a waiting client sends', async () => {
      await using at = await workplace();
      await at.gate.set(at.held);
      using client = new Client(at.route.port);
      await client.connected();
      client.socket.write(Buffer.alloc(50 * 2 ** 20));
      await standstill(() => at.activity()?.bytesIn ?? 0);
      assert.ok((at.activity()?.bytesIn ?? Infinity) <= 2 ** 18);
    });

    it('sends a client away, with a reason, when it takes too long', async () => {
      await using at = await workplace({ holdLimitMs: 20 });
      await at.gate.set(at.held);
      using client = new Client(at.route.port);
      await client.heard('was not up within 0.02 s');
      await client.over();
    });

    it('sends a client that speaks first away when it has spoken', async () => {
      await using at = await workplace({ holdLimitMs: 20 });
      await at.gate.set({ ...at.held, protocol: 'postgres' });
      using client = new Client(at.route.port);
      await client.connected();
      client.socket.write(Buffer.from([0, 0, 0, 8, 4, 0xd2, 0x16, 0x2f]));
      await client.heard('was not up within 0.02 s');
      await client.over();
      assert.equal(client.received.toString('latin1', 0, 2), 'NE');
    });

    it('forgets a client that goes away', async () => {
      await using at = await workplace();
      const { promise: served, resolve } = Promise.withResolvers<string>();
      await at.server(at.route.socket, (socket) =>
        socket.on('data', (chunk: Buffer) => resolve(chunk.toString())),
      );
      await at.gate.set(at.held);
      for (const leave of ['end', 'destroy', 'resetAndDestroy'] as const) {
        const client = new Client(at.route.port);
        await client.connected();
        client.socket[leave]();
        if (!client.closed) await client.over().catch(() => undefined);
      }
      using patient = new Client(at.route.port);
      patient.socket.write('patient');
      await patient.connected();
      await at.gate.set(at.route);
      assert.equal(await served, 'patient');
      assert.equal(at.activity()?.connections, 1);
    });

    it('ends for a waiting client when the route is removed', async () => {
      await using at = await workplace();
      await at.gate.set(at.held);
      using client = new Client(at.route.port);
      await client.connected();
      await at.gate.remove('one');
      await client.over();
    });
  });

  describe('ports', () => {
    it('are free when removing is done, at once for the next', async () => {
      await using at = await workplace();
      await at.server(at.route.socket);
      await at.gate.set(at.route);
      using client = new Client(at.route.port);
      await client.heard('greeting');
      await at.gate.remove('one');
      await client.over();
      assert.ok(await refuses(at.route.port));
      await at.gate.set({ ...at.route, id: 'next' });
      using next = new Client(at.route.port);
      await next.heard('greeting');
    });

    it('that a stranger has are reported by code, and the route does not stay', async () => {
      await using at = await workplace();
      await using taken = await stranger();
      await assert.rejects(at.gate.set({ ...at.route, port: taken.port }), { code: 'EADDRINUSE' });
      assert.deepEqual(at.gate.activity(), []);
    });

    it('that a stranger has do not keep a sync from opening the others', async () => {
      await using at = await workplace();
      await using taken = await stranger();
      await at.server(at.other.socket);
      const failures = await at.gate.sync([{ ...at.route, port: taken.port }, at.other]);
      assert.deepEqual(failures, [{ id: 'one', port: taken.port, code: 'EADDRINUSE' }]);
      using client = new Client(at.other.port);
      await client.heard('greeting');
    });

    it('move with their route', async () => {
      await using at = await workplace();
      await at.server(at.route.socket);
      await at.gate.set(at.route);
      await at.gate.set({ ...at.route, port: at.other.port });
      assert.ok(await refuses(at.route.port));
      using client = new Client(at.other.port);
      await client.heard('greeting');
    });

    it('can pass from one instance to another in a sync', async () => {
      await using at = await workplace();
      await at.server(at.other.socket);
      await at.gate.set(at.route);
      assert.deepEqual(await at.gate.sync([{ ...at.other, port: at.route.port }]), []);
      using client = new Client(at.route.port);
      await client.heard(`greeting of ${at.other.socket};`);
    });
  });

  it('keeps the connections of routes that a sync does not change, and closes what is not listed', async () => {
    await using at = await workplace();
    await at.server(at.route.socket);
    await at.server(at.other.socket);
    await at.gate.sync([at.route, at.other]);
    using kept = new Client(at.route.port);
    using dropped = new Client(at.other.port);
    await Promise.all([kept.heard('greeting'), dropped.heard('greeting')]);
    await at.gate.sync([at.route]);
    await dropped.over();
    assert.ok(await refuses(at.other.port));
    kept.socket.write('unmoved');
    await kept.heard('unmoved');
  });

  it('counts connections and bytes, also of clients that are gone', async () => {
    await using at = await workplace();
    await at.server(at.route.socket, (socket) => socket.pipe(socket));
    await at.gate.set(at.route);
    const before = at.activity();
    assert.deepEqual(before && [before.connections, before.bytesIn, before.bytesOut], [0, 0, 0]);
    for (const text of ['123', '12345']) {
      using client = new Client(at.route.port);
      client.socket.write(text);
      await client.heard(text);
      assert.equal(at.activity()?.connections, 1);
      client.socket.end();
      await once(client.socket, 'close');
    }
    // The gate sees the end of its own side a moment later.
    while (at.activity()?.connections !== 0) await everybodysTurn();
    const after = at.activity();
    assert.deepEqual(after && [after.bytesIn, after.bytesOut], [8, 8]);
    assert.ok(before && after && after.lastActivityAtMs >= before.lastActivityAtMs);
  });

  it('frees everything when it is closed', async () => {
    await using at = await workplace();
    await at.server(at.route.socket);
    await at.gate.set(at.route);
    using client = new Client(at.route.port);
    await client.heard('greeting');
    await at.gate.close();
    await client.over();
    assert.ok(await refuses(at.route.port));
  });
});
