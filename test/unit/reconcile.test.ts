import assert from 'node:assert/strict';
import type { ContainerInfo } from '../../daemon/drivers/docker.ts';
import type { InstanceRow } from '../../daemon/drivers/registry.ts';
import type { SpareRow } from '../../daemon/drivers/registry-spares.ts';
import { compare, type Home, type Machine, type Records } from '../../daemon/instances/reconcile.ts';

const row = (clone: string, state: InstanceRow['state'], id = `i-${clone}`): InstanceRow => ({
  id,
  clone,
  template: 'shop',
  version: '20260101T000000Z',
  name: id,
  owner: 'ada',
  state,
  failure: null,
  engine: 'mariadb',
  engineSeries: '11.8',
  upgradedFrom: null,
  port: 4000,
  databaseName: 'shop',
  username: 'myaas',
  password: 'secret',
  createdAt: '2026-01-01T00:00:00.000Z',
  expiresAt: null,
  protected: false,
  sizeBytes: 1,
  createMs: null,
  origin: 'snapshot',
});

const spareOf = (id: string): SpareRow => ({
  id,
  state: 'ready',
  engine: 'mariadb',
  engineSeries: '11.8',
  template: 'shop',
  version: '20260101T000000Z',
  recipe: '',
  databaseName: 'shop',
  username: 'myaas',
  password: 'secret',
  sizeBytes: 1,
  createdAt: '2026-01-01T00:00:00.000Z',
});

const container = (id: string, more: Partial<ContainerInfo> = {}): ContainerInfo => ({
  containerId: `c-${id}`,
  id,
  role: 'server',
  running: true,
  status: 'Up 1 second',
  mounted: [`/data/${id}`],
  ...more,
});

const home = (name: string, more: Partial<Home> = {}): Home => ({
  name,
  kind: 'clone',
  holder: undefined,
  ...more,
});

const records = (more: Partial<Records> = {}): Records => ({
  instances: [],
  spares: [],
  discarded: [],
  others: [],
  ...more,
});

const machine = (more: Partial<Machine> = {}): Machine => ({
  containers: [],
  homes: [],
  runs: [],
  versions: { ours: [], strange: [] },
  isReachable: (_, { id, mounted }) => mounted.includes(`/data/${id}`),
  ...more,
});

/** What is found when nothing changes during the look. */
const found = (known: Partial<Records>, there: Partial<Machine>) =>
  compare(records(known), machine(there), records(known));

