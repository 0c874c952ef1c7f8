import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { request as httpRequest, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http';
import { request as httpsRequest, type RequestOptions } from 'node:https';
import { X509Certificate } from 'node:crypto';
import { text } from 'node:stream/consumers';
import { TLSSocket } from 'node:tls';
import { promisify } from 'node:util';
import type { AuditEntry } from '../../daemon/contract/audit.ts';
import type { ErrorBody } from '../../daemon/contract/contract.ts';
import type { Instance } from '../../daemon/contract/instances.ts';
import type { Status } from '../../daemon/contract/status.ts';
import type { Template } from '../../daemon/contract/templates.ts';
import { makeCertificate } from '../../daemon/engines/certificate.ts';
import { startHost, type ApiOptions, type TestHost } from '../support/daemon.ts';
import { person } from './cli-process.ts';

const people = 'create table test (id int primary key); insert into test values (1);';
const nobody = 65_534;

// The names of the describe blocks are the lines of the threat model in README.md.
describe('nobody gets in:', () => {
  let host: TestHost;
  let ada: string;
  let bob: string;
  let instance: Instance;

  before(async function () {
    this.timeout(180_000);
    host = await startHost();
    ada = host.userToken('ada');
    bob = host.userToken('bob');
    await host.importDump('shop', people);
    await host.importDump('crm', people);
    const made = await host.api<Instance>('POST', '/v1/instances', {
      token: ada,
      body: { template: 'shop', name: 'mine' },
    });
    assert.equal(made.status, 201, made.text);
    instance = made.body;
  });
  after(() => host.stop());

  const refused = async (
    expected: readonly [number, string],
    method: string,
    path: string,
    options?: ApiOptions,
  ) => {
    const { status, body, text: said } = await host.api<ErrorBody>(method, path, options);
    assert.deepEqual([status, body.error.code], expected, said);
  };

  /** Plain HTTP with exactly these headers. */
  const ask = async (method: string, path: string, headers: OutgoingHttpHeaders, socketPath?: string) => {
    const { port } = host.config.listen;
    const target = socketPath === undefined ? { host: '127.0.0.1', port } : { socketPath };
    const request = httpRequest({ ...target, method, path, headers, agent: false });
    request.end();
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    return { status: response.statusCode, headers: response.headers, text: await text(response) };
  };

  describe('another user of this machine', () => {
    it('can open no socket and read no file that would give access', async () => {
      const run = await readdir(host.config.runDir);
      const paths = [
        host.paths.apiSocket,
        host.paths.gateSocket,
        host.paths.rootToken,
        ...(await readdir(host.config.baseDir))
          .filter((name) => name.startsWith('registry.db'))
          .map((name) => `${host.config.baseDir}/${name}`),
        `${host.paths.instances}/${run.find((name) => /^[0-9a-f]{12}$/.test(name)) ?? ''}/datadir`,
      ];
      assert.ok(paths.length >= 6);
      // Without root's power over files, as anybody else is.
      const script = `
        const { accessSync, constants } = require('node:fs');
        for (const path of process.argv.slice(1))
          try { accessSync(path, constants.R_OK); console.log(path); } catch {}`;
      const { stdout } = await promisify(execFile)(process.execPath, ['-e', script, ...paths], {
        uid: nobody,
        gid: nobody,
        cwd: '/',
      });
      assert.equal(stdout, '');
    });

    it('finds no token and no password in arguments or environment of the daemons', async () => {
      for (const pid of [host.serve.pid, host.gate.pid]) {
        for (const file of ['cmdline', 'environ']) {
          const content = await readFile(`/proc/${String(pid)}/${file}`, 'utf8');
          for (const secret of [ada, host.adminToken, instance.password ?? '?'])
            assert.ok(!content.includes(secret), file);
        }
      }
    });
  });

  describe('another member with a token', () => {
    it('sees what there is, but no credentials, and can change nothing of it', async () => {
      const { body } = await host.api<Instance>('GET', `/v1/instances/${instance.id}`, { token: bob });
      assert.deepEqual([body.name, body.password, body.url], ['mine', undefined, undefined]);
      const path = `/v1/instances/${instance.id}`;
      const forbidden = [403, 'MYAAS_FORBIDDEN'] as const;
      for (const action of ['reset', 'sleep', 'wake'])
        await refused(forbidden, 'POST', `${path}/${action}`, { token: bob });
      await refused(forbidden, 'PATCH', path, { token: bob, body: { ttl: '1h' } });
      await refused(forbidden, 'GET', `${path}/logs`, { token: bob });
      await refused(forbidden, 'DELETE', path, { token: bob });
      await refused(forbidden, 'POST', '/v1/templates/refresh', { token: bob });
      assert.equal((await ask('DELETE', '/db/shop/mine', { authorization: `Bearer ${bob}` })).status, 403);
    });

    it('who may only read sees lists, but no credentials of their own either, and changes nothing', async () => {
      const token = host.registry.users.issueToken('ada', { role: 'read-only' });
      const { body } = await host.api<{ instances: Instance[] }>('GET', '/v1/instances', { token });
      const [seen] = body.instances;
      assert.deepEqual([seen?.name, seen?.password, seen?.url], ['mine', undefined, undefined]);
      const forbidden = [403, 'MYAAS_FORBIDDEN'] as const;
      await refused(forbidden, 'POST', '/v1/instances', { token, body: { template: 'shop', name: 'more' } });
      await refused(forbidden, 'DELETE', `/v1/instances/${instance.id}`, { token });
      await refused(forbidden, 'GET', `/v1/instances/${instance.id}/logs`, { token });
      const old = { authorization: `Bearer ${token}` };
      assert.equal((await ask('POST', '/db/shop/more', old)).status, 403);
      assert.equal((await ask('GET', '/db/shop/mine?all=1', old)).status, 403);
      assert.ok(!(await ask('GET', '/db/shop/mine', old)).text.includes(instance.password ?? '?'));
    });

    it('whose token is for other templates does not know of these, wherever they look', async () => {
      const token = host.registry.users.issueToken('admin', { templates: ['crm'] });
      const list = await host.api<{ templates: Template[] }>('GET', '/v1/templates', { token });
      assert.deepEqual(
        list.body.templates.map(({ name }) => name),
        ['crm'],
      );
      const { body } = await host.api<{ instances: Instance[] }>('GET', '/v1/instances', { token });
      assert.deepEqual(body.instances, []);
      const noTemplate = [404, 'MYAAS_TEMPLATE_NOT_FOUND'] as const;
      const noInstance = [404, 'MYAAS_INSTANCE_NOT_FOUND'] as const;
      await refused(noTemplate, 'GET', '/v1/templates/shop', { token });
      await refused(noTemplate, 'POST', '/v1/instances', { token, body: { template: 'shop', name: 'x' } });
      for (const ref of [instance.id, 'shop%2Fmine']) {
        await refused(noInstance, 'GET', `/v1/instances/${ref}`, { token });
        await refused(noInstance, 'DELETE', `/v1/instances/${ref}`, { token });
      }
      await refused([403, 'MYAAS_FORBIDDEN'], 'POST', '/v1/templates/refresh', { token });
      const old = { authorization: `Bearer ${token}` };
      for (const path of ['/', '/templates', '/db']) {
        const { status, text: said } = await ask('GET', path, old);
        assert.equal(status, 200);
        assert.ok(!said.includes('shop'), said);
      }
      for (const method of ['GET', 'POST', 'DELETE'])
        assert.equal((await ask(method, '/db/shop/mine', old)).status, 404);
      const stream = await events(token);
      await host.api('PATCH', `/v1/instances/${instance.id}`, { body: { ttl: '3h' } });
      const made = await host.create('crm', 'theirs');
      const said = await stream.until('"theirs"');
      assert.ok(!said.includes('shop'), said);
      stream.close();
      await host.api('DELETE', `/v1/instances/${made.id}`);
    });
  });

  /** An event stream as text; `ended` resolves when the daemon ends it. */
  const events = async (token: string) => {
    const { port } = host.config.listen;
    const headers = { authorization: `Bearer ${token}` };
    const request = httpRequest({ host: '127.0.0.1', port, path: '/v1/events', headers, agent: false });
    request.end();
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    assert.equal(response.statusCode, 200);
    response.setEncoding('utf8');
    let said = '';
    const ended = new Promise<void>((resolve) => {
      response.once('close', resolve);
      response.once('error', () => resolve());
    });
    response.on('data', (chunk: string) => (said += chunk));
    return {
      ended,
      close: () => response.destroy(),
      async until(words: string) {
        while (!said.includes(words)) await once(response, 'data');
        return said;
      },
    };
  };

  describe('a stolen token', () => {
    it('is worth nothing from the moment it is revoked, by whatever process, its event stream neither', async () => {
      const { token } = await person(host).json<{ token: string }>('user', 'add', 'eve', '--name', 'laptop');
      const stream = await events(token);
      const others = await events(ada);
      const made = await host.api<Instance>('POST', '/v1/instances', {
        token,
        body: { template: 'shop', name: 'stolen' },
      });
      assert.equal(made.status, 201);
      assert.equal((await person(host).run('user', 'revoke', 'eve/laptop')).exitCode, 0);
      await stream.ended;
      await refused([401, 'MYAAS_UNAUTHORIZED'], 'GET', '/v1/instances', { token });
      await host.api('DELETE', `/v1/instances/${made.body.id}`);
      await others.until('"stolen"');
      others.close();
    });

    it('leaves a trail: what was done by it, from where, and what was refused', async () => {
      const token = host.registry.users.issueToken('bob', { name: 'stolen' });
      const made = await host.api<Instance>('POST', '/v1/instances', {
        token,
        body: { template: 'shop', name: 'trail' },
      });
      const { id, password = '?' } = made.body;
      await host.api('GET', `/v1/instances/${id}`, { token: host.adminToken });
      await host.api('POST', `/v1/instances/${id}/reset`, { token: ada });
      await ask('DELETE', '/db/shop/trail', { authorization: `Bearer ${token}` });
      await host.api('GET', '/v1/instances', { token: 'myaas_wrong' });
      const { body, text: said } = await host.api<{ entries: AuditEntry[] }>(
        'GET',
        '/v1/audit?limit=5&since=1h',
      );
      const trail = body.entries
        .filter(({ instance: of, action }) => of === id || action === 'refused' || action === 'delete')
        .map(({ user, token: by, address, action, template, name, status, code }) =>
          [user, by, address, action, `${template ?? ''}/${name ?? ''}`, status, code].join(' '),
        );
      const adminTokenId =
        host.registry.users.list().find(({ name }) => name === 'admin')?.tokens[0]?.id ?? '';
      const adaTokenId = host.registry.users.list().find(({ name }) => name === 'ada')?.tokens[0]?.id ?? '';
      assert.deepEqual(trail.toReversed(), [
        'bob stolen 127.0.0.1 create shop/trail 201 ',
        `admin ${adminTokenId} 127.0.0.1 credentials shop/trail 200 `,
        `ada ${adaTokenId} 127.0.0.1 reset shop/trail 403 MYAAS_FORBIDDEN`,
        'bob stolen 127.0.0.1 delete shop/trail 204 ',
        '  127.0.0.1 refused / 401 MYAAS_UNAUTHORIZED',
      ]);
      for (const secret of [token, password, 'myaas_wrong']) assert.ok(!said.includes(secret));
      const one = await person(host).json<AuditEntry[]>('audit', '--instance', 'shop/trail', '--user', 'bob');
      assert.deepEqual(
        one.map(({ action }) => action),
        ['delete', 'create'],
      );
      await refused([403, 'MYAAS_FORBIDDEN'], 'GET', '/v1/audit', { token: ada });
      for (const wrong of ['since=yesterday', 'limit=0', 'limit=x'])
        assert.equal((await host.api('GET', `/v1/audit?${wrong}`)).status, 400, wrong);
    });

    it('is worth nothing when its time is over', async () => {
      const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
      const good = host.registry.users.issueToken('bob', { expiresAt });
      const { body } = await host.api<Status>('GET', '/v1/status', { token: good });
      assert.equal(body.user.tokenExpiresAt, expiresAt);
      const late = host.registry.users.issueToken('bob', { expiresAt: new Date(Date.now()).toISOString() });
      await refused([401, 'MYAAS_UNAUTHORIZED'], 'GET', '/v1/status', { token: late });
    });
  });

  describe('a page in a browser', () => {
    it('is refused, whatever it asks for and with whatever token, and is told nothing', async () => {
      const port = String(host.config.listen.port);
      for (const sign of [
        { origin: 'https://evil.example' },
        { origin: 'null' },
        { origin: `http://127.0.0.1:${port}` },
        { 'sec-fetch-site': 'cross-site' },
        { 'sec-fetch-site': 'same-site' },
        { host: 'evil.example' },
        { host: `evil.example:${port}` },
        { host: '127.0.0.1.evil.example' },
      ]) {
        for (const [method, path] of [
          ['GET', '/healthz'],
          ['GET', '/v1/openapi.json'],
          ['GET', '/v1/instances'],
          ['POST', '/v1/instances'],
          ['OPTIONS', '/v1/instances'],
          ['DELETE', `/v1/instances/${instance.id}`],
          ['GET', '/nothing'],
        ] as const) {
          const { status, headers } = await ask(method, path, { authorization: `Bearer ${ada}`, ...sign });
          assert.equal(status, 403, `${method} ${path} ${JSON.stringify(sign)}`);
          assert.deepEqual(
            Object.keys(headers).filter((name) => name.startsWith('access-control')),
            [],
          );
        }
      }
      const { status } = await host.api('GET', `/v1/instances/${instance.id}`, { token: ada });
      assert.equal(status, 200);
    });

    it('is what somebody is not who types an address of this host, or uses its socket', async () => {
      const typed = { 'sec-fetch-site': 'none', host: 'localhost' };
      assert.equal((await ask('GET', '/healthz', typed)).status, 200);
      assert.equal((await ask('GET', '/healthz', { host: 'd' }, host.paths.apiSocket)).status, 200);
    });
  });

  describe('somebody who tries again and again', () => {
    before(async () => {
      await host.serve.stop();
      await host.serve.start({ MYAAS_RATE_LIMIT: '100' });
    });
    after(async () => {
      await host.serve.stop();
      await host.serve.start();
    });

    it('with wrong tokens is soon refused, and those with right ones are not', async () => {
      const statuses: number[] = [];
      for (let at = 0; at < 30; at++)
        statuses.push((await host.api('GET', '/v1/status', { token: `myaas_${String(at)}` })).status);
      assert.deepEqual([statuses[0], statuses.at(-1)], [401, 429]);
      assert.equal((await host.api('GET', '/v1/status', { token: ada })).status, 200);
    });

    it('with a right one is refused for a while, in the same envelope, and others are not', async () => {
      const ask100 = Array.from({ length: 120 }, () =>
        host.api<ErrorBody>('GET', '/v1/instances', { token: bob }),
      );
      const answers = await Promise.all(ask100);
      const over = answers.filter(({ status }) => status === 429);
      assert.equal(over.length, 20);
      const [first] = over;
      assert.ok(first);
      assert.equal(first.body.error.code, 'MYAAS_TOO_MANY_REQUESTS');
      const seconds = Number(first.headers.get('retry-after'));
      assert.ok(seconds > 0 && seconds <= 60, String(seconds));
      assert.equal((await host.api('GET', '/v1/instances', { token: ada })).status, 200);
    });
  });

  describe('somebody on the network', () => {
    it('gets no plain HTTP, unless the operator says so', async function () {
      this.timeout(180_000);
      await host.serve.stop();
      const wide = { MYAAS_LISTEN: `0.0.0.0:${String(host.config.listen.port)}` };
      await assert.rejects(host.serve.start(wide), /MYAAS_TLS_CERT/);
      await host.serve.start({ ...wide, MYAAS_ALLOW_PLAIN_HTTP: 'true' });
      assert.equal((await host.api('GET', '/healthz')).status, 200);
      await host.serve.stop();
      await host.serve.start();
    });

    it('sees TLS only, whose certificate clients verify and a renewed one of which is taken at once', async function () {
      this.timeout(180_000);
      const write = async () => {
        const { certificatePem, privateKeyPem } = await makeCertificate();
        for (const [name, pem] of [
          ['key.pem', privateKeyPem],
          ['cert.pem', certificatePem],
        ] as const) {
          const file = `${host.config.baseDir}/home/${name}`;
          await writeFile(`${file}.new`, pem, { mode: 0o600 });
          await rename(`${file}.new`, file);
        }
        return new X509Certificate(certificatePem);
      };
      const first = await write();
      const [cert, key] = ['cert', 'key'].map((name) => `${host.config.baseDir}/home/${name}.pem`);
      await host.serve.stop();
      await host.serve.start({ MYAAS_TLS_CERT: cert, MYAAS_TLS_KEY: key });
      const { port } = host.config.listen;
      const over = async (options: RequestOptions) => {
        const request = httpsRequest({ host: '127.0.0.1', port, path: '/healthz', agent: false, ...options });
        request.end();
        const [response] = (await once(request, 'response')) as [IncomingMessage];
        response.resume();
        assert.ok(response.socket instanceof TLSSocket);
        return [response.statusCode, response.socket.getPeerCertificate().fingerprint256];
      };
      const trusting: RequestOptions = { ca: first.toString(), checkServerIdentity: () => undefined };
      assert.deepEqual(await over(trusting), [200, first.fingerprint256]);
      await assert.rejects(over({}), /self.signed certificate/);
      await assert.rejects(ask('GET', '/healthz', {}));
      await assert.rejects(over({ ...trusting, maxVersion: 'TLSv1.1' }));

      const second = await write();
      const renewed = { ca: second.toString(), checkServerIdentity: () => undefined };
      const unverified = { rejectUnauthorized: false };
      while ((await over(unverified))[1] !== second.fingerprint256);
      assert.deepEqual(await over(renewed), [200, second.fingerprint256]);
      await host.serve.stop();
      await host.serve.start();
    });
  });

  it('config files with tokens are for their owner alone', async () => {
    assert.equal((await stat(host.paths.registry)).mode & 0o777, 0o600);
    assert.equal((await stat(host.paths.rootToken)).mode & 0o777, 0o600);
  });
});
