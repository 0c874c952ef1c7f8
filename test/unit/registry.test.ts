import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { DatabaseSync } from 'node:sqlite';
import { tmpdir } from 'node:os';
import { text } from 'node:stream/consumers';
import type { AuditEntry } from '../../daemon/contract/audit.ts';
import type { TokenTerms } from '../../daemon/drivers/registry-users.ts';
import { Registry, type InstanceRow } from '../../daemon/drivers/registry.ts';
import { MyaasError } from '../../daemon/errors/error.ts';

const hasCode =
  (code: string) =>
  (error: unknown): boolean =>
    error instanceof MyaasError && error.code === code;

const range = { from: 4000, to: 4002 };

const rowOf = (id: string, more: Partial<InstanceRow> = {}): Omit<InstanceRow, 'port'> => ({
  id,
  clone: id,
  template: 'shop',
  version: '20260101T000000Z',
  name: id,
  owner: 'ada',
  state: 'creating',
  failure: null,
  engine: 'mariadb',
  engineSeries: '11.8',
  upgradedFrom: null,
  databaseName: 'shop',
  username: 'myaas',
  password: 'secret',
  createdAt: '2026-01-01T00:00:00.000Z',
  expiresAt: null,
  protected: false,
  sizeBytes: 1,
  createMs: null,
  origin: 'snapshot',
  ...more,
});