describe('the comparison of registry, Docker and disk', () => {
  it('finds nothing where all agree', () => {
    const known = {
      instances: [row('a', 'ready'), row('b', 'asleep'), row('f', 'failed')],
      spares: [spareOf('s')],
      discarded: ['d'],
      others: ['import-1'],
    };
    const there = {
      containers: [
        container('a'),
        container('b', { running: false }),
        container('s'),
        container('d'),
        container('import-1', { role: 'client-2' }),
        container('', { role: 'namespace' }),
      ],
      homes: ['a', 'b', 's', 'd'].map((name) => home(name)),
      runs: ['a', 's', 'd', 'import-1'],
    };
    assert.deepEqual(found(known, there), []);
  });

  it('tells a server that is gone, stands still, or runs elsewhere', () => {
    const instances = [row('a', 'ready'), row('b', 'ready'), row('c', 'ready')];
    const containers = [container('b', { running: false }), container('c', { mounted: ['/former/c'] })];
    const homes = ['a', 'b', 'c'].map((name) => home(name));
    assert.deepEqual(
      found({ instances }, { containers, homes }).map(({ kind }) => kind),
      ['server-gone', 'server-gone', 'server-adrift'],
    );
  });

  it('tells an instance without data by that alone, awake or asleep, whatever its server does', () => {
    const instances = [row('a', 'ready'), row('b', 'asleep'), row('c', 'ready')];
    const there = { containers: [container('a'), container('b')], homes: [home('a', { kind: 'bare' })] };
    assert.deepEqual(
      found({ instances }, there).map((each) => [each.kind, 'row' in each && each.row.clone]),
      [
        ['data-gone', 'a'],
        ['data-gone', 'b'],
        ['data-gone', 'c'],
      ],
    );
  });

  it('asks nothing of an instance that was given up', () => {
    assert.deepEqual(found({ instances: [row('a', 'failed')] }, {}), []);
  });

  it('tells a sleeper that is awake', () => {
    const instances = [row('a', 'asleep')];
    assert.deepEqual(found({ instances }, { containers: [container('a')], homes: [home('a')] }), [
      { kind: 'awake', row: instances[0] },
    ]);
  });

  it('tells what is half-made or half-deleted, and not what is missing of it', () => {
    const instances = [row('a', 'creating'), row('b', 'deleting')];
    assert.deepEqual(
      found({ instances }, {}).map(({ kind }) => kind),
      ['half-made', 'half-made'],
    );
  });

  it('keeps data that nobody knows, and never calls it a stray', () => {
    assert.deepEqual(found({}, { homes: [home('a', { holder: 'shop/mine' })] }), [
      { kind: 'unknown-data', clone: 'a', holder: 'shop/mine' },
    ]);
  });

  it('keeps files and directories that are not of our making', () => {
    const homes = [home('backup.tar', { kind: 'foreign' }), home('b', { kind: 'bare' })];
    assert.deepEqual(
      found({}, { homes, versions: { ours: [{ template: 'shop', version: 'v' }], strange: ['shop/old'] } }),
      [
        { kind: 'foreign-file', name: 'backup.tar' },
        { kind: 'foreign-file', name: 'b' },
        { kind: 'unfinished-version', template: 'shop', version: 'v' },
        { kind: 'unknown-version', name: 'shop/old' },
      ],
    );
  });

  it('does not take a spare for one that its own data says is somebody’s', () => {
    const spare = spareOf('s');
    const there = { containers: [container('s')], homes: [home('s', { holder: 'shop/mine' })] };
    assert.deepEqual(found({ spares: [spare] }, there), [
      { kind: 'spare-in-use', spare, holder: 'shop/mine' },
    ]);
  });

  it('takes a spare that was claimed during the look for what it is', () => {
    const spare = spareOf('s');
    const there = machine({ containers: [container('s')], homes: [home('s', { holder: 'shop/mine' })] });
    const claimed = records({ instances: [row('s', 'ready')] });
    assert.deepEqual(compare(records({ spares: [spare] }), there, claimed), []);
  });

  it('tells servers, containers of imports and run directories that nobody has', () => {
    const there = {
      containers: [
        container('x'),
        container('import-9', { role: 'import', running: false }),
        container('import-1', { role: 'client' }),
      ],
      runs: ['x', 'import-9', 'import-1'],
    };
    assert.deepEqual(found({ others: ['import-1'] }, there), [
      { kind: 'stray-server', clone: 'x', containerId: 'c-x' },
      { kind: 'stray-import', role: 'import', containerId: 'c-import-9' },
      { kind: 'stray-run-directory', name: 'x' },
      { kind: 'stray-run-directory', name: 'import-9' },
    ]);
  });

  it('leaves alone what came, went or changed during the look', () => {
    const there = machine({
      containers: [container('born'), container('dying'), container('reset-to')],
      homes: [home('born'), home('dying'), home('reset-to')],
      runs: ['born', 'dying'],
    });
    const before = records({
      instances: [row('dying', 'ready'), row('reset-from', 'ready', 'r'), row('falls', 'ready', 'f')],
    });
    const after = records({
      instances: [row('born', 'ready'), row('reset-to', 'ready', 'r'), row('falls', 'asleep', 'f')],
    });
    assert.deepEqual(compare(before, there, after), []);
  });
});
