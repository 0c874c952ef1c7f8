import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import mysql, { type Connection, type RowDataPacket } from 'mysql2/promise';
import { accounts, lookupUser } from '../../daemon/host/accounts.ts';
import type { GateLink } from '../../daemon/gate/link.ts';
import type { Route } from '../../daemon/gate/protocol.ts';
import { testImage, testPrefix } from '../support/machine.ts';
import { freePort, Logged } from '../unit/gate-peers.ts';
import { runDirectory, startMariadb, type GateProcess, type Mariadb } from './gate-mariadb.ts';

describe('the gate before a MariaDB', () => {
  const cleanup = new AsyncDisposableStack();
  const routes: Route[] = [];
  let run: Awaited<ReturnType<typeof runDirectory>>;
  let server: Mariadb;
  let gate: GateProcess;
  let link: GateLink;
  let route: Route;

  const startLink = async () => {
    link = await run.startLink(() => routes, new Logged());
  };
  const connect = () =>
    mysql.createConnection({
      host: '127.0.0.1',
      port: route.port,
      user: server.user,
      password: server.password,
      database: server.database,
    });
  const scalar = async (connection: Connection, query: string): Promise<unknown> => {
    const [rows] = await connection.query<RowDataPacket[]>(query);
    return Object.values(rows[0] ?? {})[0];
  };

  before(async function () {
    this.timeout(120_000);
    run = cleanup.use(await runDirectory());
    const containerName = `${testPrefix()}-gate`;
    server = cleanup.use(
      await startMariadb({ image: testImage(), containerName, directory: `${run.path}/db` }),
    );
    route = { id: 'db', port: await freePort(), socket: server.socketPath, state: 'open' };
    routes.push(route);
    gate = cleanup.use(await run.startGate());
    cleanup.defer(() => link.close());
    await startLink();
  });
  after(async function () {
    this.timeout(60_000);
    await cleanup.disposeAsync();
  });

  it('answers queries on its port', async () => {
    await using connection = await connect();
    assert.equal(await scalar(connection, 'select 6 * 7'), 42);
  });

  it('runs as its own user, without any capability', async () => {
    const status = await readFile(`/proc/${gate.pid}/status`, 'utf8');
    const user = await lookupUser(accounts.gateUser);
    assert.ok(user);
    assert.match(status, new RegExp(`^Uid:(\\t${user.uid}){4}$`, 'm'));
    assert.match(status, new RegExp(`^Gid:(\\t${user.gid}){4}$`, 'm'));
    assert.match(status, /^CapEff:\t0+$/m);
    assert.match(status, new RegExp(`^Groups:\t${user.gid} $`, 'm'));
  });

  it('carries a large result unchanged', async function () {
    this.timeout(60_000);
    await using connection = await connect();
    const expected = createHash('md5').update('MyAAS!'.repeat(10_000_000)).digest('hex');
    const text = await scalar(connection, "select repeat('MyAAS!', 10000000)");
    assert.equal(
      createHash('md5')
        .update(text as string)
        .digest('hex'),
      expected,
    );
  });

  it('keeps a session through a restart of serve', async () => {
    await using connection = await connect();
    const session = await scalar(connection, 'select connection_id()');
    await link.close();
    assert.equal(await scalar(connection, 'select connection_id()'), session);
    await startLink();
    assert.equal(await scalar(connection, 'select connection_id()'), session);
    assert.ok(((await link.stats())[0]?.connections ?? 0) >= 1);
  });

  it('lets clients wait while the server is replaced, and cuts those of the old one', async function () {
    this.timeout(60_000);
    const old = await connect();
    const cut = new Promise((resolve) => old.once('error', resolve));
    await link.set({ ...route, state: 'held' });
    await cut;
    const early = connect();
    await server.kill();
    await server.start();
    await link.set(route);
    await using connection = await early;
    assert.equal(await scalar(connection, 'select 1'), 1);
  });

  it('says to a client that the server is gone', async function () {
    this.timeout(60_000);
    await server.kill();
    await assert.rejects(connect(), { errno: 1053, message: /^MyAAS: .* is not running/ });
    await server.start();
    await using connection = await connect();
    assert.equal(await scalar(connection, 'select 1'), 1);
  });

  it('has its routes again after a restart', async function () {
    this.timeout(30_000);
    await gate[Symbol.asyncDispose]();
    await assert.rejects(connect(), { code: 'ECONNREFUSED' });
    gate = cleanup.use(await run.startGate());
    await link.waitConnected(20_000);
    await using connection = await connect();
    assert.equal(await scalar(connection, 'select 1'), 1);
  });

  it('frees the port of what is removed', async () => {
    const extra: Route = { ...route, id: 'extra', port: await freePort() };
    await link.set(extra);
    const client = await mysql.createConnection({
      host: '127.0.0.1',
      port: extra.port,
      user: server.user,
      password: server.password,
    });
    const cut = new Promise((resolve) => client.once('error', resolve));
    await link.remove('extra');
    await cut;
    const successor = createServer().listen(extra.port, '127.0.0.1');
    await once(successor, 'listening');
    successor.close();
  });
});
