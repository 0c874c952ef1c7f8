/** A MariaDB server beside MyAAS, with settings of its own, that programs of others load data into. */
import { randomBytes } from 'node:crypto';
import { chown, mkdir, readFile, rm } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { execa } from 'execa';
import { accounts, lookupUser } from '../../../daemon/host/accounts.ts';
import { testDirectory, testImage, testPrefix } from '../../support/machine.ts';

export const memoryBytes = 4 * 2 ** 30;

export interface Effort {
  readonly seconds: number;
  /** Of one core. The program that loads is not counted. */
  readonly serverCpuSeconds: number;
}

/** Seconds of one core that a process has had, in user and kernel mode. */
export async function cpuSecondsOf(pid: number): Promise<number> {
  const [, after = ''] = (await readFile(`/proc/${String(pid)}/stat`, 'utf8')).split(') ');
  const [user, kernel] = after.split(' ').slice(11, 13);
  return (Number(user) + Number(kernel)) / 100;
}

export class Peer implements AsyncDisposable {
  readonly #name: string;
  readonly #pid: number;
  /** What the server has as `/plain`, on the host. */
  readonly directory: string;

  private constructor(name: string, directory: string, pid: number) {
    this.#name = name;
    this.directory = directory;
    this.#pid = pid;
  }

  /** With an empty database `shop`. */
  static async start(flags: readonly string[], dump: string): Promise<Peer> {
    const owner = await lookupUser(accounts.serverUser);
    if (!owner) throw new Error('startHost made no account for the servers.');
    const name = `${testPrefix()}-peer-${randomBytes(3).toString('hex')}`;
    const directory = `${testDirectory()}/${name}`;
    await mkdir(directory);
    await chown(directory, owner.uid, owner.gid);
    const install =
      'mariadb-install-db --no-defaults --datadir=/plain/data --auth-root-authentication-method=normal';
    const server = 'mariadbd --no-defaults --datadir=/plain/data --socket=/plain/s --skip-networking';
    const running = execa(
      'docker',
      [
        ...['run', '--rm', '--name', name, '--network', 'none', '--memory', String(memoryBytes)],
        ...['--user', `${String(owner.uid)}:${String(owner.gid)}`],
        ...['--volume', `${directory}:/plain`, '--volume', `${dump}:/dump.sql:ro`, '--tmpfs', '/tmp'],
        ...['--entrypoint', '/bin/sh', testImage(), '-c'],
        `${install} --skip-test-db >/dev/null && exec ${[server, ...flags].join(' ')}`,
      ],
      { all: true, reject: false },
    );
    for await (const line of createInterface({ input: running.all }))
      if (line.includes('ready for connections')) break;
    const { stdout } = await execa('docker', ['inspect', '--format', '{{.State.Pid}}', name]);
    const peer = new Peer(name, directory, Number(stdout));
    await peer.run(`mariadb --no-defaults --socket=/plain/s --user=root -e 'create database shop'`);
    return peer;
  }

  /** For programs of this machine. */
  get socketPath(): string {
    return `${this.directory}/s`;
  }

  /** A command of the image's own shell. */
  async run(command: string): Promise<void> {
    await execa('docker', ['exec', this.#name, '/bin/sh', '-c', command]);
  }

  async effortOf(work: () => Promise<unknown>): Promise<Effort> {
    const startedMs = performance.now();
    const before = await cpuSecondsOf(this.#pid);
    await work();
    const seconds = (performance.now() - startedMs) / 1000;
    return { seconds, serverCpuSeconds: (await cpuSecondsOf(this.#pid)) - before };
  }

  /** What the plain client takes for the dump. */
  loadPlain(): Promise<Effort> {
    return this.effortOf(() =>
      this.run('mariadb --no-defaults --socket=/plain/s --user=root shop < /dump.sql'),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await execa('docker', ['rm', '--force', this.#name], { reject: false });
    await rm(this.directory, { recursive: true, force: true });
  }
}
