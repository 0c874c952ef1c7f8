import assert from 'node:assert/strict';
import { readdir, rm, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { execa, type ExecaError } from 'execa';
import mysql, { type Connection, type RowDataPacket } from 'mysql2/promise';
import type { Volume } from '../../daemon/contract/instances.ts';
import { accounts, lookupUser } from '../../daemon/host/accounts.ts';
import { startHost, type TestHost } from '../support/daemon.ts';
import { testImage, testPrefix } from '../support/machine.ts';

const shop = `
create table orders (id int primary key, item varchar(32));
insert into orders values (1, 'lamp'), (2, 'desk');
`;
const readyPatienceMs = 60_000;
/** As somebody's own server runs: with a network, and with nothing of MyAAS but the data. */
const serverCommand = [
  'mariadbd',
  '--no-defaults',
  '--datadir=/data',
  '--socket=/tmp/server.sock',
  '--tmpdir=/tmp',
];

const docker = async (...args: string[]): Promise<string> => (await execa('docker', args)).stdout;
const driver = (): string => `${testPrefix()}-volumes`.toLowerCase();

describe('volumes of Docker', function () {
  this.timeout(300_000);
  let host: TestHost;
  let user: string;
  /** Of its own: the machine's default bridge may be gone. */
  let network: string;
  const begun: string[] = [];

  before(async () => {
    host = await startHost({ MYAAS_VOLUME_DRIVER: driver() });
    await host.importDump('shop', shop);
    network = await docker('network', 'create', `${testPrefix()}-volumes`);
    const server = await lookupUser(accounts.serverUser);
    user = `${String(server?.uid)}:${String(server?.gid)}`;
  });
  afterEach(async () => {
    for (const container of begun.splice(0)) await docker('rm', '--force', container);
    for (const { name } of await volumes()) await docker('volume', 'rm', name);
  });
  after(async () => {
    await docker('network', 'rm', network);
    await host.stop();
  });

  const volumes = async (token?: string): Promise<Volume[]> => {
    const { body } = await host.api<{ volumes: Volume[] }>(
      'GET',
      '/v1/volumes',
      token === undefined ? {} : { token },
    );
    return body.volumes;
  };
  const credentials = async (name: string): Promise<Volume> => {
    const volume = (await volumes()).find((each) => each.name === name);
    assert.ok(volume);
    return volume;
  };
  const make = (name: string, ...options: string[]) =>
    docker('volume', 'create', '--driver', driver(), ...options.flatMap((option) => ['--opt', option]), name);
  const failure = async (work: Promise<unknown>): Promise<string> => {
    const error = await work.then(
      () => assert.fail('Docker accepted it.'),
      (reason: unknown) => reason as ExecaError,
    );
    return String(error.stderr);
  };

  /** Runs somebody's server over a volume; where it listens. */
  async function run(volume: string, owner = user): Promise<{ container: string; address: string }> {
    const mount = `type=volume,source=${volume},target=/data,volume-driver=${driver()}`;
    const image = [testImage(), ...serverCommand];
    const options = ['--user', owner, '--network', network, '--mount', mount];
    const container = await docker('create', ...options, ...image);
    begun.push(container);
    await docker('start', container);
    const format = '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}';
    return { container, address: await docker('inspect', '--format', format, container) };
  }

  async function query(address: string, volume: Volume, sql: string): Promise<RowDataPacket[]> {
    const connection = await connect(address, volume);
    try {
      const [rows] = await connection.query<RowDataPacket[]>(sql);
      return rows;
    } finally {
      connection.destroy();
    }
  }

  it('are clones that any container can mount, with a password of their own', async () => {
    await make('mydb', 'template=shop');
    const volume = await credentials('mydb');
    const { address } = await run('mydb');
    const rows = await query(address, volume, 'select item from orders order by id');
    assert.deepEqual(
      rows.map(({ item }) => item as string),
      ['lamp', 'desk'],
    );
    const { password: _, ...withoutPassword } = volume;
    assert.deepEqual(await volumes(host.userToken('member')), [withoutPassword]);
    assert.ok(!(await docker('volume', 'inspect', 'mydb')).includes(volume.password ?? ''));
  });

  it('keep what was written when their container goes, and are nobody else’s', async () => {
    await make('one', 'template=shop');
    await make('two', 'template=shop');
    const one = await credentials('one');
    const two = await credentials('two');
    assert.notEqual(one.password, two.password);
    const first = await run('one');
    await query(first.address, one, "insert into orders values (3, 'chair')");
    await docker('rm', '--force', first.container);
    begun.splice(0);
    const second = await run('one');
    assert.equal((await query(second.address, one, 'select * from orders')).length, 3);
    assert.equal((await query((await run('two')).address, two, 'select * from orders')).length, 2);
  });

  it('let nobody in from the network without the password, not even root', async () => {
    await make('mydb', 'template=shop');
    const volume = await credentials('mydb');
    const { address } = await run('mydb');
    await query(address, volume, 'select 1');
    for (const name of ['root', volume.user, '']) {
      const refused = mysql.createConnection({ host: address, user: name, password: '' });
      await assert.rejects(refused, /Access denied|not allowed to connect/);
    }
  });

  it('are gone with all their data when Docker removes them, and not while a container uses them', async () => {
    await make('mydb', 'template=shop');
    const mountpoint = await docker('volume', 'inspect', '--format', '{{.Mountpoint}}', 'mydb');
    const { container } = await run('mydb');
    assert.match(await failure(docker('volume', 'rm', 'mydb')), /volume is in use/);
    await docker('rm', '--force', container);
    begun.splice(0);
    await docker('volume', 'rm', 'mydb');
    await assert.rejects(stat(dirname(mountpoint)), { code: 'ENOENT' });
    assert.deepEqual(await volumes(), []);
    const { containers, directories, runDirectories } = await host.census();
    assert.deepEqual(
      { containers, directories, runDirectories },
      { containers: [], directories: [], runDirectories: [] },
    );
  });

  it('belong to the user that the image wants, with a password that the operator chose', async () => {
    const file = `${host.config.baseDir}/password`;
    await writeFile(file, 'chosen-by-me\n', { mode: 0o600 });
    await make('mydb', 'template=shop', 'user=4711:4712', `password-file=${file}`);
    await rm(file);
    const volume = await credentials('mydb');
    assert.equal(volume.password, 'chosen-by-me');
    const { address } = await run('mydb', '4711:4712');
    assert.equal((await query(address, volume, 'select * from orders')).length, 2);
  });

  it('are refused with a reason that Docker passes on, and leave nothing', async () => {
    assert.match(await failure(make('a', 'template=nothing')), /There is no template "nothing"/);
    assert.match(await failure(make('b')), /A volume needs a template/);
    assert.match(await failure(make('c', 'template=shop', 'colour=red')), /no option "colour"/);
    assert.match(await failure(make('d', 'template=shop', 'user=mysql')), /a user id, or "uid:gid"/);
    assert.match(await failure(make('e', 'template=../shop')), /not a valid template name/);
    assert.match(await failure(make('f', 'template=shop', 'password-file=secret')), /absolute path/);
    const passwd = await failure(make('g', 'template=shop', 'password-file=/etc/passwd'));
    assert.match(passwd, /The first line of \/etc\/passwd is no password/);
    assert.ok(!passwd.includes('root:'));
    assert.deepEqual(await volumes(), []);
    const { directories, containers } = await host.census();
    assert.deepEqual({ directories, containers }, { directories: [], containers: [] });
  });

  it('outlive the daemon, whose crash leaves none half-made', async () => {
    await make('kept', 'template=shop');
    host.registry.volumes.add({
      ...(host.registry.volumes.list()[0] ?? assert.fail()),
      id: '0123456789ab',
      name: 'half',
      state: 'creating',
    });
    await host.serve.stop('SIGKILL');
    await host.serve.start();
    assert.deepEqual(
      (await volumes()).map(({ name }) => name),
      ['kept'],
    );
    assert.equal((await readdir(host.paths.volumes)).length, 1);
    const { address } = await run('kept');
    assert.equal((await query(address, await credentials('kept'), 'select * from orders')).length, 2);
  });

  it('are what a compose file asks for', async () => {
    const directory = `${host.config.baseDir}/project`;
    const file = `${directory}.yml`;
    const compose = {
      version: '3',
      services: { db: { image: testImage(), user, entrypoint: serverCommand, volumes: ['data:/data'] } },
      volumes: { data: { driver: driver(), driver_opts: { template: 'shop' } } },
    };
    // JSON is YAML.
    await writeFile(file, JSON.stringify(compose));
    const project = `${testPrefix()}compose`.toLowerCase().replace(/[^a-z0-9]/g, '');
    const run = (...args: string[]) =>
      execa('docker-compose', ['--file', file, '--project-name', project, ...args]);
    try {
      await run('up', '--detach');
      const { stdout: container } = await run('ps', '--quiet');
      const format = '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}';
      const address = await docker('inspect', '--format', format, container.trim());
      const rows = await query(address, await credentials(`${project}_data`), 'select * from orders');
      assert.equal(rows.length, 2);
    } finally {
      await run('down', '--volumes', '--timeout', '0');
    }
    assert.deepEqual(await volumes(), []);
  });
});

/** The first connection that is answered: a server of somebody's own tells nobody when it is ready. */
async function connect(address: string, { user, password = '', database }: Volume): Promise<Connection> {
  const deadlineMs = Date.now() + readyPatienceMs;
  for (;;) {
    try {
      return await mysql.createConnection({ host: address, user, password, database });
    } catch (error) {
      const refused = error instanceof Error && 'code' in error && error.code === 'ECONNREFUSED';
      if (!refused || Date.now() > deadlineMs) throw error;
    }
  }
}
