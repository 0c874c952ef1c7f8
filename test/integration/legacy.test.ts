import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http';
import { text } from 'node:stream/consumers';
import type { Instance } from '../../daemon/contract/instances.ts';
import { startHost, type TestHost } from '../support/daemon.ts';

const people = `
create table test (id int primary key, name varchar(32));
insert into test values (1, 'alice'), (2, 'bob');
`;

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
  readonly body: Record<string, unknown>;
}

/** Speaks plain HTTP, with exactly the headers that are given. */
async function ask(
  host: TestHost,
  method: string,
  path: string,
  headers: OutgoingHttpHeaders = {},
  body?: string,
  socketPath?: string,
): Promise<Answer> {
  const { port } = host.config.listen;
  const request = httpRequest({
    ...(socketPath === undefined ? { host: '127.0.0.1', port } : { socketPath }),
    method,
    path,
    headers,
  });
  request.end(body);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  const answer = await text(response);
  const isJson = response.headers['content-type']?.includes('application/json') ?? false;
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    text: answer,
    body: isJson ? (JSON.parse(answer) as Record<string, unknown>) : {},
  };
}

const form = { 'content-type': 'application/x-www-form-urlencoded' };
const json = { 'content-type': 'application/json' };

describe('the API of the original', () => {
  let host: TestHost;
  let ada: string;

  before(async () => {
    host = await startHost();
    ada = host.userToken('ada');
    await host.importDump('shop', people);
    await host.importDump('a-b', people);
  });
  after(() => host.stop());

  const call = (
    method: string,
    path: string,
    headers: OutgoingHttpHeaders = {},
    body?: string,
    token = ada,
  ) => ask(host, method, path, { authorization: `Bearer ${token}`, ...headers }, body);
  const remove = (path: string) => call('DELETE', path, {}, undefined, host.adminToken);

  const secondsLeft = ({ body }: Answer): number => Number(body['expires_at']) - Date.now() / 1000;

  it('tells that it runs, the templates and the databases', async () => {
    await call('POST', '/db/shop/listed');
    const { status, body } = await call('GET', '/');
    assert.equal(status, 200);
    assert.deepEqual(body, {
      status: 'Service is running',
      templates: ['a-b', 'shop'],
      databases: ['shop,listed'],
    });
    const templates = await call('GET', '/templates');
    assert.deepEqual([templates.status, templates.body], [200, { templates: ['a-b', 'shop'] }]);
    await remove('/db/shop/listed');
  });

  it('lists databases, with the state in the words of Docker', async () => {
    assert.deepEqual((await call('GET', '/db')).body, { databases: [] });
    await call('POST', '/db/shop/lasting', json, '{"ttl": "never"}');
    await call('POST', '/db/shop/leased', json, '{"ttl": 60}');
    const { status, body } = await call('GET', '/db');
    assert.equal(status, 200);
    const [lasting, leased] = body['databases'] as Record<string, unknown>[];
    assert.deepEqual(Object.keys(lasting ?? {}).sort(), ['created', 'name', 'state', 'template']);
    assert.deepEqual(Object.keys(leased ?? {}).sort(), [
      'created',
      'expires_at',
      'name',
      'state',
      'template',
    ]);
    assert.deepEqual([leased?.['template'], leased?.['name']], ['shop', 'leased']);
    assert.match(String(leased?.['state']), /^Up /);
    assert.ok(Number.isInteger(leased?.['created']));
    assert.match(leased?.['expires_at'] as string, /^\d{10}\.\d{6}$/);
    await remove('/db/shop/lasting');
    await remove('/db/shop/leased');
  });

  it('makes a database, and shows it with the fields and types of old', async () => {
    const made = await call('POST', '/db/shop/fields');
    assert.equal(made.status, 201);
    const shown = await call('GET', '/db/shop/fields');
    assert.equal(shown.status, 200);
    const { status: madeStatus, ...fixed } = made.body;
    const { status: shownStatus, ...same } = shown.body;
    assert.deepEqual(same, fixed);
    assert.match(String(madeStatus), /^Up /);
    assert.match(String(shownStatus), /^Up /);
    const { created, expires_at: expiresAt, password, port, ...rest } = fixed;
    assert.deepEqual(rest, {
      database: 'shop',
      host: '127.0.0.1',
      name: 'fields',
      running: true,
      user: 'myaas',
    });
    assert.ok(Number.isInteger(created) && Math.abs(Number(created) - Date.now() / 1000) < 60);
    assert.match(expiresAt as string, /^\d{10}\.\d{6}$/);
    assert.match(port as string, /^\d+$/);
    assert.match(password as string, /^[A-Za-z0-9]{24,}$/);
    const { body: instance } = await host.api<Instance>('GET', '/v1/instances/shop%2Ffields');
    const connection = await host.connect({ ...instance, password: String(password) });
    await connection.query('select * from test');
    connection.destroy();
    await remove('/db/shop/fields');
  });

  it('shows the container, when all of it is asked for', async () => {
    await call('POST', '/db/shop/all');
    const { status, body } = await call('GET', '/db/shop/all?all=1');
    assert.equal(status, 200);
    assert.deepEqual(Object.keys(body), ['container']);
    const container = body['container'] as { State: { Running: boolean }; Config: object };
    assert.equal(container.State.Running, true);
    const { body: shown } = await call('GET', '/db/shop/all');
    assert.ok(!JSON.stringify(container).includes(String(shown['password'])));
    assert.equal((await call('GET', '/db/shop/all?all=1', {}, undefined, host.userToken('bob'))).status, 403);
    await remove('/db/shop/all');
  });

  describe('takes the lease', () => {
    const day = 86_400;
    const cases: readonly (readonly [string, OutgoingHttpHeaders, string | undefined, number | undefined])[] =
      [
        ['as JSON', json, '{"ttl": 600}', 600],
        ['as JSON text', json, '{"ttl": "600"}', 600],
        ['as a form', form, 'ttl=600', 600],
        ['with a unit', form, 'ttl=8h', 28_800],
        ['that never ends, as a form', form, 'ttl=0', undefined],
        ['from the configuration when there is no body', {}, undefined, day],
        ['from the configuration when the body is empty', { 'content-length': 0 }, undefined, day],
        ['from the configuration when the JSON is empty', { ...json, 'content-length': 0 }, undefined, day],
        ['from the configuration when the form is empty', form, '', day],
        ['from the configuration when it is 0', json, '{"ttl": 0}', day],
        ['from the configuration when it is null', json, '{"ttl": null}', day],
        ['from the configuration when the body has none', json, '{"other": 1}', day],
        [
          'from the configuration when the body is of another type',
          { 'content-type': 'text/plain' },
          'x',
          day,
        ],
      ];
    for (const [how, headers, body, seconds] of cases) {
      it(how, async () => {
        const made = await call('POST', '/db/shop/leased', headers, body);
        assert.equal(made.status, 201, made.text);
        if (seconds === undefined) assert.ok(!('expires_at' in made.body));
        else assert.ok(Math.abs(secondsLeft(made) - seconds) < 30, String(made.body['expires_at']));
        await remove('/db/shop/leased');
      });
    }

    it('and refuses one that is none', async () => {
      const before = await host.census();
      for (const [headers, body] of [
        [json, '{"ttl": -1}'],
        [json, '{"ttl": 3153600000}'],
        [json, '{"ttl": true}'],
        [json, '{"ttl": [1]}'],
        [json, '{"ttl": 1e999}'],
        [json, '{"ttl": '],
        [form, 'ttl=soon'],
        [form, 'ttl=1&ttl=2'],
        [form, `ttl=${'9'.repeat(10_000)}`],
      ] as const) {
        const { status, body: answer } = await call('POST', '/db/shop/x', headers, body);
        assert.equal(status, 400, body.slice(0, 40));
        assert.deepEqual(Object.keys(answer), ['status']);
        assert.ok(String(answer['status']).length < 500);
      }
      assert.deepEqual(await host.census(), before);
    });
  });

  it('answers 304 without a body when the database exists', async () => {
    await call('POST', '/db/shop/twice');
    const before = await host.census();
    const again = await call('POST', '/db/shop/twice', form, 'ttl=5');
    assert.deepEqual([again.status, again.text], [304, '']);
    assert.equal(again.headers['content-type'], undefined);
    assert.deepEqual(await host.census(), before);
    await remove('/db/shop/twice');
  });

  it('answers 204 without a body to a delete, and 404 to the next', async () => {
    const before = await host.census();
    await call('POST', '/db/shop/gone');
    const gone = await call('DELETE', '/db/shop/gone');
    assert.deepEqual([gone.status, gone.text, gone.headers['content-type']], [204, '', undefined]);
    assert.deepEqual(await host.census(), before);
    for (const method of ['GET', 'DELETE']) {
      const { status, body } = await call(method, '/db/shop/gone');
      assert.deepEqual([status, body], [404, { status: 'Not found' }]);
    }
  });

  it('knows no template that is not there', async () => {
    const { status, body } = await call('POST', '/db/nothing/x');
    assert.deepEqual([status, body], [404, { status: 'Template "nothing" does not exist.' }]);
  });

  it('answers 423 while the template is being imported for the first time', async () => {
    await host.writeDump('slow.sql', `${people}\nselect sleep(600);`);
    const events = await host.watch();
    const { body } = await host.api<{ id: string }>('POST', '/v1/templates/refresh', {
      body: { templates: ['slow'] },
    });
    await events.until((event) => event.type === 'job' && event.job.imports[0]?.state === 'running');
    const locked = await call('POST', '/db/slow/x');
    assert.deepEqual(
      [locked.status, locked.body],
      [423, { status: 'Database not available, content is being imported.' }],
    );
    assert.deepEqual((await call('GET', '/templates')).body, { templates: ['a-b', 'shop'] });
    await host.api('DELETE', `/v1/jobs/${body.id}`);
    await host.api('DELETE', '/v1/templates/slow');
  });

  it('keeps "b" of "a" apart from "a-b"', async () => {
    await host.importDump('a', people);
    await call('POST', '/db/a/b');
    await call('POST', '/db/a-b/b');
    await call('POST', '/db/a/b-b');
    assert.equal((await call('DELETE', '/db/a/b')).status, 204);
    assert.deepEqual((await call('GET', '/')).body['databases'], ['a,b-b', 'a-b,b']);
    for (const path of ['/db/a-b/b', '/db/a/b-b']) {
      assert.equal((await call('GET', path)).body['running'], true);
      await remove(path);
    }
    await host.api('DELETE', '/v1/templates/a');
  });

  it('wants a token, and lets nobody but owner and admins delete', async () => {
    for (const [method, path] of [
      ['GET', '/'],
      ['GET', '/templates'],
      ['GET', '/db'],
      ['GET', '/db/shop/x'],
      ['POST', '/db/shop/x'],
      ['DELETE', '/db/shop/x'],
    ] as const) {
      for (const headers of [{}, { authorization: 'Bearer nobody' }]) {
        const { status, body, headers: answered } = await ask(host, method, path, headers);
        assert.equal(status, 401);
        assert.deepEqual(Object.keys(body), ['status']);
        assert.match(answered['www-authenticate'] ?? '', /^Bearer /);
      }
    }
    await call('POST', '/db/shop/mine');
    const bob = host.userToken('bob');
    assert.equal((await call('DELETE', '/db/shop/mine', {}, undefined, bob)).status, 403);
    assert.equal((await call('GET', '/db/shop/mine', {}, undefined, bob)).body['password'], '');
    assert.equal((await call('DELETE', '/db/shop/mine', {}, undefined, host.adminToken)).status, 204);
  });

  describe('with a user for those who have no token', () => {
    before(async () => {
      await host.serve.stop();
      await host.serve.start({ MYAAS_LEGACY_USER: 'scripts' });
    });
    after(async () => {
      await host.serve.stop();
      await host.serve.start();
    });

    const anonymous = (method: string, path: string, headers: OutgoingHttpHeaders = {}) =>
      ask(host, method, path, headers);

    it('serves everything without one, as that user', async () => {
      const made = await anonymous('POST', '/db/shop/theirs');
      assert.equal(made.status, 201);
      const { body } = await host.api<Instance>('GET', '/v1/instances/shop%2Ftheirs');
      assert.equal(body.owner, 'scripts');
      assert.equal((await anonymous('GET', '/db/shop/theirs')).body['password'], body.password);
      await call('POST', '/db/shop/mine');
      assert.equal((await anonymous('DELETE', '/db/shop/mine')).status, 403);
      await remove('/db/shop/mine');
      assert.equal((await anonymous('DELETE', '/db/shop/theirs')).status, 204);
    });

    it('takes no wrong token for none, and opens nothing else', async () => {
      assert.equal((await anonymous('GET', '/db', { authorization: 'Bearer nobody' })).status, 401);
      assert.equal((await anonymous('GET', '/v1/instances')).status, 401);
      assert.equal((await anonymous('GET', '/metrics')).status, 401);
    });

    it('refuses what a page in a browser may have sent', async () => {
      const before = await host.census();
      const port = String(host.config.listen.port);
      for (const headers of [
        { origin: 'https://evil.example' },
        { origin: 'null' },
        { origin: `http://127.0.0.1:${port}` },
        { 'sec-fetch-site': 'cross-site' },
        { 'sec-fetch-site': 'same-origin' },
        { host: 'evil.example' },
        { host: `evil.example:${port}` },
        { host: 'localhost.evil.example' },
        { host: '127.0.0.1.evil.example' },
      ]) {
        for (const [method, path] of [
          ['GET', '/db'],
          ['POST', '/db/shop/evil'],
          ['DELETE', '/db/shop/evil'],
        ] as const) {
          const { status, body } = await anonymous(method, path, headers);
          assert.equal(status, 403, JSON.stringify(headers));
          assert.deepEqual(Object.keys(body), ['status']);
        }
        assert.equal((await call('GET', '/db', headers)).status, 403);
      }
      assert.deepEqual(await host.census(), before);
    });

    it('knows the names of this host, and asks for none at its own socket', async () => {
      const port = String(host.config.listen.port);
      for (const name of [
        'localhost',
        `LOCALHOST:${port}`,
        `127.0.0.1:${port}`,
        `[::1]:${port}`,
        '10.1.2.3',
      ]) {
        assert.equal((await anonymous('GET', '/db', { host: name })).status, 200, name);
      }
      const { status } = await ask(host, 'GET', '/db', { host: 'd' }, undefined, host.paths.apiSocket);
      assert.equal(status, 200);
    });
  });
});
