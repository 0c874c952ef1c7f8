/** What the gate's tests and benchmark put at its two ends: a MariaDB in a container, and the process `myaas gate`. */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, watch } from 'node:fs';
import { chmod, chown, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Dockerode from 'dockerode';
import { accounts, lookupUser, type SystemUser } from '../../daemon/host/accounts.ts';
import { pathsOf } from '../../daemon/paths.ts';
import { GateLink } from '../../daemon/gate/link.ts';
import type { Route } from '../../daemon/gate/protocol.ts';
import type { Log } from '../../daemon/log.ts';

const patienceMs = 30_000;
const docker = new Dockerode();

async function account(name: string): Promise<SystemUser> {
  const user = await lookupUser(name);
  if (!user) throw new Error(`There is no user "${name}". Run these tests by "npm run test:integration".`);
  return user;
}

export interface Mariadb extends AsyncDisposable {
  readonly socketPath: string;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  /** Where Docker publishes it, and its address on the bridge; only for a published one. */
  readonly published?: { readonly port: number; readonly address: string };
  kill(): Promise<void>;
  start(): Promise<void>;
}

/** A fresh server with one account and one empty database; its socket is in `directory`, which is made. */
export async function startMariadb(options: {
  image: string;
  containerName: string;
  directory: string;
  published?: boolean;
}): Promise<Mariadb> {
  const { image, containerName, directory, published = false } = options;
  const { uid, gid } = await account(accounts.serverUser);
  const [user, password, database] = ['gatetest', randomBytes(12).toString('hex'), 'gatetest'];
  const socketPath = join(directory, 's');
  await mkdir(directory);
  const startup = join(directory, 'startup.sql');
  // In a file, where no process list shows the password.
  await writeFile(
    startup,
    ['%', 'localhost']
      .map((host) => `grant all on *.* to '${user}'@'${host}' identified by '${password}';\n`)
      .concat(`create database if not exists ${database};\n`)
      .join(''),
    { mode: 0o600 },
  );
  for (const path of [startup, directory]) await chown(path, uid, gid);

  const server = [
    'mariadbd --no-defaults --skip-ssl --datadir=/data --socket=/gate/s --bind-address=0.0.0.0',
    '--pid-file=/gate/pid --max-allowed-packet=256M --performance-schema=OFF --init-file=/gate/startup.sql',
  ].join(' ');
  const container = await docker.createContainer({
    name: containerName,
    Image: image,
    User: `${uid}:${gid}`,
    Entrypoint: ['/bin/sh', '-c'],
    Cmd: [`mariadb-install-db --no-defaults --datadir=/data >/dev/null && exec ${server}`],
    ...(published && { ExposedPorts: { '3306/tcp': {} } }),
    HostConfig: {
      NetworkMode: published ? 'bridge' : 'none',
      Binds: [`${directory}:/gate`],
      Tmpfs: { '/data': `uid=${uid},gid=${gid},size=2g`, '/tmp': '' },
      ...(published && { PortBindings: { '3306/tcp': [{ HostIp: '127.0.0.1', HostPort: '' }] } }),
    },
  });
  const start = async () => {
    // The server writes it when it listens; the socket is there a moment earlier, and refuses.
    await rm(join(directory, 'pid'), { force: true });
    const listens = appearance(directory, 'pid');
    await container.start();
    await listens;
  };
  const remove = async () => {
    await container.remove({ force: true, v: true });
    await rm(directory, { recursive: true });
  };
  try {
    await start();
  } catch (error) {
    await remove();
    throw error;
  }
  const { Ports: ports, Networks: networks } = (await container.inspect()).NetworkSettings;
  const port = ports['3306/tcp']?.[0]?.HostPort;
  const address = networks['bridge']?.IPAddress;
  return {
    socketPath,
    user,
    password,
    database,
    ...(port !== undefined && address !== undefined && { published: { port: Number(port), address } }),
    kill: async () => {
      const gone = container.wait();
      await container.kill();
      await gone;
    },
    start,
    [Symbol.asyncDispose]: remove,
  };
}

async function appearance(directory: string, name: string): Promise<void> {
  const watcher = watch(directory, { signal: AbortSignal.timeout(patienceMs) });
  while (!existsSync(join(directory, name))) await once(watcher, 'change');
  watcher.close();
}

export interface GateProcess extends AsyncDisposable {
  readonly pid: number;
}

/** A run directory as `myaas init` makes it, in which gates and serve's end of their link can be started. */
export async function runDirectory() {
  const path = await mkdtemp(join(tmpdir(), 'gate-'));
  await chmod(path, 0o755);
  const { gateSocket } = pathsOf({ baseDir: path, runDir: path });
  return {
    path,
    /** `node daemon/main.ts gate`, which becomes the gate's user. */
    async startGate(): Promise<GateProcess> {
      const main = join(import.meta.dirname, '../../daemon/main.ts');
      const child = spawn(process.execPath, [main, 'gate'], {
        env: { ...process.env, MYAAS_RUN_DIR: path, MYAAS_BIND: '127.0.0.1' },
        stdio: ['ignore', 'ignore', 'inherit'],
      });
      await once(child, 'spawn');
      return {
        pid: child.pid ?? 0,
        [Symbol.asyncDispose]: async () => {
          if (child.exitCode !== null) return;
          child.kill('SIGTERM');
          await once(child, 'exit');
        },
      };
    },
    /** What `myaas serve` does, and waits for the gate. */
    async startLink(routes: () => readonly Route[], log: Log): Promise<GateLink> {
      const owner = await account(accounts.gateUser);
      const link = new GateLink({ socketPath: gateSocket, owner, routes, onSight: () => undefined, log });
      await link.listen();
      await link.waitConnected(patienceMs);
      return link;
    },
    [Symbol.asyncDispose]: () => rm(path, { recursive: true }),
  };
}
