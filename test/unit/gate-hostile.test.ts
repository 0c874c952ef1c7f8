/** Either end of the control socket, spoken to by something that is not the other end. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import fc from 'fast-check';
import { obeyServe } from '../../daemon/gate/control.ts';
import { Gate } from '../../daemon/gate/gate.ts';
import { Lines } from '../../daemon/gate/lines.ts';
import { GateLink } from '../../daemon/gate/link.ts';
import {
  formatMessage,
  GateMessage,
  maxLineBytes,
  parseMessage,
  protocolVersion,
  ServeMessage,
  type Route,
  type Sight,
} from '../../daemon/gate/protocol.ts';
import { fuzzRuns } from '../support/fuzz-runs.ts';
import { freePort, Logged, temporaryDirectory } from './gate-peers.ts';

const words = fc.constantFrom(
  ...['hello', 'sync', 'set', 'remove', 'pause', 'refuse', 'stats', 'refused', 'done', 'failed', 'synced'],
  ...['activity', 'idle', 'wake', 'open', '__proto__', '', 'one'],
);
const value = fc.oneof(words, fc.integer(), fc.constantFrom(null, true, [], {}, [{}], 1e308), fc.string());
const fields = fc.constantFrom(
  'type',
  'request',
  'id',
  'route',
  'routes',
  'reason',
  'protocol',
  'force',
  'code',
);
/** Nearly messages, and what has never been one. No line break, so that each is one line. */
const line = fc.oneof(
  fc.dictionary(fields, value).map((message) => JSON.stringify(message)),
  words.chain((type) => fc.dictionary(fields, value).map((rest) => JSON.stringify({ ...rest, type }))),
  fc.json().map((text) => text.replaceAll('\n', ' ')),
  fc.string({ unit: 'binary' }).map((text) => text.replaceAll('\n', ' ')),
  fc.constantFrom('['.repeat(50_000), `"${'x'.repeat(100_000)}"`, '\0'),
);

describe('a line of the control socket, whatever it is', () => {
  it('is a message or nothing, and never throws', () => {
    fc.assert(
      fc.property(line, (text) => {
        for (const schema of [ServeMessage, GateMessage]) {
          const message = parseMessage(schema, text);
          if (message !== undefined) assert.deepEqual(message, JSON.parse(text));
        }
      }),
      fuzzRuns(1000),
    );
  });

  it('of more bytes than any message has is not kept', () => {
    const lines = new Lines(maxLineBytes);
    const chunk = Buffer.alloc(2 ** 20, 'x');
    for (let keptBytes = 0; keptBytes < maxLineBytes; keptBytes += chunk.length)
      assert.deepEqual(lines.push(chunk), []);
    assert.equal(lines.push(chunk), undefined);
  });
});

/** Resolves when the other side has closed the connection. */
async function closed(socket: Socket): Promise<void> {
  socket.resume();
  // `once` of node:events would fail on the error that a cut connection may end with.
  if (!socket.closed) await new Promise((resolve) => socket.once('close', resolve));
}

describe('serve, spoken to by something that is no gate', () => {
  it('does not take it for one, tells it no route, and is there for the gate afterwards', async () => {
    await using directory = await temporaryDirectory();
    const socketPath = join(directory.path, 'gate.sock');
    const sights: Sight[] = [];
    const log = new Logged();
    const link = new GateLink({ socketPath, routes: () => [], onSight: (sight) => sights.push(sight), log });
    await link.listen();
    try {
      const notHello = line.filter((text) => parseMessage(GateMessage, text)?.type !== 'hello');
      await fc.assert(
        fc.asyncProperty(fc.array(notHello, { minLength: 1, maxLength: 20 }), async (texts) => {
          const socket = connect(socketPath);
          let heard = '';
          socket.on('error', () => undefined).on('data', (chunk) => (heard += String(chunk)));
          socket.write(`${texts.join('\n')}\n`);
          await closed(socket);
          assert.equal(heard, '');
          assert.ok(!link.connected);
        }),
        fuzzRuns(100),
      );
      assert.deepEqual(sights, []);
      await using gate = await gateOf(socketPath);
      await link.waitConnected(10_000);
      assert.ok(link.connected && gate.open.length === 0);
    } finally {
      await link.close();
    }
  });

  it('hangs up on a flood, and on a gate that answers what it was not asked', async () => {
    await using directory = await temporaryDirectory();
    const socketPath = join(directory.path, 'gate.sock');
    const link = new GateLink({ socketPath, routes: () => [], onSight: () => undefined, log: new Logged() });
    await link.listen();
    const hello = formatMessage({ type: 'hello', protocol: protocolVersion });
    try {
      for (const flood of [
        hello.repeat(10_000),
        hello + formatMessage({ type: 'done', request: 77 }).repeat(10_000),
        Buffer.alloc(maxLineBytes + 2 ** 20, 'x'),
      ]) {
        const socket = connect(socketPath).on('error', () => undefined);
        socket.write(flood);
        await closed(socket);
        assert.ok(!link.connected);
      }
    } finally {
      await link.close();
    }
  });
});

/** A gate that obeys whoever listens at `socketPath`. */
async function gateOf(socketPath: string): Promise<AsyncDisposable & { readonly open: readonly unknown[] }> {
  const log = new Logged();
  const gate = new Gate({ bind: '127.0.0.1', log });
  const stop = new AbortController();
  const obeying = obeyServe(gate, { socketPath, log, signal: stop.signal });
  return Promise.resolve({
    get open() {
      return gate.activity();
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await obeying;
      await gate.close();
    },
  });
}

describe('the gate, spoken to by something that is not serve', () => {
  it('hangs up, opens no port, and keeps those it has', async () => {
    await using directory = await temporaryDirectory();
    const socketPath = join(directory.path, 'gate.sock');
    const route: Route = {
      id: 'one',
      port: await freePort(),
      socket: join(directory.path, 'one'),
      state: 'open',
    };
    const server = createServer().listen(socketPath);
    await once(server, 'listening');
    await using gate = await gateOf(socketPath);
    const comes = async () =>
      ((await once(server, 'connection')) as [Socket])[0].on('error', () => undefined);

    const serve = await comes();
    serve.write(formatMessage({ type: 'set', request: 1, route }));
    const heard = new Lines(maxLineBytes);
    for (let done = false; !done;) {
      const [chunk] = (await once(serve, 'data')) as [Buffer];
      done = heard.push(chunk)?.some((text) => parseMessage(GateMessage, text)?.type === 'done') ?? true;
    }
    serve.destroy();
    const before = gate.open;
    assert.equal(before.length, 1);

    const noMessage = line.filter((text) => parseMessage(ServeMessage, text) === undefined);
    await fc.assert(
      fc.asyncProperty(noMessage, async (text) => {
        const socket = await comes();
        // Behind it, what would open another port.
        const other = { ...route, id: 'two', port: 1 };
        socket.write(`${text}\n${formatMessage({ type: 'sync', request: 2, routes: [other] })}`);
        await closed(socket);
        assert.deepEqual(gate.open, before);
      }),
      fuzzRuns(6),
    );
    server.close();
  });
});
