import assert from 'node:assert/strict';
import { access, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AuditEntry } from '../../daemon/contract/audit.ts';
import type { Status } from '../../daemon/contract/status.ts';
import { makeCertificate } from '../../daemon/engines/certificate.ts';
import { startHost, type TestHost } from '../support/daemon.ts';
import { person, type Person } from './cli-process.ts';

interface User {
  readonly name: string;
  readonly role: string;
  readonly tokens: readonly { readonly id: string }[];
}

describe('myaas user and myaas login', function () {
  let host: TestHost;
  let root: Person;

  before(async () => {
    host = await startHost();
    root = person(host);
  });
  after(() => host.stop());

  const withToken = (token: string) => person(host, { MYAAS_URL: host.url, MYAAS_TOKEN: token });

  it('gives a user a token that counts at once, printed alone on standard output', async () => {
    const { exitCode, stdout: token } = await root.run('user', 'add', 'alice');
    assert.equal(exitCode, 0);
    assert.match(token, /^\S+$/);
    const { name, role } = (await withToken(token).json<Status>('status')).user;
    assert.deepEqual([name, role], ['alice', 'member']);
    assert.ok(!(await root.run('user', 'list', '--json')).stdout.includes(token));
  });

  it('adds no user twice, and none with an impossible name', async () => {
    await root.run('user', 'add', 'bob');
    for (const name of ['bob', '../x', 'two words', '']) {
      assert.equal((await root.run('user', 'add', name)).exitCode, 1, name);
    }
  });

  it('lets nobody but an admin go by the name of root', async () => {
    const { exitCode, stderr } = await root.run('user', 'add', 'root');
    assert.equal(exitCode, 2);
    assert.match(stderr, /must be an admin/);
  });

  it('issues another token, and revokes one or all of them', async () => {
    const { token: first } = await root.json<{ token: string }>('user', 'add', 'carol', '--admin');
    const { token: second } = await root.json<{ token: string }>('user', 'token', 'carol');
    const listed = async () => (await root.json<User[]>('user', 'list')).find(({ name }) => name === 'carol');
    assert.equal((await listed())?.role, 'admin');
    const [oldest] = (await listed())?.tokens ?? [];
    assert.equal((await root.run('user', 'revoke', oldest?.id ?? '')).exitCode, 0);
    assert.equal((await withToken(first).run('status')).exitCode, 1);
    assert.equal((await withToken(second).run('status')).exitCode, 0);
    assert.equal((await root.run('user', 'revoke', 'carol')).exitCode, 0);
    assert.equal((await withToken(second).run('status')).exitCode, 1);
    assert.equal(await listed(), undefined);
    assert.equal((await root.run('user', 'revoke', 'carol')).exitCode, 1);
  });

  it('knows users also while the daemon is down, whose clients say that it is', async () => {
    await host.serve.stop();
    try {
      const { token } = await root.json<{ token: string }>('user', 'add', 'dave');
      const { exitCode, stderr } = await withToken(token).run('ls');
      assert.equal(exitCode, 1);
      assert.match(stderr, /No MyAAS daemon answers at http:.*\n {2}hint: /);
    } finally {
      await host.serve.start();
    }
  });

  it('stores a good token from standard input, for its owner alone, and uses it from then on', async () => {
    const { token } = await root.json<{ token: string }>('user', 'add', 'erin');
    const home = join(host.paths.data, '../home-of-erin');
    const erin = (input = '') => person(host, { HOME: home }, { input });
    assert.equal((await erin(`${token}\n`).run('login', host.url, '--token-stdin')).exitCode, 0);
    const file = join(home, '.config/myaas/config.json');
    assert.deepEqual(JSON.parse(await readFile(file, 'utf8')), { url: host.url, token });
    assert.equal((await stat(file)).mode & 0o777, 0o600);
    assert.equal((await erin().json<Status>('status')).user.name, 'erin');
    await rm(home, { recursive: true });
  });

  it('leaves a trail of who was given access, and of whom it was taken', async () => {
    await root.run('user', 'add', 'frank', '--role', 'read-only', '--instances', '2');
    await root.run('user', 'set', 'frank', '--lease', '7d');
    await root.run('user', 'token', 'frank', '--name', 'ci');
    await root.run('user', 'revoke', 'frank/ci');
    await root.run('user', 'revoke', 'frank/ci');
    await root.run('user', 'list');
    const trail = await root.json<AuditEntry[]>('audit', '--action', 'user', '--limit', '4');
    assert.deepEqual(
      trail.map(({ user, name, status }) => [user, name, status]),
      [
        'revoke frank/ci',
        'token frank name=ci',
        'set frank lease=7d',
        'add frank role=read-only instances=2',
      ].map((deed) => ['root', deed, 200]),
    );
  });

  it("talks TLS to a daemon whose certificate is of the team's own CA, when it is told of that", async () => {
    const [cert, key] = [join(host.config.baseDir, 'cert.pem'), join(host.config.baseDir, 'key.pem')];
    const { certificatePem, privateKeyPem } = await makeCertificate([{ type: 'ip', value: '127.0.0.1' }]);
    await writeFile(cert, certificatePem);
    await writeFile(key, privateKeyPem, { mode: 0o600 });
    const { token } = await root.json<{ token: string }>('user', 'add', 'grace');
    const url = host.url.replace('http:', 'https:');
    await host.serve.stop();
    await host.serve.start({ MYAAS_TLS_CERT: cert, MYAAS_TLS_KEY: key });
    try {
      const grace = { MYAAS_URL: url, MYAAS_TOKEN: token };
      const told = await person(host, { ...grace, NODE_EXTRA_CA_CERTS: cert }).json<Status>('status');
      assert.equal(told.user.name, 'grace');
      const { exitCode, stderr } = await person(host, grace).run('status');
      assert.equal(exitCode, 1);
      assert.match(stderr, /is not trusted: .*\n {2}hint: .*NODE_EXTRA_CA_CERTS/);
    } finally {
      await host.serve.stop();
      await host.serve.start();
    }
  });

  it('stores no token that the daemon does not know', async () => {
    const home = join(host.paths.data, '../home-of-nobody');
    const nobody = person(host, { HOME: home }, { input: 'myaas_wrong\n' });
    const { exitCode, stderr } = await nobody.run('login', host.url);
    assert.equal(exitCode, 1);
    assert.ok(!stderr.includes('myaas_wrong'));
    await assert.rejects(access(home));
  });
});
