import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { createServer } from 'node:net';
import { text } from 'node:stream/consumers';
import type { ErrorBody, MyaasEvent } from '../../daemon/contract/contract.ts';
import type { Instance } from '../../daemon/contract/instances.ts';
import type { Job } from '../../daemon/contract/templates.ts';
import { freePorts, startHost, type Census, type TestHost } from '../support/daemon.ts';

const people = `
create table test (id int primary key, name varchar(32));
insert into test values (1, 'alice'), (2, 'bob');
`;

const badNames = [
  '',
  '.',
  '..',
  '../shop',
  '../../etc/passwd',
  'a/b',
  '/',
  'a\\b',
  'a b',
  ' ',
  "o'neill",
  'a"b',
  'a`b',
  'a\0b',
  'a\nb',
  '%00',
  '%2e%2e',
  '-rf',
  '_x',
  '.hidden',
  "x'; drop table instances; --",
  '$(touch x)',
  '`id`',
  'a|b',
  'a&b',
  'a*',
  'a,b',
  'a:b',
  '__proto__',
  'é',
  'магазин',
  '店',
  'متجر',
  '😀',
  'a\u202eb',
  '\ud800',
  'x'.repeat(64),
  'x'.repeat(300),
  'x'.repeat(5000),
];

const isInstance =
  (name: string, state: Instance['state']) =>
  (event: MyaasEvent): event is Extract<MyaasEvent, { type: 'instance' }> =>
    event.type === 'instance' && event.instance.name === name && event.instance.state === state;
const isDeleted = (name: string) => (event: MyaasEvent) =>
  event.type === 'instance-deleted' && event.name === name;