describe('the registry', () => {
  let directory = '';
  let file = '';
  let registry: Registry;

  beforeEach(async () => {
    directory = await mkdtemp(`${tmpdir()}/myaas-registry-`);
    file = `${directory}/registry.db`;
    registry = Registry.open(file);
  });
  afterEach(async () => {
    registry.close();
    await rm(directory, { recursive: true });
  });

  const reserve = (id: string, more?: Partial<InstanceRow>) => registry.reserve(rowOf(id, more), range);

  describe('as a file', () => {
    it('is for its owner only, with all that SQLite puts beside it', async () => {
      reserve('a');
      for (const name of await readdir(directory)) {
        assert.equal((await stat(`${directory}/${name}`)).mode & 0o077, 0, name);
      }
    });

    it('keeps everything, its host id too, when it is opened again', () => {
      const row = reserve('a', { expiresAt: '2027-01-01T00:00:00.000Z', protected: true, createMs: 7 });
      registry.setSetting('image', 'mariadb');
      const { hostId } = registry;
      registry.close();
      registry = Registry.open(file);
      assert.equal(registry.hostId, hostId);
      assert.equal(registry.setting('image'), 'mariadb');
      assert.deepEqual(registry.instances(), [row]);
    });

    it('has a host id like no other', () => {
      const other = Registry.open(`${directory}/other.db`);
      assert.notEqual(other.hostId, registry.hostId);
      other.close();
    });

    it('is refused when a newer MyAAS has written it, and left as it was', () => {
      const newer = new DatabaseSync(file);
      newer.exec('pragma user_version = 999');
      assert.throws(() => Registry.open(file), hasCode('MYAAS_HOST_NOT_READY'));
      assert.deepEqual({ ...newer.prepare('pragma user_version').get() }, { user_version: 999 });
      newer.close();
    });

    it('is refused with the reason when it is no registry, or cannot be had', async () => {
      await writeFile(`${directory}/text`, 'This is not a database. '.repeat(100));
      assert.throws(() => Registry.open(`${directory}/text`), hasCode('MYAAS_HOST_NOT_READY'));
      assert.throws(() => Registry.open(`${directory}/no/such/registry`), hasCode('MYAAS_HOST_NOT_READY'));
    });

    it('can be opened anew by many processes at once', async function () {
      this.timeout(60_000);
      const script = `
        import { Registry } from './daemon/drivers/registry.ts';
        const registry = Registry.open(process.argv[1]);
        registry.users.add('user' + process.argv[2], 'member');
        registry.close();`;
      const shared = `${directory}/shared.db`;
      const ends = await Promise.all(
        Array.from({ length: 6 }, async (_, index) => {
          const child = spawn(process.execPath, [
            '--input-type=module-typescript',
            '--eval',
            script,
            shared,
            String(index),
          ]);
          const [said] = await Promise.all([text(child.stderr), once(child, 'close')]);
          return `${String(child.exitCode)} ${said}`;
        }),
      );
      assert.deepEqual(ends, Array<string>(6).fill('0 '));
      const opened = Registry.open(shared);
      assert.equal(opened.users.list().length, 6);
      opened.close();
    });

    it('says that it is busy while another process has it locked, and goes on afterwards', () => {
      const busyTimeoutMs = 10;
      const other = Registry.open(file, { busyTimeoutMs });
      const locking = new DatabaseSync(file);
      locking.exec('begin immediate');
      const isBusy = { code: 'MYAAS_REGISTRY_BUSY', status: 503 };
      assert.throws(() => other.reserve(rowOf('a'), range), isBusy);
      assert.throws(() => other.users.add('ada', 'member'), isBusy);
      assert.throws(() => Registry.open(file, { busyTimeoutMs }), isBusy);
      assert.deepEqual(other.instances(), []);
      locking.exec('rollback');
      assert.equal(other.reserve(rowOf('a'), range).id, 'a');
      locking.close();
      other.close();
    });

    it('shows one process at once what another has written', () => {
      const other = Registry.open(file);
      other.users.add('ada', 'member');
      const token = other.users.issueToken('ada');
      assert.equal(registry.users.byToken(token)?.name, 'ada');
      other.users.revokeToken(other.users.list()[0]?.tokens[0]?.id ?? '');
      assert.equal(registry.users.byToken(token), undefined);
      other.close();
    });
  });

  describe('of users', () => {
    it('knows a user by any of their tokens, until it is revoked', () => {
      registry.users.add('ada', 'admin');
      const [one, two] = [registry.users.issueToken('ada'), registry.users.issueToken('ada')];
      assert.notEqual(one, two);
      for (const token of [one, two]) {
        assert.match(token, /^myaas_[\w-]{32}$/);
        const { name, role, templates } = registry.users.byToken(token) ?? {};
        assert.deepEqual([name, role, templates], ['ada', 'admin', null]);
      }
      const [first] = registry.users.list()[0]?.tokens ?? [];
      assert.ok(first && registry.users.revokeToken(first.id));
      assert.ok(!registry.users.revokeToken(first.id));
      assert.equal([one, two].filter((token) => registry.users.byToken(token)).length, 1);
    });

    it('holds no token, only its hash', async () => {
      registry.users.add('ada', 'member');
      const token = registry.users.issueToken('ada');
      registry.users.byToken(token);
      for (const name of await readdir(directory)) {
        const content = await readFile(`${directory}/${name}`, 'latin1');
        assert.ok(!content.includes(token) && !content.includes(token.slice('myaas_'.length)), name);
      }
      assert.ok(!JSON.stringify(registry.users.list()).includes(token));
    });

    it('knows nobody by a token that it did not give out', () => {
      registry.users.add('ada', 'member');
      const token = registry.users.issueToken('ada');
      for (const wrong of ['', token.slice(0, -1), `${token}x`, token.toUpperCase(), "' or 1=1 --", 'null'])
        assert.equal(registry.users.byToken(wrong), undefined);
    });

    it('has each name once, and forgets a user with all tokens', () => {
      registry.users.add('ada', 'member');
      assert.throws(() => registry.users.add('ada', 'admin'), hasCode('MYAAS_USER_EXISTS'));
      assert.equal(registry.users.get('ada')?.role, 'member');
      const token = registry.users.issueToken('ada');
      assert.ok(registry.users.remove('ada'));
      assert.ok(!registry.users.remove('ada'));
      assert.equal(registry.users.byToken(token), undefined);
      assert.deepEqual(registry.users.list(), []);
      assert.throws(() => registry.users.issueToken('ada'), hasCode('MYAAS_USER_NOT_FOUND'));
    });

    it('knows nobody by a token whose time is over, and says since when', () => {
      registry.users.add('ada', 'member');
      const soon = new Date(Date.now() + 60_000).toISOString();
      const token = registry.users.issueToken('ada', { expiresAt: soon });
      assert.equal(registry.users.byToken(token)?.token?.expiresAt, soon);
      const past = registry.users.issueToken('ada', { expiresAt: '2001-02-03T00:00:00.000Z' });
      assert.throws(() => registry.users.byToken(past), /2001-02-03/);
    });

    it('gives a token the rights it was made with, and never more than its user has', () => {
      registry.users.add('ada', 'member');
      registry.users.add('carol', 'admin');
      const roleOf = (user: string, terms: TokenTerms) =>
        registry.users.byToken(registry.users.issueToken(user, terms))?.role;
      assert.equal(roleOf('ada', {}), 'member');
      assert.equal(roleOf('ada', { role: 'admin' }), 'member');
      assert.equal(roleOf('ada', { role: 'read-only' }), 'read-only');
      assert.equal(roleOf('carol', { role: 'member' }), 'member');
      assert.equal(roleOf('carol', { templates: ['shop'] }), 'member');
      const token = registry.users.issueToken('carol', { templates: ['shop', 'crm'] });
      assert.deepEqual(registry.users.byToken(token)?.templates, ['shop', 'crm']);
      registry.users.change('ada', { role: 'read-only' });
      assert.equal(roleOf('ada', {}), 'read-only');
    });

    it('knows a token by a name that its user has once, and revokes it by that', () => {
      registry.users.add('ada', 'member');
      registry.users.add('bob', 'member');
      const token = registry.users.issueToken('ada', { name: 'ci' });
      assert.throws(() => registry.users.issueToken('ada', { name: 'ci' }), hasCode('MYAAS_TOKEN_EXISTS'));
      registry.users.issueToken('bob', { name: 'ci' });
      assert.ok(registry.users.revokeToken('ada/ci'));
      assert.equal(registry.users.byToken(token), undefined);
      assert.ok(!registry.users.revokeToken('ada/ci'));
      assert.equal(registry.users.list().find(({ name }) => name === 'bob')?.tokens.length, 1);
    });

    it('keeps what a user may have at most, until it is taken back', () => {
      registry.users.add('ada', 'member');
      assert.ok(registry.users.change('ada', { maxInstances: 3, maxDiskBytes: 1e9 }));
      const { maxInstances, maxDiskBytes, maxLeaseSeconds } = registry.users.get('ada') ?? {};
      assert.deepEqual([maxInstances, maxDiskBytes, maxLeaseSeconds], [3, 1e9, null]);
      assert.ok(registry.users.change('ada', { maxInstances: null }));
      assert.equal(registry.users.get('ada')?.maxInstances, null);
      assert.ok(!registry.users.change('nobody', { maxInstances: 1 }));
    });

    it('tells when a token was last used', () => {
      registry.users.add('ada', 'member');
      const token = registry.users.issueToken('ada');
      assert.equal(registry.users.list()[0]?.tokens[0]?.lastUsedAt, null);
      registry.users.byToken(token);
      assert.match(registry.users.list()[0]?.tokens[0]?.lastUsedAt ?? '', /^\d{4}-\d\d-\d\d$/);
    });
  });

  describe('of who did what', () => {
    const entry = (at: string, user: string, name: string): AuditEntry => ({
      at,
      user,
      token: null,
      address: '127.0.0.1',
      action: 'delete',
      template: 'shop',
      name,
      instance: `id-${name}`,
      status: 204,
      code: null,
    });

    it('finds it by user, instance and time, the newest first, and forgets what is old', () => {
      const [one, two, three] = [
        entry('2026-01-01T00:00:00.000Z', 'ada', 'a'),
        entry('2026-02-01T00:00:00.000Z', 'bob', 'b'),
        entry('2026-03-01T00:00:00.000Z', 'ada', 'b'),
      ];
      registry.audit.add([one, two, three]);
      const find = (filter: object) => registry.audit.find({ limit: 10, ...filter });
      assert.deepEqual(find({}), [three, two, one]);
      assert.deepEqual(find({ limit: 1 }), [three]);
      assert.deepEqual(find({ user: 'ada' }), [three, one]);
      for (const instance of ['b', 'shop/b', 'id-b']) assert.deepEqual(find({ instance }), [three, two]);
      assert.deepEqual(find({ since: '2026-01-15T00:00:00Z', until: '2026-02-15T00:00:00Z' }), [two]);
      assert.deepEqual(find({ user: "' or 1=1 --" }), []);
      registry.audit.prune('2026-02-15T00:00:00Z');
      assert.deepEqual(find({}), [three]);
    });
  });

  describe('of instances', () => {
    it('gives each the lowest free port, and that of a removed one to the next', () => {
      assert.deepEqual(
        ['a', 'b', 'c'].map((id) => reserve(id).port),
        [4000, 4001, 4002],
      );
      registry.remove('b');
      assert.equal(reserve('d').port, 4001);
    });

    it('gives an owner no more than they may have, and a refused claim leaves the spare one', () => {
      const { owner, template, version, engine, engineSeries, createdAt } = rowOf('a');
      const of = { template, version, engine, engineSeries, createdAt };
      const data = { databaseName: 'shop', username: 'myaas', password: 'secret', sizeBytes: 1 };
      registry.spares.add({ id: 'spare', state: 'ready', recipe: '', ...of, ...data });
      const claim = (id: string, maxInstances: number) =>
        registry.claim(rowOf(id, { clone: 'spare' }), range, maxInstances);
      assert.throws(() => claim('a', 0), hasCode('MYAAS_QUOTA_EXCEEDED'));
      assert.ok(registry.spares.has('spare'));
      assert.equal(claim('a', 1).owner, owner);
      assert.throws(() => registry.reserve(rowOf('b'), range, 1), hasCode('MYAAS_QUOTA_EXCEEDED'));
      registry.reserve(rowOf('c', { owner: 'somebody else' }), range, 1);
      registry.update('a', { state: 'deleting' });
      registry.reserve(rowOf('b'), range, 1);
    });

    it('passes over ports that cannot be used', () => {
      assert.equal(reserve('a').port, 4000);
      assert.equal(registry.moveToFreePort('a', range, new Set([4000, 4001])).port, 4002);
    });

    it('refuses when no port is left, and keeps nothing of it', () => {
      for (const id of ['a', 'b', 'c']) reserve(id);
      assert.throws(() => reserve('d'), hasCode('MYAAS_PORTS_EXHAUSTED'));
      assert.throws(() => registry.moveToFreePort('a', range, new Set()), hasCode('MYAAS_PORTS_EXHAUSTED'));
      assert.deepEqual(
        registry.instances().map(({ id, port }) => [id, port]),
        [
          ['a', 4000],
          ['b', 4001],
          ['c', 4002],
        ],
      );
    });

    it('has each name of a template once, and does not take "a-b" for "b" of "a"', () => {
      reserve('1', { template: 'a', name: 'b' });
      assert.throws(() => reserve('2', { template: 'a', name: 'b' }), hasCode('MYAAS_INSTANCE_EXISTS'));
      reserve('3', { template: 'a-b', name: 'b' });
      assert.equal(registry.instanceByName('a', 'b')?.id, '1');
      assert.equal(registry.instanceByName('a-b', 'b')?.id, '3');
      assert.equal(registry.instanceByName('A', 'b'), undefined);
    });

    it('changes what it is told to and nothing else', () => {
      const row = reserve('a');
      const other = reserve('b');
      assert.deepEqual(registry.update('a', { state: 'ready', protected: true }), {
        ...row,
        state: 'ready',
        protected: true,
      });
      assert.deepEqual(registry.update('a', {}), registry.instance('a'));
      assert.deepEqual(registry.instance('b'), other);
      assert.equal(registry.update('gone', { state: 'ready' }), undefined);
      assert.throws(
        () => registry.moveToFreePort('gone', range, new Set()),
        hasCode('MYAAS_INSTANCE_NOT_FOUND'),
      );
    });

    it('knows which lease ends next, of those that may be deleted then', () => {
      assert.equal(registry.nextExpiry(), undefined);
      reserve('never');
      reserve('late', { expiresAt: '2027-01-02T00:00:00.000Z' });
      reserve('early', { expiresAt: '2027-01-01T00:00:00.000Z' });
      assert.equal(registry.nextExpiry(), '2027-01-01T00:00:00.000Z');
      registry.update('early', { protected: true });
      assert.equal(registry.nextExpiry(), '2027-01-02T00:00:00.000Z');
      registry.update('late', { state: 'deleting' });
      assert.equal(registry.nextExpiry(), undefined);
    });
  });

  it('keeps why imports failed until they are mended', () => {
    registry.setFailedImport('shop', { state: 'failed' });
    registry.setFailedImport('shop', { state: 'failed', error: 'again' });
    registry.setFailedImport('crm', { state: 'failed' });
    registry.clearFailedImport('crm');
    assert.deepEqual([...registry.failedImports()], [['shop', { state: 'failed', error: 'again' }]]);
  });
});
