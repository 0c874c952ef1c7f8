/** Starting a database server in its container, and knowing the moment it answers. */
import { chmod, chown, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import type { Paths } from '../paths.ts';
import type { Role } from '../drivers/container.ts';
import type { Docker } from '../drivers/docker.ts';
import { inContainer, type Account, type Engine, type ServerFile } from '../engines/engine.ts';
import { hasErrno, MyaasError, messageOf } from '../errors/error.ts';
import { errors } from '../errors/errors.ts';
import type { Log } from '../log.ts';
import { Slots } from '../slots.ts';
import { fileAppears, fileSays } from './readiness.ts';

/** Long enough for the crash recovery of a large instance; the gate turns its clients away long before. */
const startLimitMs = 10 * 60_000;

export interface ServerSpec {
  readonly role: Extract<Role, 'server' | 'import'>;
  readonly id: string;
  /** The host's directory with `datadir/`; `tmp/` is made beside it. */
  readonly home: string;
  readonly image: string;
  readonly engine: Engine;
  readonly command: readonly string[];
  /** Whose password the server sets at its start. */
  readonly account?: Account;
  readonly labels?: Readonly<Record<string, string>>;
  readonly memoryBytes: number;
  readonly cpus?: string | undefined;
}

/** System accounts that own the data and may reach the sockets. */
export interface HostAccounts {
  readonly server: { readonly uid: number; readonly gid: number };
  readonly gateGid: number;
}

export class Servers {
  readonly #docker: Docker;
  readonly #paths: Paths;
  readonly #accounts: HostAccounts;
  readonly #log: Log;
  /** Starting a server is work for a core and for Docker: more at once make each slower, and none sooner. */
  readonly #slots = new Slots(2 * availableParallelism());

  constructor(docker: Docker, paths: Paths, accounts: HostAccounts, log: Log) {
    this.#docker = docker;
    this.#paths = paths;
    this.#accounts = accounts;
    this.#log = log;
  }

  get owner(): HostAccounts['server'] {
    return this.#accounts.server;
  }

  socketOf(spec: Pick<ServerSpec, 'id' | 'engine'>): string {
    return `${this.#paths.run(spec.id)}/${spec.engine.socketName}`;
  }

  /**
   * Starts a server and returns what `greet` does with its socket: the login that proves it answers. `makeData`
   * runs beside the making of the container. Throws `MYAAS_SERVER_FAILED` with the end
   * of the server's log when it dies instead; whatever was made is left to `dismantle`.
   */
  async start<T>(
    spec: ServerSpec,
    makeData: () => Promise<void>,
    greet: (socketPath: string, signal: AbortSignal) => Promise<T>,
    signal: AbortSignal,
  ): Promise<{ containerId: string; greeted: T }> {
    using _ = await this.#slots.take(signal);
    const [container, directory] = await Promise.allSettled([this.#makeContainer(spec), makeData()]);
    if (container.status === 'rejected') throw container.reason;
    if (directory.status === 'rejected') throw directory.reason;
    signal.throwIfAborted();
    return { containerId: container.value, greeted: await this.#run(container.value, spec, greet, signal) };
  }

  /**
   * Starts a server that was stopped, or has died, on the data it has: in the container it had, where that is left,
   * which saves the time of making one. Otherwise like `start`.
   */
  async startAgain<T>(
    spec: ServerSpec,
    greet: (socketPath: string, signal: AbortSignal) => Promise<T>,
    signal: AbortSignal,
  ): Promise<void> {
    using _ = await this.#slots.take(signal);
    const former = (await this.#docker.list(spec.id)).find(({ role }) => role === spec.role);
    const isAtHome = [spec.home, this.#paths.run(spec.id)].every((path) => former?.mounted.includes(path));
    if (former && isAtHome && !(await this.#docker.isRunning(former.containerId))) {
      try {
        await this.#prepareDirectories(spec);
        await this.#run(former.containerId, spec, greet, signal);
        return;
      } catch (error) {
        signal.throwIfAborted();
        if (isDockerAway(error)) throw error;
        // A restart of Docker or of the host takes the namespace away that the container was made with.
        this.#log.info(`The container of ${spec.id} is made anew: ${messageOf(error)}`);
      }
    }
    await this.dismantle(spec.id);
    try {
      await this.#run(await this.#makeContainer(spec), spec, greet, signal);
    } catch (error) {
      // It stays, for its log, but does not run on with nobody to tell.
      if (!isDockerAway(error)) await this.stop(spec.id, 0);
      throw error;
    }
  }

  /** Starts the container and returns what `greet` does, or why the server does not answer, at the latest after `startLimitMs`. */
  async #run<T>(
    containerId: string,
    spec: ServerSpec,
    greet: (socketPath: string, signal: AbortSignal) => Promise<T>,
    signal: AbortSignal,
  ): Promise<T> {
    // Ends whatever still waits when one of the three below has decided.
    const over = new AbortController();
    const waiting = AbortSignal.any([signal, over.signal]);
    const late = errors.serverFailed(
      `The database server did not answer within ${String(startLimitMs / 60_000)} minutes.`,
      '',
    );
    const timer = setTimeout(() => over.abort(late), startLimitMs);
    try {
      if (spec.role === 'server') await this.#makeTmp(`${spec.home}/${inContainer.tmpInDatadir}`);
      await prepareData(spec);
      const { readyFile, socketName } = spec.engine;
      const listening = readyFile
        ? fileSays(datadirOf(spec), readyFile, waiting)
        : fileAppears(this.#paths.run(spec.id), socketName, waiting);
      listening.catch(() => undefined);
      await this.#docker.start(containerId);
      const greeted = await Promise.race([
        listening.then(() => whenListening(() => greet(this.socketOf(spec), waiting), waiting)),
        this.#died(containerId, waiting),
        rejectOnAbort(waiting),
      ]);
      await this.#closeRunDirectory(spec);
      return greeted;
    } catch (error) {
      // Whatever gave up first: why is what the signal says.
      signal.throwIfAborted();
      if (error instanceof MyaasError) throw error;
      const log = await this.lastWords(containerId);
      throw errors.serverFailed(`The database server does not answer: ${messageOf(error)}.`, log);
    } finally {
      clearTimeout(timer);
      over.abort();
    }
  }

  async #prepareDirectories(spec: ServerSpec): Promise<void> {
    const { server, gateGid } = this.#accounts;
    const run = this.#paths.run(spec.id);
    await rm(run, { recursive: true, force: true });
    await mkdir(run, { mode: 0o700 });
    for (const { name, text } of startupFilesOf(spec)) {
      await writeFile(`${run}/${name}`, text, { mode: 0o400 });
      await chown(`${run}/${name}`, server.uid, server.gid);
    }
    // The gate passes through, and lists nothing; an import is nobody's but ours.
    await chown(run, server.uid, spec.role === 'server' ? gateGid : server.gid);
    await chmod(run, spec.role === 'server' ? 0o710 : 0o700);
    const tmp = `${spec.home}/tmp`;
    await rm(tmp, { recursive: true, force: true });
    if (spec.role === 'server') await symlink(inContainer.tmpInDatadir, tmp);
    else await this.#makeTmp(tmp);
  }

  async #makeTmp(directory: string): Promise<void> {
    const { uid, gid } = this.#accounts.server;
    await rm(directory, { recursive: true, force: true });
    await mkdir(directory, { mode: 0o700 });
    await chown(directory, uid, gid);
  }

  /** From here on the server can write nothing but its data: on the run directory's disk no limit would hold it. */
  async #closeRunDirectory(spec: ServerSpec): Promise<void> {
    const run = this.#paths.run(spec.id);
    for (const { name } of startupFilesOf(spec)) await rm(`${run}/${name}`, { force: true });
    await chmod(run, spec.role === 'server' ? 0o710 : 0o750);
    await chown(run, 0, spec.role === 'server' ? this.#accounts.gateGid : this.#accounts.server.gid);
  }

  async #makeContainer(spec: ServerSpec): Promise<string> {
    await this.#prepareDirectories(spec);
    return this.#docker.create({
      role: spec.role,
      id: spec.id,
      ...(spec.labels && { labels: spec.labels }),
      image: spec.image,
      command: spec.command,
      env: spec.engine.environment,
      stopSignal: spec.engine.stopSignal,
      user: this.#accounts.server,
      mounts: [
        { source: spec.home, target: inContainer.home },
        { source: this.#paths.run(spec.id), target: inContainer.run },
      ],
      memoryBytes: spec.memoryBytes,
      cpus: spec.cpus,
    });
  }

  /** Never resolves: rejects when the container stops. */
  async #died(containerId: string, signal: AbortSignal): Promise<never> {
    const exitCode = await this.#docker.wait(containerId, signal);
    throw errors.serverFailed(
      `The database server stopped at its start (exit code ${String(exitCode)}).`,
      await this.lastWords(containerId),
    );
  }

  /** Shuts a server down cleanly and keeps its container; one that needs longer than the grace is killed. */
  async stop(id: string, graceSeconds: number): Promise<void> {
    const containers = await this.#docker.list(id);
    await Promise.all(
      containers
        .filter(({ running }) => running)
        .map(({ containerId }) => this.#docker.stop(containerId, graceSeconds)),
    );
  }

  /** The end of a server's log, for an error message. */
  async lastWords(containerId: string): Promise<string> {
    return (await this.#docker.logs(containerId, 15)).trim();
  }

  /** Kills the server and removes its container and run directory; fine when they are gone. */
  async dismantle(id: string): Promise<void> {
    await this.#docker.removeAllOf(id);
    await rm(this.#paths.run(id), { recursive: true, force: true });
  }
}

const isDockerAway = (error: unknown): boolean =>
  error instanceof MyaasError && error.code === 'MYAAS_DOCKER_UNAVAILABLE';

const startupFilesOf = ({ engine, account }: ServerSpec): readonly ServerFile[] =>
  account ? engine.startupFiles(account) : (engine.importFiles ?? []);

const datadirOf = ({ home }: ServerSpec): string => `${home}/datadir`;

/** What is done to the data directory of a server that does not run. */
async function prepareData(spec: ServerSpec): Promise<void> {
  const { engine, account } = spec;
  // A server that was killed has left it, and it would be believed.
  if (engine.readyFile) await rm(`${datadirOf(spec)}/${engine.readyFile.name}`, { force: true });
  if (account) await engine.prepareData?.(datadirOf(spec), account);
}

/** A server binds its socket a moment before it listens, and there is no event for that moment's end. */
async function whenListening<T>(greet: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (;;) {
    try {
      return await greet();
    } catch (error) {
      if (!hasErrno(error, 'ECONNREFUSED')) throw error;
      await delay(1, undefined, { signal });
    }
  }
}

async function rejectOnAbort(signal: AbortSignal): Promise<never> {
  return new Promise<never>((_, reject) => {
    const abort = () => reject(signal.reason as Error);
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
  });
}