describe('bad input', () => {
  let host: TestHost;
  let census: Census;

  before(async () => {
    host = await startHost();
    await host.importDump('shop', people);
  });
  after(() => host.stop());

  // Whatever a test does leaves containers, snapshots, ports and registry as they were.
  beforeEach(async () => {
    census = await host.census();
  });
  afterEach(async () => {
    assert.deepEqual(await host.census(), census);
  });

  const create = (body: unknown, signal?: AbortSignal) =>
    host.api<Instance & ErrorBody>('POST', '/v1/instances', { body, ...(signal && { signal }) });
  const remove = (ref: string) => host.api('DELETE', `/v1/instances/${encodeURIComponent(ref)}?force=1`);
  const fails = async (expected: readonly [number, string], method: string, path: string, body?: unknown) => {
    const answer = await host.api<ErrorBody>(method, path, body === undefined ? {} : { body });
    assert.deepEqual([answer.status, answer.body.error.code], expected, `${method} ${path.slice(0, 60)}`);
    assert.ok(answer.body.error.message.length < 400 && answer.body.error.hint !== '');
  };

  /** Sends a path as it stands, which `fetch` would tidy up. */
  const askRaw = async (method: string, path: string, body?: string) => {
    const request = httpRequest({
      host: '127.0.0.1',
      port: host.config.listen.port,
      method,
      path,
      headers: {
        authorization: `Bearer ${host.adminToken}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
    });
    request.end(body);
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    const answer = await text(response);
    return [response.statusCode, answer === '' ? undefined : (JSON.parse(answer) as unknown)] as const;
  };

  describe('in names', () => {
    for (const name of badNames) {
      it(JSON.stringify(name).slice(0, 40), async () => {
        const badName = [400, 'MYAAS_BAD_NAME'] as const;
        await fails(badName, 'POST', '/v1/instances', { template: 'shop', name });
        await fails(badName, 'POST', '/v1/instances', { template: name, name: 'x' });
        await fails(badName, 'POST', '/v1/templates/refresh', { templates: [name] });
        // A lone surrogate cannot be part of a path, nor can nothing.
        if (name === '' || !name.isWellFormed()) return;
        const encoded = encodeURIComponent(name);
        const unknown = [404, 'MYAAS_INSTANCE_NOT_FOUND'] as const;
        const path = `/v1/instances/${encodeURIComponent(`shop/${name}`)}`;
        await fails(unknown, 'GET', path);
        await fails(unknown, 'DELETE', path);
        await fails(unknown, 'PATCH', path, { ttl: 60 });
        await fails(unknown, 'POST', `${path}/reset`);
        if (!/^\.{1,2}$/.test(name)) {
          await fails([404, 'MYAAS_TEMPLATE_NOT_FOUND'], 'GET', `/v1/templates/${encoded}`);
          await fails(badName, 'DELETE', `/v1/templates/${encoded}`);
        }
        const legacy = `/db/shop/${encoded}`;
        assert.deepEqual(await askRaw('GET', legacy), [404, { status: 'Not found' }]);
        assert.deepEqual(await askRaw('DELETE', legacy), [404, { status: 'Not found' }]);
        for (const made of [legacy, `/db/${encoded}/x`]) {
          const [status, answer] = await askRaw('POST', made, '{}');
          assert.equal(status, 400);
          assert.match((answer as { status: string }).status, /is not a valid (instance|template) name/);
        }
      });
    }

    it('that are none, because the path is not encoded as paths are', async () => {
      for (const path of ['/v1/instances/%zz', '/v1/templates/%E0%A4%A', '/db/shop/%']) {
        const [status, body] = await askRaw('GET', path);
        assert.deepEqual([status, (body as ErrorBody).error.code], [400, 'MYAAS_BAD_REQUEST']);
      }
    });

    it('that lead out of where they belong, unencoded', async () => {
      for (const path of ['/v1/instances/../status', '/v1/templates/..', '/db/shop/../../etc']) {
        const [status] = await askRaw('GET', path);
        assert.equal(status, 404, path);
      }
    });

    it('that JavaScript has a meaning for are names like any other', async () => {
      for (const name of ['constructor', 'toString', 'hasOwnProperty']) {
        await fails([404, 'MYAAS_TEMPLATE_NOT_FOUND'], 'GET', `/v1/templates/${name}`);
        await fails([404, 'MYAAS_TEMPLATE_NOT_FOUND'], 'POST', '/v1/instances', {
          template: name,
          name: 'x',
        });
        await fails([404, 'MYAAS_INSTANCE_NOT_FOUND'], 'GET', `/v1/instances/${name}`);
        await fails([404, 'MYAAS_JOB_NOT_FOUND'], 'GET', `/v1/jobs/${name}`);
      }
      const { status, body } = await create({ template: 'shop', name: 'constructor' });
      assert.deepEqual([status, body.name], [201, 'constructor']);
      await remove('shop/constructor');
    });

    it('"b" of "a" and a template "a-b" are two things', async () => {
      await host.importDump('a', people);
      await host.importDump('a-b', people);
      const inA = await host.create('a', 'b');
      const inAB = await host.create('a-b', 'b');
      assert.equal((await remove('a/b')).status, 204);
      const { body } = await host.api<Instance>('GET', '/v1/instances/a-b%2Fb');
      assert.deepEqual([body.id, body.state], [inAB.id, 'ready']);
      assert.notEqual(inA.id, inAB.id);
      const connection = await host.connect(inAB);
      await connection.query('select * from test');
      connection.destroy();
      assert.equal((await host.api('DELETE', '/v1/templates/a')).status, 204);
      assert.equal((await host.api('GET', '/v1/templates/a-b')).status, 200);
      await remove('a-b/b');
      await host.api('DELETE', '/v1/templates/a-b');
    });
  });

  describe('in leases', () => {
    const cases: readonly (readonly [what: string, json: string, code: string])[] = [
      ['zero', '0', 'MYAAS_BAD_TTL'],
      ['zero as text', '"0"', 'MYAAS_BAD_TTL'],
      ['less than a second', '0.5', 'MYAAS_BAD_TTL'],
      ['negative', '-60', 'MYAAS_BAD_TTL'],
      ['negative text', '"-8h"', 'MYAAS_BAD_TTL'],
      ['a word', '"soon"', 'MYAAS_BAD_TTL'],
      ['nothing', '""', 'MYAAS_BAD_TTL'],
      ['a century', '3153600000', 'MYAAS_BAD_TTL'],
      ['a century in days', '"36500d"', 'MYAAS_BAD_TTL'],
      ['an unknown unit', '"100y"', 'MYAAS_BAD_TTL'],
      ['other digits', '"٨h"', 'MYAAS_BAD_TTL'],
      ['beyond all numbers', '1e999', 'MYAAS_BAD_REQUEST'],
      ['long text', `"${'9'.repeat(10_000)}"`, 'MYAAS_BAD_REQUEST'],
      ['null', 'null', 'MYAAS_BAD_REQUEST'],
      ['a list', '[60]', 'MYAAS_BAD_REQUEST'],
    ];
    for (const [what, json, code] of cases) {
      it(what, async () => {
        await fails(
          [400, code],
          'POST',
          '/v1/instances',
          `{"template": "shop", "name": "x", "ttl": ${json}}`,
        );
      });
    }

    it('a fraction counts as the seconds that are full', async () => {
      const { expiresAt, createdAt } = await host.create('shop', 'fraction', { ttl: 90.7 });
      const seconds = (Date.parse(expiresAt ?? '') - Date.parse(createdAt)) / 1000;
      assert.ok(Math.abs(seconds - 90) < 5);
      await remove('shop/fraction');
    });
  });

  it('a body of 10 MB is refused, by both APIs, and the daemon goes on', async () => {
    const large = JSON.stringify({ template: 'shop', name: 'x'.repeat(10 * 2 ** 20) });
    await fails([413, 'MYAAS_BODY_TOO_LARGE'], 'POST', '/v1/instances', large);
    const [status, body] = await askRaw('POST', '/db/shop/x', large);
    assert.equal(status, 413);
    assert.deepEqual(Object.keys(body as object), ['status']);
    assert.equal((await host.api('GET', '/v1/status')).status, 200);
  });

  it('a token of nobody makes and deletes nothing', async () => {
    const { id } = await host.create('shop', 'guarded');
    for (const [method, path] of [
      ['POST', '/v1/instances'],
      ['DELETE', `/v1/instances/${id}`],
      ['DELETE', '/v1/templates/shop?force=1'],
      ['POST', '/db/shop/x'],
      ['DELETE', '/db/shop/guarded'],
    ] as const) {
      assert.equal((await host.api(method, path, { token: 'nobody' })).status, 401);
    }
    assert.equal((await host.api('GET', `/v1/instances/${id}`)).status, 200);
    await remove(id);
  });

  describe('at the same time', () => {
    it('of many creates of one name one is made, and the others are told so', async () => {
      const answers = await Promise.all(
        Array.from({ length: 5 }, () => create({ template: 'shop', name: 'race' })),
      );
      assert.deepEqual(answers.map(({ status }) => status).sort(), [201, 409, 409, 409, 409]);
      for (const { status, body } of answers)
        if (status === 409) assert.equal(body.error.code, 'MYAAS_INSTANCE_EXISTS');
      const made = answers.find(({ status }) => status === 201)?.body;
      assert.ok(made);
      assert.equal((await host.census()).rows.length, census.rows.length + 1);
      const connection = await host.connect(made);
      await connection.query('select * from test');
      connection.destroy();
      await remove(made.id);
    });

    it('one that is deleted while it is made is not made', async () => {
      const events = await host.watch();
      const creating = create({ template: 'shop', name: 'unwanted' });
      await events.until(isInstance('unwanted', 'creating'));
      assert.equal((await remove('shop/unwanted')).status, 204);
      const { status, body } = await creating;
      assert.deepEqual([status, body.error.code], [409, 'MYAAS_CANCELLED']);
    });

    it('one that is reset while it is made or reset is fresh after all of it', async () => {
      const events = await host.watch();
      const creating = create({ template: 'shop', name: 'eager' });
      await events.until(isInstance('eager', 'creating'));
      const reset = () => host.api<Instance>('POST', '/v1/instances/shop%2Feager/reset');
      const answers = await Promise.all([creating, reset(), reset()]);
      assert.deepEqual(
        answers.map(({ status }) => status),
        [201, 200, 200],
      );
      const connection = await host.connect(answers[0].body);
      await connection.query('select * from test');
      connection.destroy();
      await remove('shop/eager');
    });

    it('one that is deleted while it is reset is gone', async () => {
      await host.create('shop', 'torn');
      const events = await host.watch();
      const resetting = host.api('POST', '/v1/instances/shop%2Ftorn/reset');
      await events.until(isInstance('torn', 'resetting'));
      const deletes = await Promise.all([remove('shop/torn'), remove('shop/torn')]);
      assert.deepEqual(
        deletes.map(({ status }) => status),
        [204, 204],
      );
      await resetting;
      await fails([404, 'MYAAS_INSTANCE_NOT_FOUND'], 'GET', '/v1/instances/shop%2Ftorn');
    });

    it('a create while the template is imported anew gets the version there is', async () => {
      const { body: shop } = await host.api<{ current: string }>('GET', '/v1/templates/shop');
      await host.writeDump('shop.sql', `${people}\nselect sleep(600);`);
      const events = await host.watch();
      const { body: job } = await host.api<Job>('POST', '/v1/templates/refresh', {
        body: { templates: ['shop'] },
      });
      await events.until((event) => event.type === 'job' && event.job.imports[0]?.state === 'running');
      const instance = await host.create('shop', 'meanwhile');
      assert.equal(instance.version, shop.current);
      await remove(instance.id);
      await host.api('DELETE', `/v1/jobs/${job.id}`);
      await host.writeDump('shop.sql', people);
    });
  });

  it('a client that hangs up in the middle of a create leaves nothing', async () => {
    const [events, after] = [await host.watch(), await host.watch()];
    const hangUp = new AbortController();
    const creating = create({ template: 'shop', name: 'abandoned' }, hangUp.signal);
    const created = await events.until(isInstance('abandoned', 'creating'));
    hangUp.abort();
    await assert.rejects(creating, { name: 'AbortError' });
    await after.until(isDeleted('abandoned'));
    assert.ok(created.type === 'instance');
    const server = createServer().listen(created.instance.port, host.config.bind);
    await once(server, 'listening');
    server.close();
    assert.deepEqual(await host.census(), census);
    assert.equal((await create({ template: 'shop', name: 'abandoned' })).status, 201);
    await remove('shop/abandoned');
  });

  it('without a gate, a create says so within seconds and leaves nothing', async () => {
    await host.gate.stop();
    try {
      const startedMs = performance.now();
      await fails([503, 'MYAAS_GATE_UNAVAILABLE'], 'POST', '/v1/instances', { template: 'shop', name: 'x' });
      assert.ok(performance.now() - startedMs < 10_000);
      assert.deepEqual(await host.census(), census);
      const { body } = await host.api<{ gate: string }>('GET', '/v1/status');
      assert.equal(body.gate, 'absent');
    } finally {
      await host.gate.start();
    }
  });
});

describe('a range of three ports', () => {
  let host: TestHost;
  let from = 0;

  before(async () => {
    from = await freePorts(3);
    host = await startHost({ MYAAS_PORTS: `${String(from)}-${String(from + 2)}` });
    await host.importDump('shop', people);
  });
  after(() => host.stop());

  it('is used but for the port that a stranger has, until it is used up', async () => {
    const stranger = createServer().listen(from, '127.0.0.1');
    await once(stranger, 'listening');
    try {
      const one = await host.create('shop', 'one');
      const two = await host.create('shop', 'two');
      assert.deepEqual([one.port, two.port], [from + 1, from + 2]);
      const before = await host.census();
      for (const name of ['three', 'four']) {
        const { status, body } = await host.api<ErrorBody>('POST', '/v1/instances', {
          body: { template: 'shop', name },
        });
        assert.deepEqual([status, body.error.code], [507, 'MYAAS_PORTS_EXHAUSTED']);
        assert.deepEqual(await host.census(), before);
      }
      stranger.close();
      await once(stranger, 'close');
      assert.equal((await host.create('shop', 'three')).port, from);
      const { status, body } = await host.api<ErrorBody>('POST', '/v1/instances', {
        body: { template: 'shop', name: 'four' },
      });
      assert.deepEqual([status, body.error.code], [507, 'MYAAS_PORTS_EXHAUSTED']);
      assert.match(body.error.message, new RegExp(`${String(from)}-${String(from + 2)}`));
    } finally {
      stranger.close();
    }
  });
});
