import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { stat } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { obeyServe } from '../../daemon/gate/control.ts';
import { Gate } from '../../daemon/gate/gate.ts';
import { GateLink } from '../../daemon/gate/link.ts';
import type { Route, Sight } from '../../daemon/gate/protocol.ts';
import { Client, databaseServer, freePort, Logged, stranger, temporaryDirectory } from './gate-peers.ts';

/** A run directory in which serves and gates can be started and stopped. `routes` is what serve's registry holds. */
async function workplace() {
  const cleanup = new AsyncDisposableStack();
  const directory = cleanup.use(await temporaryDirectory());
  const socketPath = join(directory.path, 'gate.sock');
  const routes = new Map<string, Route>();
  const sights: Sight[] = [];
  const route: Route = {
    id: 'one',
    port: await freePort(),
    socket: join(directory.path, 'one'),
    state: 'open',
  };
  return {
    socketPath,
    routes,
    /** What the gate has told serve unasked. */
    sights,
    route,
    server: async (...server: Parameters<typeof databaseServer>) =>
      cleanup.use(await databaseServer(...server)),
    async serve(log = new Logged(), onRoutes = (): void => undefined): Promise<GateLink> {
      const told = () => {
        onRoutes();
        return [...routes.values()];
      };
      const link = new GateLink({ socketPath, routes: told, onSight: (sight) => sights.push(sight), log });
      cleanup.defer(() => link.close());
      await link.listen();
      return link;
    },
    /** Returns what stops it. */
    gate(log = new Logged()): () => Promise<void> {
      const gate = new Gate({ bind: '127.0.0.1', log });
      const stop = new AbortController();
      const obeying = obeyServe(gate, { socketPath, log, signal: stop.signal });
      const end = async () => {
        stop.abort();
        await obeying;
        await gate.close();
      };
      cleanup.defer(end);
      return end;
    },
    [Symbol.asyncDispose]: () => cleanup.disposeAsync(),
  };
}

const patienceMs = 10_000;

