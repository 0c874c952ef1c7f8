import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { clientConfigPath, readClientConfig, writeClientConfig } from '../../daemon/cli/client-config.ts';
import { Client, ReportedError, parseAddress } from '../../daemon/cli/client.ts';
import { findConnection } from '../../daemon/cli/connection.ts';
import { MyaasError } from '../../daemon/errors/error.ts';

const withCode = (code: string) => (error: unknown) => error instanceof MyaasError && error.code === code;

describe('finding the daemon', () => {
  let home: string;
  let env: NodeJS.ProcessEnv;

  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'myaas-'));
    env = { HOME: home, MYAAS_RUN_DIR: join(home, 'run') };
  });
  afterEach(() => rm(home, { recursive: true }));

  it('takes address and token from the environment before all else', async () => {
    await writeClientConfig(env, { url: 'http://stored:1', token: 'stored' });
    Object.assign(env, { MYAAS_URL: 'http://given:2', MYAAS_TOKEN: 'given' });
    assert.deepEqual(await findConnection(env), { url: 'http://given:2', token: 'given' });
  });

  it('takes what "myaas login" stored', async () => {
    await writeClientConfig(env, { url: 'http://stored:1', token: 'stored' });
    assert.deepEqual(await findConnection(env), { url: 'http://stored:1', token: 'stored' });
  });

  it('sends the stored token to no other daemon', async () => {
    await writeClientConfig(env, { url: 'http://stored:1', token: 'stored' });
    env['MYAAS_URL'] = 'http://other:2';
    await assert.rejects(findConnection(env), withCode('MYAAS_NOT_LOGGED_IN'));
  });

  it('keeps the stored token from everybody else, and heeds XDG_CONFIG_HOME', async () => {
    env['XDG_CONFIG_HOME'] = join(home, 'elsewhere');
    const file = await writeClientConfig(env, { url: 'http://stored:1', token: 'stored' });
    assert.equal(file, join(home, 'elsewhere/myaas/config.json'));
    assert.equal((await stat(file)).mode & 0o777, 0o600);
    assert.equal((await stat(join(home, 'elsewhere/myaas'))).mode & 0o777, 0o700);
    assert.deepEqual(JSON.parse(await readFile(file, 'utf8')), { url: 'http://stored:1', token: 'stored' });
  });

  it('refuses a stored token that others can read', async () => {
    const file = await writeClientConfig(env, { url: 'http://stored:1', token: 'stored' });
    await chmod(file, 0o640);
    await assert.rejects(readClientConfig(env), withCode('MYAAS_BAD_CLIENT_CONFIG'));
  });

  for (const content of ['', 'no JSON', '[]', '{"url": "http://x:1"}', '{"url": "ftp://x", "token": "t"}']) {
    it(`says what is wrong with a configuration of ${JSON.stringify(content)}`, async () => {
      await writeClientConfig(env, { url: 'http://stored:1', token: 'stored' });
      await writeFile(clientConfigPath(env), content);
      await assert.rejects(readClientConfig(env), withCode('MYAAS_BAD_CLIENT_CONFIG'));
    });
  }

  it("uses this machine's daemon as root, by the token that the daemon leaves for root", async function () {
    if (process.getuid?.() !== 0) this.skip();
    const url = `unix:${home}/run/api.sock`;
    await assert.rejects(findConnection(env), withCode('MYAAS_DAEMON_UNREACHABLE'));
    await mkdir(join(home, 'run'));
    await writeFile(join(home, 'run/root-token'), 'of-root\n', { mode: 0o600 });
    assert.deepEqual(await findConnection(env), { url, token: 'of-root' });
  });

  it('knows an address when it sees one', () => {
    assert.equal(parseAddress('unix:/run/myaas/api.sock'), 'unix:/run/myaas/api.sock');
    assert.equal(parseAddress('http://db-host:5001/'), 'http://db-host:5001');
    assert.equal(parseAddress('http://[::1]:5001'), 'http://[::1]:5001');
    for (const none of ['', 'db-host:5001', 'unix:relative', 'ftp://x'])
      assert.equal(parseAddress(none), undefined);
  });
});

describe('the HTTP client', () => {
  let directory: string;
  let server: Server;

  const listen = async (listener: RequestListener): Promise<Client> => {
    server = createServer(listener).listen(join(directory, 's'));
    await once(server, 'listening');
    return new Client({ url: `unix:${directory}/s`, token: 'secret' });
  };

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'myaas-'));
    server = createServer();
  });
  afterEach(async () => {
    server.closeAllConnections();
    server.close();
    await rm(directory, { recursive: true });
  });

  it('sends JSON and its token over a Unix socket and reads JSON', async () => {
    const client = await listen((request, response) => {
      void Array.fromAsync(request).then((chunks) => {
        const { method, url, headers } = request;
        response.setHeader('content-type', 'application/json; charset=utf-8');
        response.end(
          JSON.stringify({
            method,
            url,
            authorization: headers.authorization,
            body: Buffer.concat(chunks as Buffer[]).toString(),
          }),
        );
      });
    });
    assert.deepEqual(await client.request('POST', '/v1/x?y=1', { body: { a: 'ä' } }), {
      method: 'POST',
      url: '/v1/x?y=1',
      authorization: 'Bearer secret',
      body: '{"a":"ä"}',
    });
  });

  it('speaks TCP too', async () => {
    server = createServer((_request, response) => response.writeHead(204).end()).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    assert.equal(
      await new Client({ url: `http://127.0.0.1:${port}`, token: 't' }).request('DELETE', '/'),
      undefined,
    );
  });

  it("throws the daemon's errors as errors with its code, hint and request id", async () => {
    const error = { code: 'MYAAS_INSTANCE_EXISTS', message: 'There.', hint: 'Another.', requestId: 'r-7' };
    const client = await listen((_request, response) => {
      response.writeHead(409, { 'content-type': 'application/json' }).end(JSON.stringify({ error }));
    });
    await assert.rejects(client.request('POST', '/'), (thrown: unknown) => {
      assert.ok(thrown instanceof ReportedError);
      const { code, message, hint, requestId, status } = thrown;
      assert.deepEqual({ code, message, hint, requestId, status }, { ...error, status: 409 });
      return true;
    });
  });

  it('says so when something else answers there', async () => {
    const client = await listen((_request, response) => {
      response.writeHead(404, { 'content-type': 'text/html' }).end('<h1>Not found</h1>');
    });
    await assert.rejects(client.request('GET', '/'), withCode('MYAAS_DAEMON_UNREACHABLE'));
  });

  it('says so when nobody answers, or the answer breaks off', async () => {
    const absent = new Client({ url: `unix:${directory}/none`, token: 't' });
    await assert.rejects(absent.request('GET', '/'), withCode('MYAAS_DAEMON_UNREACHABLE'));
    const client = await listen((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' });
      response.write('{"half":', () => response.destroy());
    });
    await assert.rejects(client.request('GET', '/'), withCode('MYAAS_DAEMON_UNREACHABLE'));
  });

  it('hangs up when its signal aborts, with the reason of that', async () => {
    const stop = new AbortController();
    const hungUp = Promise.withResolvers<string>();
    const client = await listen((request) => {
      request.on('close', () => hungUp.resolve('closed'));
      stop.abort(new Error('enough'));
    });
    await assert.rejects(client.request('GET', '/', { signal: stop.signal }), /enough/);
    assert.equal(await hungUp.promise, 'closed');
  });
});
