import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser, Page } from 'playwright-core';
import type { Instance } from '../../daemon/contract/instances.ts';
import { findProgram } from '../../daemon/drivers/program.ts';
import { openChromium } from '../support/chromium.ts';
import { startHost, type TestHost } from '../support/daemon.ts';

const page = '<!doctype html><title>A page</title><body></body>';

/** An enemy's site; it has nothing but pages for scripts to run in. */
async function openSite(): Promise<AsyncDisposable & { readonly port: number }> {
  const server = createServer((_request, response) =>
    response.writeHead(200, { 'content-type': 'text/html' }).end(page),
  );
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Of the page whose name points to the API. */
const ownPath = '/page';

/** Nobody is told the answer to a beacon. */
const beacon = '/db/shop/beacon';

/** What a page can do with an address, by what of it the page is told. All of it is JavaScript of the page. */
const attempts: Readonly<Record<string, (url: string, token: string) => string>> = {
  'a read': (url) => `fetch('${url}/v1/instances').then(({ status }) => status)`,
  'a read that it is not to see': (url) =>
    `fetch('${url}/v1/instances', { mode: 'no-cors' }).then(({ status }) => status)`,
  'a read with a stolen token': (url, token) =>
    `fetch('${url}/v1/instances', { headers: { authorization: 'Bearer ${token}' } }).then(({ status }) => status)`,
  'a change without asking first': (url) =>
    `fetch('${url}/db/shop/fetched', { method: 'POST', mode: 'no-cors', credentials: 'include' }).then(({ status }) => status)`,
  'a change in JSON with a stolen token': (url, token) =>
    `fetch('${url}/v1/instances', { method: 'POST', headers: { 'content-type': 'application/json', authorization: 'Bearer ${token}' }, body: '{"template":"shop","name":"posted"}' }).then(({ status }) => status)`,
  'a deletion': (url) => `fetch('${url}/db/shop/mine', { method: 'DELETE' }).then(({ status }) => status)`,
  events: (url) =>
    `new Promise((resolve) => {
      const source = new EventSource('${url}/v1/events');
      source.onopen = () => { source.close(); resolve(200); };
      source.onerror = () => { source.close(); resolve(0); };
    })`,
  'a socket': (url) =>
    `new Promise((resolve) => {
      const socket = new WebSocket('${url}/v1/events'.replace('http', 'ws'));
      socket.onopen = () => resolve(200);
      socket.onerror = () => resolve(0);
    })`,
  'an image': (url) =>
    `new Promise((resolve) => {
      const image = new Image();
      image.onload = () => resolve(200);
      image.onerror = () => resolve(0);
      image.src = '${url}/db/shop/mine';
    })`,
  'a script': (url) =>
    `new Promise((resolve) => {
      const script = document.createElement('script');
      script.onload = () => resolve(200);
      script.onerror = () => resolve(0);
      script.src = '${url}/db/shop/mine';
      document.body.append(script);
    })`,
  // The last, so that its answer is seen before its page is left.
  'a change that outlives it': (url) =>
    `Promise.resolve(navigator.sendBeacon('${url}${beacon}', new URLSearchParams({ ttl: '60' })) ? 0 : 200)`,
};

/** Not every answer is shown by the browser: the socket's never, and others are lost when their page is left at once. */
const enough = Object.keys(attempts).length / 2;

/** What a page is told of what was refused: nothing at all, or, when it is of the same origin, that it was. */
const isRefusal = (told: unknown): boolean => told === 0 || told === 403;

describe('a page in a real browser', function () {
  this.timeout(300_000);
  let host: TestHost;
  let site: Awaited<ReturnType<typeof openSite>>;
  let browser: Browser;
  let mine: Instance;
  let port: number;

  before(async () => {
    // The API of the original wants no token of this user: nothing but what is tested here stands before it.
    host = await startHost({ MYAAS_LEGACY_USER: 'ada' });
    host.userToken('ada');
    await host.importDump('shop', 'create table t (a int);');
    const made = await host.api('POST', '/db/shop/mine', { token: null });
    assert.equal(made.status, 201, made.text);
    const [row] = (await host.api<{ instances: Instance[] }>('GET', '/v1/instances')).body.instances;
    assert.ok(row);
    mine = row;
    port = host.config.listen.port;
    site = await openSite();
    // Names of the enemy's domain, one of which was made to point to this machine after its page was loaded.
    const chromium = await findProgram('chromium');
    assert.ok(chromium);
    browser = await openChromium(chromium, [
      '--host-resolver-rules=MAP *.example 127.0.0.1',
      // New browsers ask their user first whether a page may reach this machine; older ones do not.
      '--disable-features=LocalNetworkAccessChecks',
    ]);
  });
  after(async () => {
    await browser.close();
    await site[Symbol.asyncDispose]();
    await host.stop();
  });

  const told = (on: Page, script: string): Promise<unknown> => on.evaluate(`${script}.catch(() => 0)`);
  const nothingWasDone = async (): Promise<void> => {
    const { instances } = (await host.api<{ instances: Instance[] }>('GET', '/v1/instances')).body;
    assert.deepEqual(
      instances.map(({ id, state }) => [id, state]),
      [[mine.id, 'ready']],
    );
  };
  /** The API's own answers to what a page sends it, also those that the page is not told. */
  const answersTo = async (on: Page) => {
    const devtools = await on.context().newCDPSession(on);
    await devtools.send('Network.enable');
    const paths = new Map<string, string>();
    const answers = new Map<string, number>();
    const statuses: number[] = [];
    const beaconed = Promise.withResolvers<undefined>();
    /** The two come in any order. */
    const match = (requestId: string) => {
      const path = paths.get(requestId);
      const status = answers.get(requestId);
      if (path === undefined || path === ownPath || status === undefined) return;
      answers.delete(requestId);
      statuses.push(status);
      if (path === beacon) beaconed.resolve(undefined);
    };
    devtools.on('Network.requestWillBeSent', ({ requestId, request: { url } }) => {
      if (new URL(url).port === String(port)) paths.set(requestId, new URL(url).pathname);
      match(requestId);
    });
    devtools.on('Network.responseReceivedExtraInfo', ({ requestId, statusCode }) => {
      answers.set(requestId, statusCode);
      match(requestId);
    });
    return { statuses, beaconed: beaconed.promise };
  };

  for (const name of ['127.0.0.1', 'localhost']) {
    it(`of another site gets nothing from http://${name}, and does nothing there`, async () => {
      const on = await browser.newPage();
      const { statuses, beaconed } = await answersTo(on);
      for (const [what, attempt] of Object.entries(attempts)) {
        await on.goto(`http://evil.example:${String(site.port)}/`);
        const script = attempt(`http://${name}:${String(port)}`, host.adminToken);
        assert.ok(isRefusal(await told(on, script)), what);
      }
      await beaconed;
      assert.ok(statuses.length >= enough, `It has answered ${String(statuses.length)} times.`);
      assert.deepEqual([...new Set(statuses)], [403]);
      await nothingWasDone();
      await on.close();
    });

    for (const [what, leave] of Object.entries({
      'a link': (url: string) => `location.href = '${url}/db/shop/mine';`,
      'a form': (url: string) =>
        `const form = document.createElement('form');
         form.method = 'post';
         form.action = '${url}/db/shop/form';
         document.body.append(form);
         form.submit();`,
    })) {
      it(`of another site leads nowhere by ${what} to http://${name}`, async () => {
        const on = await browser.newPage();
        await on.goto(`http://evil.example:${String(site.port)}/`);
        const [response] = await Promise.all([
          on.waitForResponse((each) => new URL(each.url()).port === String(port)),
          on.evaluate(`{ ${leave(`http://${name}:${String(port)}`)} }`),
        ]);
        assert.equal(response.status(), 403);
        await nothingWasDone();
        await on.close();
      });
    }
  }

  it('whose name was made to point to this machine (DNS rebinding) gets nothing, and does nothing', async () => {
    const on = await browser.newPage();
    const { statuses, beaconed } = await answersTo(on);
    const origin = `http://rebind.example:${String(port)}`;
    // The page came from the enemy, before the name pointed here.
    await on.route(`${origin}${ownPath}`, (route) => route.fulfill({ contentType: 'text/html', body: page }));
    for (const [what, attempt] of Object.entries(attempts)) {
      await on.goto(`${origin}${ownPath}`);
      assert.ok(isRefusal(await told(on, attempt(origin, host.adminToken))), what);
    }
    assert.equal(await told(on, `fetch('${origin}/v1/status').then(({ status }) => status)`), 403);
    await beaconed;
    assert.ok(statuses.length >= enough, `It has answered ${String(statuses.length)} times.`);
    assert.deepEqual([...new Set(statuses)], [403]);
    await nothingWasDone();
    await on.close();
  });

  it('is let do what it wants to a server that is not so careful: these attempts are real ones', async () => {
    await using careless = await openSite();
    const on = await browser.newPage();
    await on.goto(`http://evil.example:${String(site.port)}/`);
    const url = `http://127.0.0.1:${String(careless.port)}`;
    const sent: string[] = [];
    on.on('request', (request) => sent.push(`${request.method()} ${new URL(request.url()).pathname}`));
    assert.equal(
      await told(
        on,
        `fetch('${url}/db/shop/x', { method: 'POST', mode: 'no-cors' }).then(({ type }) => type)`,
      ),
      'opaque',
    );
    assert.deepEqual(sent, ['POST /db/shop/x']);
    await on.close();
  });
});
