/**
 * A script's way to a database server, the fastest there is without MyAAS: nothing but a snapshot, `docker run` (or
 * `docker start`) with the same image and flags, and a first query through the socket.
 */
import { existsSync, watch } from 'node:fs';
import { chown, mkdir, rm, writeFile } from 'node:fs/promises';
import { execa } from 'execa';
import { accounts, lookupUser, type SystemUser } from '../../daemon/host/accounts.ts';
import { deleteSubvolume, snapshot } from '../../daemon/drivers/btrfs.ts';
import { inContainer } from '../../daemon/engines/engine.ts';
import { mariadb } from '../../daemon/engines/mariadb.ts';
import type { TestHost } from '../support/daemon.ts';
import { testImage, testPrefix } from '../support/machine.ts';

const account = { username: 'myaas', password: 'benchmark0password0benchmark' };
const loginLimitMs = 60_000;

export class Floor implements AsyncDisposable {
  readonly #owner: SystemUser;
  readonly #memoryBytes: number;
  readonly #name = `${testPrefix()}-floor`;
  readonly #namespace = `${testPrefix()}-floor-namespace`;
  readonly #home: string;
  readonly #run: string;

  private constructor({ config }: TestHost, owner: SystemUser) {
    this.#owner = owner;
    this.#memoryBytes = config.memoryLimitBytes;
    this.#home = `${config.baseDir}/floor`;
    this.#run = `${config.runDir}/floor`;
  }

  /** Makes the idle container whose network namespace the floor's servers share, as the daemon's do. */
  static async prepare(host: TestHost): Promise<Floor> {
    const owner = await lookupUser(accounts.serverUser);
    if (!owner) throw new Error('startHost made no account for the servers.');
    const floor = new Floor(host, owner);
    await execa('docker', [
      ...['run', '--detach', '--name', floor.#namespace, '--network', 'none'],
      ...['--entrypoint', '/bin/sleep', testImage(), 'infinity'],
    ]);
    return floor;
  }

  /** Milliseconds from the snapshot to the first answered query. */
  async measureCreate(source: string): Promise<number> {
    await this.#makeDirectories();
    const startedMs = performance.now();
    await snapshot(source, `${this.#home}/datadir`);
    await this.#runContainer();
    await this.#firstQuery();
    const elapsedMs = performance.now() - startedMs;
    await this.#cleanUp();
    return elapsedMs;
  }

  /** Makes a server that `measureStart` starts again and again. */
  async launch(source: string): Promise<void> {
    await this.#makeDirectories();
    await snapshot(source, `${this.#home}/datadir`);
    await this.#runContainer();
    await this.#firstQuery();
  }

  /** Milliseconds from `docker start` of the stopped container to the first answered query. */
  async measureStart(): Promise<number> {
    await execa('docker', ['stop', this.#name]);
    const startedMs = performance.now();
    await execa('docker', ['start', this.#name]);
    await this.#firstQuery();
    return performance.now() - startedMs;
  }

  async #makeDirectories(): Promise<void> {
    for (const directory of [this.#home, `${this.#home}/tmp`, this.#run]) {
      await mkdir(directory, { recursive: true });
      await chown(directory, this.#owner.uid, this.#owner.gid);
    }
    for (const { name, text } of mariadb.startupFiles(account)) await writeFile(`${this.#run}/${name}`, text);
  }

  async #runContainer(): Promise<void> {
    const { uid, gid } = this.#owner;
    const memoryBytes = this.#memoryBytes;
    const [program = '', ...flags] = mariadb.serveCommand({ memoryBytes, series: '11.8' });
    await execa('docker', [
      ...['run', '--detach', '--name', this.#name, '--network', `container:${this.#namespace}`],
      ...['--user', `${String(uid)}:${String(gid)}`, '--read-only', '--cap-drop', 'ALL'],
      ...['--security-opt', 'no-new-privileges', '--pids-limit', '2048'],
      ...['--memory', String(memoryBytes), '--memory-swap', String(memoryBytes)],
      ...['--mount', `type=bind,source=${this.#home},target=${inContainer.home}`],
      ...['--mount', `type=bind,source=${this.#run},target=${inContainer.run}`],
      ...Object.entries(mariadb.environment).flatMap(([name, value]) => ['--env', `${name}=${value}`]),
      ...['--entrypoint', program, testImage(), ...flags],
    ]);
  }

  async #firstQuery(): Promise<void> {
    await appears(this.#run, mariadb.socketName);
    const socketPath = `${this.#run}/${mariadb.socketName}`;
    await mariadb.login(socketPath, account, 'mysql', AbortSignal.timeout(loginLimitMs));
  }

  async #cleanUp(): Promise<void> {
    await execa('docker', ['rm', '--force', this.#name], { reject: false });
    await deleteSubvolume(`${this.#home}/datadir`);
    await rm(this.#home, { recursive: true, force: true });
    await rm(this.#run, { recursive: true, force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#cleanUp();
    await execa('docker', ['rm', '--force', this.#namespace], { reject: false });
  }
}

async function appears(directory: string, name: string): Promise<void> {
  await new Promise<void>((resolve) => {
    const check = () => {
      if (!existsSync(`${directory}/${name}`)) return;
      watcher.close();
      resolve();
    };
    const watcher = watch(directory, check);
    check();
  });
}
