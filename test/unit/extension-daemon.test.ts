import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { MyaasEvent } from '../../daemon/contract/contract.ts';
import { MyaasError } from '../../daemon/errors/error.ts';
import { createBackoff } from '../../extension/backoff.ts';
import { DaemonLink } from '../../extension/daemon.ts';
import { parseEvents } from '../../extension/events.ts';
import { createRedactor } from '../../extension/redact.ts';
import { Store } from '../../extension/store.ts';
import { anInstance, aStatus } from '../support/extension-samples.ts';

describe('The event stream', () => {
  const parse = async (...chunks: string[]) => {
    const stream = (async function* () {
      for (const chunk of chunks) yield Promise.resolve(chunk);
    })();
    return Array.fromAsync(parseEvents(stream, 'test'));
  };
  const text =
    ': still here\n\nid: r-1\nevent: hello\ndata: {"a":1}\n\nid: r-2\r\ndata: one\r\ndata: two\r\n\r\n';

  it('is read the same wherever it is cut', async () => {
    const whole = await parse(text);
    assert.deepEqual(whole, [
      { id: 'r-1', data: '{"a":1}' },
      { id: 'r-2', data: 'one\ntwo' },
    ]);
    for (let at = 1; at < text.length; at++)
      assert.deepEqual(await parse(text.slice(0, at), text.slice(at)), whole, `cut at ${at}`);
  });

  it('gives no event of which the end did not come', async () => {
    assert.deepEqual(await parse('id: r-1\ndata: half'), []);
  });
});

describe('The wait before another attempt', () => {
  const limits = { firstMs: 250, longestMs: 30_000 };

  it('doubles up to a limit, and begins anew after a success', () => {
    const longest = createBackoff(limits, () => 1);
    assert.deepEqual(
      Array.from({ length: 9 }, () => longest.next()),
      [250, 500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000],
    );
    longest.reset();
    assert.equal(longest.next(), 250);
  });

  it('is never less than half of that, and different in each window', () => {
    assert.equal(createBackoff(limits, () => 0).next(), 125);
    assert.equal(createBackoff(limits, () => 0.5).next(), 188);
  });
});

describe('The log', () => {
  it('holds no secret: none it was told, no bearer token, no password of a URL', () => {
    const { redact, hide } = createRedactor();
    hide('abc/def+ghi');
    assert.equal(redact('token abc/def+ghi, abc%2Fdef%2Bghi'), 'token ***, ***');
    assert.equal(redact('Authorization: Bearer myaas_x1'), 'Authorization: Bearer ***');
    assert.equal(redact('mysql://myaas:p4ss@127.0.0.1:1/shop'), 'mysql://myaas:***@127.0.0.1:1/shop');
    assert.equal(redact('http://127.0.0.1:5001/x@y'), 'http://127.0.0.1:5001/x@y');
  });

  it('keeps its words when a secret is one', () => {
    const { redact, hide } = createRedactor();
    hide('the');
    hide('');
    hide(undefined);
    assert.equal(redact('the daemon'), 'the daemon');
  });
});

/** A daemon reduced to what the line to it needs; how it answers is each test's own. */
class Peer {
  readonly requests: string[] = [];
  readonly #server: Server;
  readonly #streams = new Set<ServerResponse>();
  token: string | undefined = 'good';
  version = '0.1.0';
  instances = [anInstance({ id: 'a' })];
  #run = 1;
  #last = 0;

  constructor() {
    this.#server = createServer((request, response) => this.#answer(request, response));
  }

