/** A server of MariaDB or MySQL beside MyAAS, with settings of its own, that programs of others load data into. */
import { randomBytes } from 'node:crypto';
import { chown, mkdir, readFile, rm } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { execa } from 'execa';
import { accounts, lookupUser } from '../../../daemon/host/accounts.ts';
import { testDirectory, testImage, testPrefix } from '../../support/machine.ts';
import { mariadbPrograms, mysqlPrograms, type Programs } from '../../support/plain.ts';

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
  readonly #programs: Programs;
  /** What the server has as `/plain`, on the host. */
  readonly directory: string;

  private constructor(name: string, directory: string, pid: number, programs: Programs) {
    this.#name = name;
    this.#programs = programs;
    this.directory = directory;
    this.#pid = pid;
  }

  /** With an empty database `shop`. MariaDB unless an image of MySQL is given. */
  static async start(flags: readonly string[], dump: string, mysqlImage?: string): Promise<Peer> {
    const programs = mysqlImage === undefined ? mariadbPrograms : mysqlPrograms;
    const owner = await lookupUser(accounts.serverUser);
    if (!owner) throw new Error('startHost made no account for the servers.');
    const name = `${testPrefix()}-peer-${randomBytes(3).toString('hex')}`;
    const directory = `${testDirectory()}/${name}`;
    await mkdir(directory);
    await chown(directory, owner.uid, owner.gid);
    const running = execa(
      'docker',
      [
        ...['run', '--rm', '--name', name, '--network', 'none', '--memory', String(memoryBytes)],
        ...['--user', `${String(owner.uid)}:${String(owner.gid)}`],
        ...['--volume', `${directory}:/plain`, '--volume', `${dump}:/dump.sql:ro`, '--tmpfs', '/tmp'],
        ...['--entrypoint', '/bin/sh', mysqlImage ?? testImage(), '-c'],
        `${programs.install} >/dev/null 2>&1 && exec ${[programs.server, ...flags].join(' ')}`,
      ],
      { all: true, reject: false },
    );
    for await (const line of createInterface({ input: running.all }))
      if (line.includes('ready for connections')) break;
    const { stdout } = await execa('docker', ['inspect', '--format', '{{.State.Pid}}', name]);
    const peer = new Peer(name, directory, Number(stdout), programs);
    await peer.run(`${programs.client} -e 'create database shop'`);
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
    return this.effortOf(() => this.run(`${this.#programs.client} shop < /dump.sql`));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await execa('docker', ['rm', '--force', this.#name], { reject: false });
    await rm(this.directory, { recursive: true, force: true });
  }
}
