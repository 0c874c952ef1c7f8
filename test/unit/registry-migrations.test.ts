import assert from 'node:assert/strict';
import { createHash, randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { DatabaseSync } from 'node:sqlite';
import { Registry } from '../../daemon/drivers/registry.ts';
import { migrations } from '../../daemon/drivers/registry-schema.ts';

const at = '2025-01-01T00:00:00.000Z';
const secret = 'myaas_old';
const hash = createHash('sha256').update(secret).digest('hex');

/** What a MyAAS of each schema version could have on record, said in its own columns. */
const rows: readonly { readonly from: number; readonly to?: number; readonly sql: string }[] = [
  { from: 1, sql: `insert into settings values ('hostId', 'old-host')` },
  {
    from: 1,
    to: 3,
    sql: `insert into users (name, admin, createdAt) values ('ada', 1, '${at}'), ('bob', 0, '${at}')`,
  },
  {
    from: 4,
    sql: `insert into users (name, role, maxInstances, createdAt)
          values ('ada', 'admin', null, '${at}'), ('bob', 'member', 3, '${at}')`,
  },
  { from: 1, sql: `insert into tokens (id, user, hash, createdAt) values ('0a', 'ada', '${hash}', '${at}')` },
  {
    from: 1,
    sql: `insert into instances (id, template, version, name, owner, state, engine, port, databaseName, username,
            password, createdAt, expiresAt, protected, sizeBytes, createMs, origin)
          values ('i1', 'shop', 'v1', 'mine', 'ada', 'ready', 'mariadb', 23000, 'shop', 'myaas', 'pw', '${at}', null, 1,
            42, 7, 'snapshot')`,
  },
  { from: 2, sql: `update instances set clone = 'c1'` },
  { from: 1, sql: `insert into failedImports values ('crm', '{"state":"failed"}')` },
  {
    from: 2,
    sql: `insert into spares (id, state, template, version, recipe, databaseName, username, password, sizeBytes, createdAt)
          values ('s1', 'ready', 'shop', 'v1', 'recipe', 'shop', 'myaas', 'pw', 42, '${at}');
          insert into discarded values ('d1')`,
  },
  {
    from: 3,
    sql: `insert into volumes values ('o1', 'vol', 'ready', 'shop', 'v1', 'mariadb', 'shop', 'myaas', 'pw', 42, '${at}')`,
  },
  { from: 4, sql: `insert into audit (at, user, action, status) values ('${at}', 'ada', 'create', 201)` },
];

describe('a registry of a former MyAAS', () => {
  let directory: string;
  before(async () => {
    directory = await mkdtemp(`${tmpdir()}/myaas-migrations-`);
  });
  after(() => rm(directory, { recursive: true }));

  function write(version: number): string {
    const file = `${directory}/${randomUUID()}.db`;
    const db = new DatabaseSync(file);
    for (const migration of migrations.slice(0, version)) db.exec(migration);
    for (const { from, to = Infinity, sql } of rows) if (from <= version && version <= to) db.exec(sql);
    db.exec(`pragma user_version = ${String(version)}`);
    db.close();
    return file;
  }

  for (let version = 1; version <= migrations.length; version++) {
    it(`of schema ${String(version)} is brought forward with all that is in it`, () => {
      const file = write(version);
      const registry = Registry.open(file);
      try {
        const { name, role, templates } = registry.users.byToken(secret) ?? {};
        assert.deepEqual([name, role, templates], ['ada', 'admin', null]);
        assert.equal(registry.users.get('bob')?.role, 'member');
        assert.equal(registry.users.get('bob')?.maxInstances, version >= 4 ? 3 : null);
        assert.equal(registry.hostId, 'old-host');
        assert.deepEqual(registry.instances(), [
          {
            ...{ id: 'i1', clone: version >= 2 ? 'c1' : 'i1', template: 'shop', version: 'v1', name: 'mine' },
            ...{
              owner: 'ada',
              state: 'ready',
              failure: null,
              engine: 'mariadb',
              engineSeries: '',
              upgradedFrom: null,
              port: 23000,
            },
            ...{ databaseName: 'shop', username: 'myaas', password: 'pw', createdAt: at, expiresAt: null },
            ...{ protected: true, sizeBytes: 42, createMs: 7, origin: 'snapshot' },
          },
        ]);
        assert.deepEqual([...registry.failedImports()], [['crm', { state: 'failed' }]]);
        assert.deepEqual(
          registry.spares.list().map(({ id, password, engine }) => [id, password, engine]),
          version >= 2 ? [['s1', 'pw', 'mariadb']] : [],
        );
        assert.deepEqual(registry.spares.discarded(), version >= 2 ? ['d1'] : []);
        assert.deepEqual(
          registry.volumes.list().map(({ id, password }) => [id, password]),
          version >= 3 ? [['o1', 'pw']] : [],
        );
        const audited = registry.audit.find({ limit: 10 });
        assert.deepEqual(
          audited.map(({ user, action }) => [user, action]),
          version >= 4 ? [['ada', 'create']] : [],
        );
      } finally {
        registry.close();
      }
      const opened = new DatabaseSync(file);
      assert.equal(opened.prepare('pragma user_version').get()?.['user_version'], migrations.length);
      assert.deepEqual(opened.prepare('pragma foreign_key_check').all(), []);
      opened.close();
    });
  }

  it('says of a reset that was cut short that it is to be done again', () => {
    const file = write(1);
    const db = new DatabaseSync(file);
    db.exec(`update instances set state = 'resetting'; pragma user_version = 1`);
    db.close();
    const registry = Registry.open(file);
    const [instance] = registry.instances();
    assert.equal(instance?.state, 'failed');
    assert.match(instance.failure ?? '', /reset it again/);
    registry.close();
  });
});