  async listen(port = 0): Promise<void> {
    this.#server.listen(port, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  send(event: MyaasEvent): void {
    this.#last++;
    for (const stream of this.#streams) stream.write(this.#frame(event));
  }

  /** As a daemon that is restarted does: it remembers no events of before. */
  dropStreams({ forgets = false } = {}): void {
    if (forgets) this.#run++;
    for (const stream of this.#streams) stream.destroy();
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    if (!this.#server.listening) return;
    this.#server.close();
    await once(this.#server, 'close');
  }

  get streams(): number {
    return this.#streams.size;
  }

  #frame(event: MyaasEvent): string {
    return `id: ${this.#run}-${this.#last}\ndata: ${JSON.stringify(event)}\n\n`;
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const path = request.url ?? '';
    this.requests.push(path);
    const json = (status: number, body: unknown) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    if (request.headers.authorization !== `Bearer ${String(this.token)}`) {
      const error = { code: 'MYAAS_UNAUTHORIZED', message: 'No.', hint: '', requestId: 'r' };
      json(401, { error });
    } else if (path === '/v1/status') json(200, aStatus({ version: this.version }));
    else if (path === '/v1/instances') json(200, { instances: this.instances });
    else if (path === '/v1/templates') json(200, { templates: [] });
    else {
      const resumed = String(request.headers['last-event-id'] ?? '').startsWith(`${this.#run}-`);
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(this.#frame({ type: 'hello', resumed }));
      this.#streams.add(response);
      response.once('close', () => this.#streams.delete(response));
    }
  }
}

describe('The line to the daemon', () => {
  let peer: Peer;
  let store: Store;
  let link: DaemonLink;
  let token: string | undefined;
  const log = { info: () => undefined, warn: () => undefined, hide: () => undefined };

  beforeEach(async () => {
    peer = new Peer();
    await peer.listen();
    store = new Store();
    token = 'good';
    const { url } = peer;
    link = new DaemonLink({
      store,
      log,
      findConnection: () => Promise.resolve({ url, token }),
      version: '0.1.0',
    });
  });
  afterEach(async () => {
    link.dispose();
    await peer.close();
  });

  /** Resolves when the store is as it should be. */
  const until = async (isSo: () => boolean): Promise<void> =>
    new Promise((resolve) => {
      const check = () => {
        if (!isSo()) return;
        listener.dispose();
        resolve();
      };
      const listener = store.onDidChange(check);
      check();
    });
  const is = (kind: typeof store.daemon.kind) => until(() => store.daemon.kind === kind);

  it('is silent until somebody holds it', () => {
    assert.deepEqual(peer.requests, []);
  });

  it('reads everything once for all who hold it, and closes when the last lets go', async () => {
    const first = link.hold();
    const second = link.hold();
    await Promise.all([first.api, second.api]);
    assert.deepEqual(
      store.instances.map(({ id }) => id),
      ['a'],
    );
    assert.deepEqual(peer.requests.sort(), ['/v1/events', '/v1/instances', '/v1/status', '/v1/templates']);
    first.dispose();
    first.dispose();
    peer.send({ type: 'instance', instance: anInstance({ id: 'b' }) });
    await until(() => store.instances.length === 2);
    second.dispose();
    await untilNoStream();
  });

  const untilNoStream = async () => {
    while (peer.streams > 0) await new Promise((resolve) => setImmediate(resolve));
  };

  it('reads nothing anew when it is taken up again where it was left', async () => {
    await link.during(() => Promise.resolve());
    await untilNoStream();
    peer.requests.length = 0;
    await link.during(() => Promise.resolve());
    assert.deepEqual(peer.requests, ['/v1/events']);
  });

  it('reads everything anew when the daemon does not remember where it was left', async () => {
    const hold = link.hold();
    await hold.api;
    peer.instances = [anInstance({ id: 'c' })];
    peer.dropStreams({ forgets: true });
    await until(() => store.instance('c') !== undefined);
    assert.equal(store.instance('a'), undefined);
    hold.dispose();
  });

  it('keeps what is shown while a daemon restarts quickly', async () => {
    const hold = link.hold();
    await hold.api;
    const kinds = new Set<string>();
    store.onDidChange(() => kinds.add(store.daemon.kind));
    peer.dropStreams({ forgets: true });
    peer.instances = [anInstance({ id: 'c' })];
    await until(() => store.instance('c') !== undefined);
    assert.deepEqual([...kinds], ['ready']);
    hold.dispose();
  });

  it('tells when the daemon is gone, and finds it when it is back', async () => {
    const hold = link.hold();
    await hold.api;
    const port = Number(new URL(peer.url).port);
    await peer.close();
    await is('unreachable');
    assert.deepEqual(store.instances, []);
    peer = new Peer();
    await peer.listen(port);
    link.retry();
    await is('ready');
    hold.dispose();
  });

  const refusals = [
    ['no-token', 'MYAAS_NOT_LOGGED_IN', () => void (token = undefined)],
    ['bad-token', 'MYAAS_UNAUTHORIZED', () => void (token = 'revoked')],
    ['mismatch', 'MYAAS_VERSION_MISMATCH', () => void (peer.version = '0.2.0')],
  ] as const;
  for (const [kind, code, arrange] of refusals) {
    it(`tells a command and the views of ${kind}`, async () => {
      arrange();
      await assert.rejects(
        link.during(() => Promise.resolve()),
        (error) => error instanceof MyaasError && error.code === code,
      );
      assert.equal(store.daemon.kind, kind);
    });
  }

  it('takes up a login that is made while it waits', async () => {
    token = undefined;
    const hold = link.hold();
    await assert.rejects(hold.api);
    token = 'good';
    await link.during(() => Promise.resolve());
    assert.equal(store.user?.name, 'alice');
    hold.dispose();
  });

  it('forgets what was another daemon’s when it connects anew', async () => {
    const hold = link.hold();
    await hold.api;
    link.reconnect();
    assert.deepEqual([store.daemon.kind, store.instances], ['unknown', []]);
    await is('ready');
    hold.dispose();
  });
});
