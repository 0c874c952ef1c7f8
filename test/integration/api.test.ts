import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile, stat } from 'node:fs/promises';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { Validator } from '@seriousme/openapi-schema-validator';
import type { ErrorBody } from '../../daemon/contract/contract.ts';
import type { Instance } from '../../daemon/contract/instances.ts';
import type { Status } from '../../daemon/contract/status.ts';
import type { Job, Template } from '../../daemon/contract/templates.ts';
import { lookupGroup } from '../../daemon/host/accounts.ts';
import { startHost, type Answer, type ApiOptions, type TestHost } from '../support/daemon.ts';
import { Contract, type OpenApi } from '../support/openapi.ts';

const people = `
create table test (id int primary key, name varchar(32));
insert into test values (1, 'alice'), (2, 'bob');
`;

describe('the HTTP API', () => {
  let host: TestHost;
  let contract: Contract;
  let ada: string;
  let bob: string;

  before(async () => {
    host = await startHost();
    contract = new Contract((await host.api<OpenApi>('GET', '/v1/openapi.json')).body);
    ada = host.userToken('ada');
    bob = host.userToken('bob');
    await host.importDump('shop', people);
  });
  after(() => host.stop());

  /** Every answer is held to the OpenAPI document. */
  const api = <T>(method: string, path: string, options?: ApiOptions) =>
    contract.api<T>(host, method, path, options);

  const errorOf = ({ status, body }: Answer<ErrorBody>) => [status, body.error.code];

  const fails = async (
    expected: readonly [number, string],
    method: string,
    path: string,
    options?: ApiOptions,
  ) => {
    const answer = await api<ErrorBody>(method, path, options);
    assert.deepEqual(errorOf(answer), expected, answer.text);
    return answer;
  };

  const create = async (name: string, token: string, more: object = {}): Promise<Instance> => {
    const answer = await api<Instance>('POST', '/v1/instances', {
      token,
      body: { template: 'shop', name, ...more },
    });
    assert.equal(answer.status, 201, answer.text);
    return answer.body;
  };
  const remove = (id: string) => api('DELETE', `/v1/instances/${id}?force=1`);

  describe('describes itself', () => {
    it('in a valid OpenAPI 3.1 document, open to all, that knows every route', async () => {
      const { status, body } = await api<OpenApi>('GET', '/v1/openapi.json', { token: null });
      assert.equal(status, 200);
      const { valid, errors } = await new Validator().validate(structuredClone(body) as never);
      assert.ok(valid, JSON.stringify(errors, null, 2));
      assert.equal(body.openapi, '3.1.0');
      const operations = Object.entries(body.paths).flatMap(([path, methods]) =>
        Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
      );
      for (const operation of [
        'GET /healthz',
        'GET /metrics',
        'GET /v1/openapi.json',
        'GET /v1/status',
        'GET /v1/templates',
        'GET /v1/templates/{template}',
        'DELETE /v1/templates/{template}',
        'POST /v1/templates/refresh',
        'GET /v1/jobs/{id}',
        'DELETE /v1/jobs/{id}',
        'GET /v1/instances',
        'POST /v1/instances',
        'GET /v1/instances/{id}',
        'PATCH /v1/instances/{id}',
        'DELETE /v1/instances/{id}',
        'POST /v1/instances/{id}/reset',
        'GET /v1/instances/{id}/logs',
        'GET /v1/events',
      ]) {
        assert.ok(operations.includes(operation), operation);
      }
    });

    it('with a name for every schema, and a summary and the errors of every call', async () => {
      const { document } = contract;
      const names = ['Instance', 'Template', 'Version', 'Import', 'Job', 'Status', 'Error', 'CreateInstance'];
      for (const name of names) assert.ok(document.components.schemas[name], name);
      for (const [path, methods] of Object.entries(document.paths)) {
        for (const [method, { summary, responses, security }] of Object.entries(methods)) {
          assert.ok(summary, `${method} ${path}`);
          if (security?.length === 0) continue;
          assert.deepEqual(responses['401']?.content?.['application/json']?.schema, {
            $ref: '#/components/schemas/Error',
          });
        }
      }
      return Promise.resolve();
    });
  });

  describe('lets in', () => {
    it('everybody to /healthz, and nobody else without a token', async () => {
      assert.deepEqual((await api('GET', '/healthz', { token: null })).body, { status: 'ok' });
      for (const [path, methods] of Object.entries(contract.document.paths)) {
        for (const [method, { security }] of Object.entries(methods)) {
          if (security?.length === 0) continue;
          const answer = await fails(
            [401, 'MYAAS_UNAUTHORIZED'],
            method.toUpperCase(),
            path.replace('{id}', 'x').replace('{template}', 'shop'),
            { token: null },
          );
          assert.match(answer.headers.get('www-authenticate') ?? '', /^Bearer /);
        }
      }
    });

    it('nobody with a wrong token, or with one that is not sent as a bearer token', async () => {
      for (const authorization of [
        'Bearer nobody',
        `Bearer ${ada}x`,
        `Bearer ${ada} ${ada}`,
        `Basic ${Buffer.from(`ada:${ada}`).toString('base64')}`,
        'Bearer',
        'Bearer ',
        ada,
      ]) {
        const answer = await fails([401, 'MYAAS_UNAUTHORIZED'], 'GET', '/v1/status', {
          token: null,
          headers: { authorization },
        });
        assert.ok(!answer.text.includes(ada));
      }
    });

    it('nobody with a token that was revoked, from that moment on', async () => {
      const token = host.userToken('eve');
      assert.equal((await api('GET', '/v1/status', { token })).status, 200);
      const [issued] = host.registry.users.list().find(({ name }) => name === 'eve')?.tokens ?? [];
      assert.ok(issued && host.registry.users.revokeToken(issued.id));
      await fails([401, 'MYAAS_UNAUTHORIZED'], 'GET', '/v1/status', { token });
      const another = host.userToken('eve');
      assert.equal((await api('GET', '/v1/status', { token: another })).status, 200);
      host.registry.users.remove('eve');
      await fails([401, 'MYAAS_UNAUTHORIZED'], 'GET', '/v1/status', { token: another });
    });

    it('root by a token file that only root can read', async () => {
      const { mode, uid } = await stat(host.paths.rootToken);
      assert.deepEqual([mode & 0o777, uid], [0o600, 0]);
      const token = await readFile(host.paths.rootToken, 'utf8');
      const { body } = await api<Status>('GET', '/v1/status', { token });
      assert.deepEqual([body.user.name, body.user.admin], ['root', true]);
    });

    it('the group "myaas" to the Unix socket, which speaks the same API and wants a token too', async () => {
      const { mode, uid, gid } = await stat(host.paths.apiSocket);
      assert.deepEqual([mode & 0o777, uid, gid], [0o660, 0, await lookupGroup('myaas')]);
      const ask = async (headers: Record<string, string>) => {
        const request = httpRequest({ socketPath: host.paths.apiSocket, path: '/v1/status', headers });
        request.end();
        const [response] = (await once(request, 'response')) as [IncomingMessage];
        return [response.statusCode, JSON.parse(await text(response))] as const;
      };
      const [refused, { error }] = (await ask({})) as [number, ErrorBody];
      assert.deepEqual([refused, error.code], [401, 'MYAAS_UNAUTHORIZED']);
      const [status, { user }] = (await ask({ authorization: `Bearer ${ada}` })) as [number, Status];
      assert.deepEqual([status, user.name, user.admin], [200, 'ada', false]);
    });
  });

  it('tells its status: version, host, engines, capacity, counts, and who asks', async () => {
    const instance = await create('counted', ada);
    const { body } = await api<Status>('GET', '/v1/status', { token: ada });
    assert.match(body.version, /^\d+\.\d+\.\d+/);
    assert.equal(body.host, host.config.hostname);
    assert.deepEqual(body.user, {
      name: 'ada',
      admin: false,
      role: 'member',
      templates: null,
      tokenExpiresAt: null,
    });
    assert.deepEqual(
      body.engines.map(({ name, image }) => [name, image]),
      [['mariadb', host.config.mysqlImage]],
    );
    assert.equal(body.gate, 'connected');
    assert.deepEqual(body.counts, { templates: 1, instances: { ready: 1 } });
    assert.deepEqual([body.capacity.portsTotal, body.capacity.portsFree], [40, 39]);
    assert.ok(body.capacity.diskFreeBytes > 0 && body.capacity.diskFreeBytes <= body.capacity.diskTotalBytes);
    assert.equal(body.defaultTtlSeconds, 86_400);
    await remove(instance.id);
  });

  it("tells its metrics in Prometheus' text format", async () => {
    const instance = await create('measured', ada);
    const { status, headers, text: metrics } = await api('GET', '/metrics', { token: ada });
    assert.deepEqual(
      [status, headers.get('content-type')],
      [200, 'text/plain; version=0.0.4; charset=utf-8'],
    );
    assert.ok(metrics.endsWith('\n'));
    for (const line of metrics.trimEnd().split('\n')) {
      assert.match(
        line,
        /^(|# (HELP|TYPE) \w+ \S.*|\w+(\{(\w+="[^"]*",?)+\})? (-?\d+(\.\d+)?(e[+-]?\d+)?|NaN))$/,
      );
    }
    assert.match(metrics, /^myaas_instances\{state="ready"\} 1$/m);
    assert.match(metrics, /^myaas_ports_free 39$/m);
    await remove(instance.id);
  });

  it('has every metric that the Grafana dashboard shows', async () => {
    const { text: metrics } = await api('GET', '/metrics', { token: ada });
    const there = new Set([...metrics.matchAll(/^# TYPE (\w+) /gm)].map(([, name]) => name));
    const dashboard = JSON.parse(await readFile('daemon/host/assets/grafana-dashboard.json', 'utf8')) as {
      panels: { targets: { expr: string }[] }[];
    };
    const shown = dashboard.panels
      .flatMap(({ targets }) => targets)
      .flatMap(({ expr }) => expr.match(/\b(?:myaas|process|nodejs)_\w+/g) ?? []);
    assert.ok(shown.length > 20);
    assert.deepEqual(
      shown.filter((name) => !there.has(name.replace(/_(bucket|count|sum)$/, ''))),
      [],
    );
  });

  describe('of templates', () => {
    it('shows them all, or one, with versions and what they were made of', async () => {
      const { body } = await api<{ templates: Template[] }>('GET', '/v1/templates', { token: ada });
      assert.deepEqual(
        body.templates.map(({ name }) => name),
        ['shop'],
      );
      const { body: shop } = await api<Template>('GET', '/v1/templates/shop', { token: ada });
      assert.deepEqual(shop, body.templates[0]);
      const [version] = shop.versions;
      assert.ok(version);
      assert.deepEqual(
        [shop.engine, shop.current, shop.sizeBytes],
        ['mariadb', version.version, version.sizeBytes],
      );
      assert.equal(shop.import?.state, 'imported');
      assert.deepEqual([version.dump, version.databases, version.instances], ['shop.sql', ['shop'], 0]);
      assert.match(version.engineVersion, /^\d+\.\d+/);
      assert.ok(version.sizeBytes > 0);
      await fails([404, 'MYAAS_TEMPLATE_NOT_FOUND'], 'GET', '/v1/templates/nothing');
    });

    it('lets admins refresh them, and follow or cancel the job', async () => {
      await fails([403, 'MYAAS_FORBIDDEN'], 'POST', '/v1/templates/refresh', { token: ada });
      await fails([404, 'MYAAS_DUMP_NOT_FOUND'], 'POST', '/v1/templates/refresh', {
        body: { templates: ['nothing'] },
      });
      const events = await host.watch();
      const { status, headers, body: job } = await api<Job>('POST', '/v1/templates/refresh');
      assert.deepEqual([status, headers.get('location')], [202, `/v1/jobs/${job.id}`]);
      await events.until((event) => event.type === 'job' && event.job.state === 'succeeded');
      const { body: done } = await api<Job>('GET', `/v1/jobs/${job.id}`, { token: ada });
      assert.deepEqual(
        done.imports.map(({ template, dump, state }) => [template, dump, state]),
        [['shop', 'shop.sql', 'unchanged']],
      );
      assert.ok(done.finishedAt !== null && done.finishedAt >= done.startedAt);
      await fails([403, 'MYAAS_FORBIDDEN'], 'DELETE', `/v1/jobs/${job.id}`, { token: ada });
      assert.equal((await api<Job>('DELETE', `/v1/jobs/${job.id}`)).body.state, 'succeeded');
      await fails([404, 'MYAAS_JOB_NOT_FOUND'], 'GET', '/v1/jobs/nothing');
      await fails([404, 'MYAAS_JOB_NOT_FOUND'], 'DELETE', '/v1/jobs/nothing');
    });

    it('undoes an import whose job is cancelled, before it answers', async () => {
      await host.writeDump('slow.sql', `${people}\nselect sleep(600);`);
      const events = await host.watch();
      const { body: job } = await api<Job>('POST', '/v1/templates/refresh', {
        body: { templates: ['slow'] },
      });
      await events.until((event) => event.type === 'job' && event.job.imports[0]?.state === 'running');
      const { body: shown } = await api<Template>('GET', '/v1/templates/slow');
      assert.deepEqual([shown.current, shown.import?.state], [null, 'running']);
      await fails([409, 'MYAAS_TEMPLATE_BUSY'], 'DELETE', '/v1/templates/slow');
      await fails([409, 'MYAAS_TEMPLATE_IMPORTING'], 'POST', '/v1/instances', {
        body: { template: 'slow', name: 'early' },
      });
      const { body: cancelled } = await api<Job>('DELETE', `/v1/jobs/${job.id}`);
      assert.deepEqual([cancelled.state, cancelled.imports[0]?.state], ['cancelled', 'cancelled']);
      assert.deepEqual(
        (await host.docker.list()).filter(({ role }) => role === 'import'),
        [],
      );
      assert.equal((await api('DELETE', '/v1/templates/slow')).status, 204);
      await fails([404, 'MYAAS_TEMPLATE_NOT_FOUND'], 'GET', '/v1/templates/slow');
    });

    it('lets admins delete one that nobody uses, or by force with all its instances', async () => {
      await host.importDump('brief', people);
      const before = await host.census();
      await host.create('brief', 'user');
      await fails([403, 'MYAAS_FORBIDDEN'], 'DELETE', '/v1/templates/brief', { token: ada });
      const { body } = await fails([409, 'MYAAS_TEMPLATE_IN_USE'], 'DELETE', '/v1/templates/brief');
      assert.match(body.error.message, /brief\/user/);
      assert.equal((await api('DELETE', '/v1/templates/brief?force=1')).status, 204);
      assert.deepEqual(await host.census(), before);
      await fails([404, 'MYAAS_TEMPLATE_NOT_FOUND'], 'DELETE', '/v1/templates/brief');
      await fails([404, 'MYAAS_TEMPLATE_NOT_FOUND'], 'GET', '/v1/templates/brief');
      await fails([400, 'MYAAS_BAD_NAME'], 'DELETE', '/v1/templates/..%2Fshop');
    });
  });

  describe('of instances', () => {
    it('answers a create with all there is to know, and where to find it', async () => {
      const answer = await api<Instance>('POST', '/v1/instances', {
        token: ada,
        body: { template: 'shop', name: 'full', ttl: '1h' },
      });
      const instance = answer.body;
      assert.equal(answer.status, 201);
      assert.equal(answer.headers.get('location'), `/v1/instances/${instance.id}`);
      const { id, version, port, password, url, createdAt, expiresAt, sizeBytes, createMs, ...rest } =
        instance;
      assert.deepEqual(rest, {
        template: 'shop',
        name: 'full',
        owner: 'ada',
        state: 'ready',
        engine: 'mariadb',
        engineSeries: '11.8',
        host: host.config.hostname,
        database: 'shop',
        user: 'myaas',
        protected: false,
        from: 'snapshot',
      });
      assert.match(id, /^[0-9a-f]{12}$/);
      assert.match(version, /^\d{8}T\d{6}Z/);
      assert.ok(port >= host.config.ports.from && port <= host.config.ports.to);
      assert.match(password ?? '', /^[A-Za-z0-9]{24,}$/);
      assert.equal(url, `mysql://myaas:${password ?? ''}@${instance.host}:${String(port)}/shop`);
      assert.equal(Date.parse(expiresAt ?? '') - Date.parse(createdAt) >= 3_599_000, true);
      assert.ok(sizeBytes > 0);
      assert.ok(createMs !== null && createMs > 0 && createMs < 60_000);
      for (const ref of [id, 'shop%2Ffull']) {
        assert.deepEqual((await api('GET', `/v1/instances/${ref}`, { token: ada })).body, instance);
      }
      await remove(id);
    });

    it('shows credentials to the owner and to admins, in lists too, and to nobody else', async () => {
      const instance = await create('secret', ada);
      const see = async (token: string) => {
        const { body: one } = await api<Instance>('GET', `/v1/instances/${instance.id}`, { token });
        const { body: all } = await api<{ instances: Instance[] }>('GET', '/v1/instances', { token });
        return [one, all.instances[0]].map((seen) => [seen?.password, seen?.url]);
      };
      const credentials = [instance.password, instance.url];
      assert.ok(instance.password !== undefined && instance.url !== undefined);
      assert.deepEqual(await see(ada), [credentials, credentials]);
      assert.deepEqual(await see(host.adminToken), [credentials, credentials]);
      const none = [undefined, undefined];
      assert.deepEqual(await see(bob), [none, none]);
      await remove(instance.id);
    });

    it('lists them by owner and template', async () => {
      await host.importDump('crm', people);
      const made = [
        await create('one', ada),
        await create('two', bob),
        await create('three', ada, { template: 'crm' }),
      ];
      const list = async (query: string) => {
        const { body } = await api<{ instances: Instance[] }>('GET', `/v1/instances${query}`);
        return body.instances.map(({ template, name }) => `${template}/${name}`);
      };
      assert.deepEqual(await list(''), ['crm/three', 'shop/one', 'shop/two']);
      assert.deepEqual(await list('?owner=ada'), ['crm/three', 'shop/one']);
      assert.deepEqual(await list('?owner=ada&template=shop'), ['shop/one']);
      assert.deepEqual(await list('?owner=nobody'), []);
      await fails([400, 'MYAAS_BAD_REQUEST'], 'GET', '/v1/instances?owner=a&owner=b');
      await Promise.all(made.map(({ id }) => remove(id)));
      await api('DELETE', '/v1/templates/crm');
    });

    it('lets the owner and admins change, reset, read the log of and delete one, and nobody else', async () => {
      const { id } = await create('mine', ada);
      const path = `/v1/instances/${id}`;
      const calls = [
        ['PATCH', path, { ttl: '2h' }],
        ['POST', `${path}/reset`, undefined],
        ['GET', `${path}/logs`, undefined],
        ['DELETE', path, undefined],
      ] as const;
      for (const [method, url, body] of calls) {
        const { body: refused } = await fails([403, 'MYAAS_FORBIDDEN'], method, url, {
          token: bob,
          ...(body && { body }),
        });
        assert.match(refused.error.message, /belongs to ada/);
      }
      for (const [method, url, body] of calls) {
        for (const token of method === 'DELETE' ? [ada] : [ada, host.adminToken]) {
          const { status } = await api(method, url, { token, ...(body && { body }) });
          assert.equal(status, method === 'DELETE' ? 204 : 200);
        }
      }
      for (const [method, url, body] of calls) {
        await fails([404, 'MYAAS_INSTANCE_NOT_FOUND'], method, url, { token: ada, ...(body && { body }) });
      }
    });

    it("shows the end of the server's log", async () => {
      const { id } = await create('talks', ada);
      const { body } = await api<{ log: string }>('GET', `/v1/instances/${id}/logs`, { token: ada });
      assert.match(body.log, /ready for connections/);
      await remove(id);
    });

    it('clones the version that is asked for', async () => {
      const { body: shop } = await api<Template>('GET', '/v1/templates/shop');
      const { id, version } = await create('chosen', ada, { version: shop.current });
      assert.equal(version, shop.current);
      await fails([404, 'MYAAS_VERSION_NOT_FOUND'], 'POST', '/v1/instances', {
        body: { template: 'shop', name: 'x', version: '19990101T000000Z' },
      });
      await fails([404, 'MYAAS_VERSION_NOT_FOUND'], 'POST', `/v1/instances/${id}/reset`, {
        body: { version: '../../../etc' },
      });
      await remove(id);
    });
  });

  describe('of mistakes', () => {
    it('tells in one envelope, with a request id that is another each time', async () => {
      const [one, two] = [
        await fails([404, 'MYAAS_NOT_FOUND'], 'GET', '/v1/nothing'),
        await fails([404, 'MYAAS_NOT_FOUND'], 'GET', '/nothing?token=secret'),
      ];
      assert.match(one.body.error.requestId, /^[0-9a-f-]{36}$/);
      assert.notEqual(one.body.error.requestId, two.body.error.requestId);
      assert.ok(!two.text.includes('secret'));
      for (const { hint, message } of [one.body.error, two.body.error])
        assert.ok(hint !== '' && message !== '');
    });

    it('knows no method but those of a route', async () => {
      for (const [method, path] of [
        ['PUT', '/v1/instances'],
        ['POST', '/v1/status'],
        ['DELETE', '/v1/instances'],
        ['PATCH', '/v1/templates/shop'],
      ] as const) {
        const { headers } = await fails([405, 'MYAAS_METHOD_NOT_ALLOWED'], method, path);
        assert.match(headers.get('allow') ?? '', /GET/);
      }
    });

    it('takes nothing but JSON of the right form', async () => {
      const post = (body: unknown, headers: Record<string, string> = {}) => ({ body, headers });
      const good = { template: 'shop', name: 'x' };
      const cases: readonly (readonly [number, unknown, Record<string, string>?])[] = [
        [415, JSON.stringify(good), { 'content-type': 'text/plain' }],
        [415, 'template=shop&name=x', { 'content-type': 'application/x-www-form-urlencoded' }],
        [400, '{"template": "shop",'],
        [400, ''],
        [400, 'null'],
        [400, []],
        [400, {}],
        [400, { template: 'shop' }],
        [400, { template: 7, name: 'x' }],
        [400, { template: 'shop', name: null }],
        [400, { template: 'shop', name: ['x'] }],
        [400, { ...good, ttl: true }],
        [400, { ...good, ttl: {} }],
        [400, { ...good, surprise: 1 }],
        [400, `{"template": "shop", "name": "x", "__proto__": {"ttl": 5}}`],
      ];
      for (const [status, body, headers] of cases) {
        await fails([status, 'MYAAS_BAD_REQUEST'], 'POST', '/v1/instances', post(body, headers));
      }
      const instance = await create('patched', ada);
      const path = `/v1/instances/${instance.id}`;
      for (const body of [
        { surprise: 1 },
        { protected: 'yes' },
        { ttl: '1h', expiresAt: null },
        { expiresAt: 5 },
      ]) {
        await fails([400, 'MYAAS_BAD_REQUEST'], 'PATCH', path, { body });
      }
      for (const expiresAt of ['yesterday', '2001-01-01T00:00:00Z']) {
        await fails([400, 'MYAAS_BAD_TTL'], 'PATCH', path, { body: { expiresAt } });
      }
      await fails([400, 'MYAAS_BAD_REQUEST'], 'POST', `${path}/reset`, { body: { versoin: 'latest' } });
      await fails([400, 'MYAAS_BAD_REQUEST'], 'POST', '/v1/templates/refresh', {
        body: { templates: 'shop' },
      });
      assert.deepEqual((await api('GET', path, { token: ada })).body, instance);
      await remove(instance.id);
    });
  });
});