describe('the link between serve and the gate', () => {
  it('opens, holds and removes ports, and tells their activity', async () => {
    await using at = await workplace();
    await at.server(at.route.socket);
    const link = await at.serve();
    at.gate();
    await link.waitConnected(patienceMs);
    assert.ok(link.connected);
    await link.set(at.route);
    using client = new Client(at.route.port);
    await client.heard('greeting');
    const [activity] = await link.stats();
    assert.equal(activity?.id, 'one');
    assert.equal(activity.connections, 1);
    assert.equal(activity.bytesOut, client.received.length);
    await link.set({ ...at.route, state: 'held' });
    await client.over();
    await link.remove('one');
    assert.deepEqual(await link.stats(), []);
  });

  it('tells a gate that is just being given the routes when one of them changes', async () => {
    await using at = await workplace();
    await at.server(at.route.socket);
    at.routes.set('one', { ...at.route, state: 'held' });
    const asked = Promise.withResolvers<undefined>();
    const link = await at.serve(undefined, () => asked.resolve(undefined));
    at.gate();
    await asked.promise;
    // The gate's answer cannot have been read yet.
    assert.ok(!link.connected);
    await link.update(at.route);
    using client = new Client(at.route.port);
    await client.heard('greeting');
  });

  it('needs no gate to be told of a change', async () => {
    await using at = await workplace();
    const link = await at.serve();
    await link.update(at.route);
    assert.ok(!link.connected);
  });

  it('is made whichever of the two starts first', async () => {
    await using at = await workplace();
    const log = new Logged();
    at.gate(log);
    await log.heard('no link to serve');
    const link = await at.serve();
    await link.waitConnected(patienceMs);
  });

  it('drops no database connection when serve restarts', async () => {
    await using at = await workplace();
    await at.server(at.route.socket);
    at.routes.set('one', at.route);
    const first = await at.serve();
    at.gate();
    await first.waitConnected(patienceMs);
    using early = new Client(at.route.port);
    await early.heard('greeting');

    await first.close();
    early.socket.write('serve is away;');
    await early.heard('serve is away;');
    using meanwhile = new Client(at.route.port);
    await meanwhile.heard('greeting');

    const second = await at.serve();
    await second.waitConnected(patienceMs);
    for (const client of [early, meanwhile]) {
      client.socket.write('serve is back;');
      await client.heard('serve is back;');
    }
    assert.equal((await second.stats())[0]?.connections, 2);
  });

  it('closes, once serve is back, what was removed while it was away', async () => {
    await using at = await workplace();
    await at.server(at.route.socket);
    at.routes.set('one', at.route);
    const first = await at.serve();
    at.gate();
    await first.waitConnected(patienceMs);
    using client = new Client(at.route.port);
    await client.heard('greeting');
    await first.close();
    at.routes.delete('one');
    const second = await at.serve();
    await client.over();
    await second.waitConnected(patienceMs);
    assert.deepEqual(await second.stats(), []);
  });

  it('gives a restarted gate its routes back', async () => {
    await using at = await workplace();
    await at.server(at.route.socket);
    at.routes.set('one', at.route);
    const log = new Logged();
    const link = await at.serve(log);
    const stop = at.gate();
    await link.waitConnected(patienceMs);
    await stop();
    await log.heard('the gate is gone');
    assert.ok(!link.connected);
    at.gate();
    await link.waitConnected(patienceMs);
    using client = new Client(at.route.port);
    await client.heard('greeting');
  });

  it('says which port is taken, so that another one can be tried', async () => {
    await using at = await workplace();
    await using taken = await stranger();
    const link = await at.serve();
    at.gate();
    await link.waitConnected(patienceMs);
    await assert.rejects(link.set({ ...at.route, port: taken.port }), (error: Error) => {
      assert.ok('code' in error && error.code === 'MYAAS_PORT_TAKEN');
      assert.match(error.message, new RegExp(String(taken.port)));
      return true;
    });
    await link.set(at.route);
  });

  it('is made in spite of a port that is taken, which the log names', async () => {
    await using at = await workplace();
    await using taken = await stranger();
    at.routes.set('one', { ...at.route, port: taken.port });
    const log = new Logged();
    const link = await at.serve(log);
    at.gate();
    await link.waitConnected(patienceMs);
    await log.heard(`port ${taken.port} of instance one could not be opened: EADDRINUSE`);
  });

  it('does what is asked in the order it is asked', async () => {
    await using at = await workplace();
    const link = await at.serve();
    at.gate();
    await link.waitConnected(patienceMs);
    const held = { ...at.route, state: 'held' } as const;
    await Promise.all([link.set(at.route), link.remove('one'), link.set(held), link.remove('one')]);
    assert.deepEqual(await link.stats(), []);
  });

  describe('without a gate', () => {
    it('opens nothing and says so', async () => {
      await using at = await workplace();
      const link = await at.serve();
      await assert.rejects(link.set(at.route), { code: 'MYAAS_GATE_UNAVAILABLE' });
      await assert.rejects(link.stats(), { code: 'MYAAS_GATE_UNAVAILABLE' });
    });

    it('removes without complaint', async () => {
      await using at = await workplace();
      const link = await at.serve();
      await link.remove('one');
    });

    it('waits for one as long as it was told, or until the caller gives up', async () => {
      await using at = await workplace();
      const link = await at.serve();
      await assert.rejects(link.waitConnected(1), { code: 'MYAAS_GATE_UNAVAILABLE' });
      const giveUp = new AbortController();
      const waiting = link.waitConnected(patienceMs, giveUp.signal);
      giveUp.abort(new Error('enough'));
      await assert.rejects(waiting, { message: 'enough' });
    });

    it('lets nobody wait for an answer that will not come', async () => {
      await using at = await workplace();
      const link = await at.serve();
      const mute = connect(at.socketPath);
      mute.write('{"type":"hello","protocol":1}\n');
      await once(mute, 'data'); // the sync
      const [set, remove] = [link.set(at.route), link.remove('one')];
      mute.destroy();
      await assert.rejects(set, { code: 'MYAAS_GATE_UNAVAILABLE' });
      await remove;
    });
  });

  describe('with strangers', () => {
    /** What serve does with somebody who says `text`. */
    async function spoken(socketPath: string, text: string): Promise<string> {
      const socket = connect(socketPath);
      socket.write(text);
      let answer = '';
      socket.on('data', (chunk: Buffer) => (answer += chunk.toString()));
      await once(socket, 'close');
      return answer;
    }

    const hello = '{"type":"hello","protocol":1}\n';
    const hostile: Readonly<Record<string, string>> = {
      'what is no message': 'GET / HTTP/1.1\r\n\r\n',
      'an answer before hello': '{"type":"done","request":1}\n',
      'an answer to what was not asked': `${hello}{"type":"done","request":99}\n`,
      'a second hello': hello + hello,
      'a request': `${hello}{"type":"remove","request":1,"id":"one"}\n`,
    };
    for (const [what, text] of Object.entries(hostile)) {
      it(`hangs up on ${what}, and works with the next`, async () => {
        await using at = await workplace();
        const link = await at.serve();
        await spoken(at.socketPath, text);
        at.gate();
        await link.waitConnected(patienceMs);
      });
    }

    it('refuses a gate of another version, with the remedy', async () => {
      await using at = await workplace();
      await at.serve();
      assert.match(
        await spoken(at.socketPath, '{"type":"hello","protocol":0}\n'),
        /refused.*restart the gate/,
      );
    });

    it('refuses a second gate, which takes over when the first is gone', async () => {
      await using at = await workplace();
      await at.server(at.route.socket);
      at.routes.set('one', at.route);
      const link = await at.serve();
      const stopFirst = at.gate();
      await link.waitConnected(patienceMs);
      const log = new Logged();
      at.gate(log);
      await log.heard('another gate is connected');
      assert.ok(link.connected);
      await stopFirst();
      await log.heard('linked to serve');
      await link.waitConnected(patienceMs);
      using client = new Client(at.route.port);
      await client.heard('greeting');
    });

    it('survives, on the gate’s side, a serve that talks nonsense', async () => {
      await using at = await workplace();
      const log = new Logged();
      const sockets: Socket[] = [];
      const impostor = createServer((socket) => {
        sockets.push(socket);
        socket.write('{"type":"set","request":1,"route":{"port":"all"}}\n');
      }).listen(at.socketPath);
      at.gate(log);
      await log.heard('malformed message');
      const closed = once(impostor, 'close');
      impostor.close();
      for (const socket of sockets) socket.destroy();
      await closed;
      await (await at.serve()).waitConnected(patienceMs);
    });
  });

  describe('its socket', () => {
    it('is for its owner alone', async () => {
      await using at = await workplace();
      await at.serve();
      assert.equal((await stat(at.socketPath)).mode & 0o777, 0o600);
    });

    it('replaces one that a killed serve has left', async () => {
      await using at = await workplace();
      const listen = `require('net').createServer().listen(process.argv[1], () => console.log('listening'))`;
      const serve = spawn(process.execPath, ['-e', listen, at.socketPath], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      await once(serve.stdout, 'data');
      serve.kill('SIGKILL');
      await once(serve, 'exit');
      assert.ok((await stat(at.socketPath)).isSocket());
      at.gate();
      await (await at.serve()).waitConnected(patienceMs);
    });

    it('is not taken from another serve that is alive', async () => {
      await using at = await workplace();
      const link = await at.serve();
      await assert.rejects(at.serve(), { code: 'MYAAS_HOST_NOT_READY' });
      at.gate();
      await link.waitConnected(patienceMs);
    });

    it('tells what to do when its directory is missing', async () => {
      const link = new GateLink({
        socketPath: '/nonexistent/gate.sock',
        routes: () => [],
        onSight: () => undefined,
        log: new Logged(),
      });
      await assert.rejects(link.listen(), { code: 'MYAAS_HOST_NOT_READY' });
    });
  });
});
