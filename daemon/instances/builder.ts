/** Clones: data, run directory and server of an instance. Knows no instances and no states; `Ledger` does. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import type { Config } from '../config.ts';
import type { Paths } from '../paths.ts';
import { deleteSubvolume, snapshot } from '../drivers/btrfs.ts';
import type { ContainerInfo, Docker } from '../drivers/docker.ts';
import type { InstanceRow } from '../drivers/registry.ts';
import { inContainer, type Account } from '../engines/engine.ts';
import { engineOf } from '../engines/engines.ts';
import { messageOf, MyaasError } from '../errors/error.ts';
import { errors } from '../errors/errors.ts';
import { exists } from '../host/files.ts';
import type { Images } from '../host/images.ts';
import { Slots } from '../slots.ts';
import type { Manifest } from '../templates/catalogue.ts';
import { writeCard, type CloneCard } from './clone-card.ts';
import type { DiskLimit } from './disk-limit.ts';
import type { Servers, ServerSpec } from './server.ts';
import type { OnPhase, Upgrades } from './upgrade.ts';

export interface Clone {
  readonly id: string;
  readonly template: string;
  readonly version: string;
  readonly engine: string;
  /** Of its data: "11.8"; "" of clones made before there were several. */
  readonly engineSeries: string;
  readonly databaseName: string;
  readonly username: string;
  readonly password: string;
  /** The series of its template's server, where its own is newer. */
  readonly upgradedFrom?: string | null;
}

/** The clone of an instance. */
export const cloneOf = (row: InstanceRow): Clone => ({ ...row, id: row.clone });

export interface BuilderDeps {
  readonly config: Config;
  readonly paths: Paths;
  readonly docker: Docker;
  readonly servers: Servers;
  readonly images: Pick<Images, 'of'>;
  readonly upgrades: Upgrades;
  readonly diskLimit: DiskLimit;
}

/** For a clean shutdown; a server that needs longer is killed, and recovers when it is started again. */
const shutdownGraceSeconds = 60;

export class Builder {
  readonly #deps: BuilderDeps;
  #nextCore = 0;
  /** Removing is work for Docker and btrfs: more at once would make those wait who want something made. */
  readonly #removals = new Slots(availableParallelism());

  constructor(deps: BuilderDeps) {
    this.#deps = deps;
  }

  /** Tells clones apart that were made with other settings than today's. Throws `MYAAS_IMAGE_MISSING`. */
  recipeOf({ engine, engineSeries = '' }: Pick<Manifest, 'engine' | 'engineSeries'>): string {
    const { config, images } = this.#deps;
    const { memoryLimitBytes, cpuPinningCores, dbPassword = null } = config;
    const image = images.of(engine, engineSeries);
    const { environment, ...product } = engineOf(engine);
    const command = product.serveCommand({ memoryBytes: memoryLimitBytes, series: image.series });
    const parts = [image.id, command, environment, memoryLimitBytes, cpuPinningCores, dbPassword];
    return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
  }

  socketOf({ id, engine }: Pick<Clone, 'id' | 'engine'>): string {
    return this.#deps.servers.socketOf({ id, engine: engineOf(engine) });
  }

  /** The host's directories that a clone's server sees. */
  directoriesOf(cloneId: string): string[] {
    const { paths } = this.#deps;
    return [paths.instance(cloneId), paths.run(cloneId)];
  }

  async hasData(cloneId: string): Promise<boolean> {
    return exists(`${this.#deps.paths.instance(cloneId)}/datadir`);
  }

  /** Whether a running server sees the clone's directories and shows itself where it is looked for. */
  isReachable(clone: Pick<Clone, 'id' | 'engine'>, { mounted }: ContainerInfo): boolean {
    const isAtHome = this.directoriesOf(clone.id).every((directory) => mounted.includes(directory));
    return isAtHome && existsSync(this.socketOf(clone));
  }

  /** Writes beside a clone's data whose it is from now on. */
  async mark(clone: Clone, holder: NonNullable<CloneCard['holder']>): Promise<void> {
    await writeCard(this.#deps.paths.instance(clone.id), { ...clone, holder });
  }

  /** Snapshot and container side by side, then the server and the login. Leaves its remains to `remove`. */
  async build(clone: Clone, signal: AbortSignal, onPhase: OnPhase = () => undefined): Promise<void> {
    signal.throwIfAborted();
    const { paths, servers, diskLimit, upgrades } = this.#deps;
    const home = paths.instance(clone.id);
    await mkdir(home, { mode: 0o755 });
    await writeCard(home, clone);
    const source = `${paths.version(clone.template, clone.version)}/datadir`;
    // Beside the start of the server, which takes longer.
    let limited: Promise<void> | undefined;
    const makeData = async () => {
      await snapshot(source, `${home}/datadir`);
      limited = diskLimit.apply(clone.id);
      limited.catch(() => undefined);
    };
    const spec = this.#spec(clone);
    const isOlder = clone.upgradedFrom !== undefined && clone.upgradedFrom !== null;
    if (isOlder) {
      await makeData();
      await upgrades.run(spec, signal, onPhase);
      onPhase('starting');
    }
    await servers.start(
      spec,
      isOlder ? () => Promise.resolve() : makeData,
      (socketPath, until) => engineOf(clone.engine).admit(socketPath, clone, clone.databaseName, until),
      signal,
    );
    await limited;
  }

  /** Starts a server on the data it has, and returns when the user's login has answered a query. */
  async start(clone: Clone, signal: AbortSignal): Promise<void> {
    await this.#deps.servers.startAgain(
      this.#spec(clone),
      (socketPath, until) => engineOf(clone.engine).admit(socketPath, clone, clone.databaseName, until),
      signal,
    );
  }

  #spec(clone: Clone): ServerSpec & { readonly account: Account } {
    const { images, config, paths } = this.#deps;
    const engine = engineOf(clone.engine);
    const { reference, series } = images.of(clone.engine, clone.engineSeries);
    return {
      role: 'server',
      id: clone.id,
      home: paths.instance(clone.id),
      image: reference,
      engine,
      command: engine.serveCommand({ memoryBytes: config.memoryLimitBytes, series }),
      account: clone,
      labels: { 'com.myaas.template': clone.template },
      memoryBytes: config.memoryLimitBytes,
      cpus: this.#pickCores(),
    };
  }

  #pickCores(): string | undefined {
    const { cpuPinningCores: wanted } = this.#deps.config;
    const cores = availableParallelism();
    if (wanted === 0 || wanted >= cores) return undefined;
    const first = this.#nextCore;
    this.#nextCore = (first + wanted) % cores;
    return Array.from({ length: wanted }, (_, index) => String((first + index) % cores)).join(',');
  }

  /** Shuts a server down cleanly; its container stays, so that it can be started again soon. */
  async stop(clone: Clone): Promise<void> {
    const { servers, paths } = this.#deps;
    await servers.stop(clone.id, shutdownGraceSeconds);
    // Other servers, which a volume's data may be given to, would take it for a database.
    await rm(`${paths.instance(clone.id)}/${inContainer.tmpInDatadir}`, { recursive: true, force: true });
  }

  /** Kills a server; its container stays, for its log. */
  async kill(cloneId: string): Promise<void> {
    await this.#deps.servers.stop(cloneId, 0);
  }

  /** Proves that the server lets its user in and answers. */
  async login(clone: Clone, signal: AbortSignal): Promise<void> {
    await this.#ask(clone, signal, (socket) =>
      engineOf(clone.engine).login(socket, clone, clone.databaseName, signal),
    );
  }

  /** What a server is busy with, in words; undefined when it can be stopped without anybody losing work. */
  async work(clone: Clone, signal: AbortSignal): Promise<string | undefined> {
    return this.#ask(clone, signal, (socket) =>
      engineOf(clone.engine).work(socket, clone, clone.databaseName, signal),
    );
  }

  /** Lets a running server's user in from other hosts, too: for a server that others will run. */
  async openToNetwork(clone: Clone, signal: AbortSignal): Promise<void> {
    const engine = engineOf(clone.engine);
    const opening = engine.openToNetwork?.bind(engine);
    if (!opening)
      throw errors.engineLacks(
        'A volume',
        engine.title,
        'Make an instance of this template instead: "myaas new".',
      );
    await this.#ask(clone, signal, (socket) => opening(socket, clone, clone.databaseName, signal));
  }

  /** Gives a running server's user another password. */
  async changePassword(clone: Clone, password: string, signal: AbortSignal): Promise<void> {
    await this.#ask(clone, signal, (socket) =>
      engineOf(clone.engine).changePassword(socket, clone, password, clone.databaseName, signal),
    );
  }

  /** Asks a server that should be running. Throws `MYAAS_SERVER_FAILED`: it may die at any moment. */
  async #ask<T>(clone: Clone, signal: AbortSignal, question: (socketPath: string) => Promise<T>): Promise<T> {
    try {
      return await question(this.socketOf(clone));
    } catch (error) {
      if (signal.reason instanceof MyaasError) throw signal.reason;
      throw errors.serverFailed(`The database server does not answer: ${messageOf(error)}.`, '');
    }
  }

  /** Kills the server and removes all its data. Every step is fine when there is nothing to do. */
  async remove(cloneId: string): Promise<void> {
    using _ = await this.#removals.take();
    const home = this.#deps.paths.instance(cloneId);
    await this.#deps.servers.dismantle(cloneId);
    await deleteSubvolume(`${home}/datadir`);
    await rm(home, { recursive: true, force: true });
  }

  async container(cloneId: string): Promise<ContainerInfo | undefined> {
    return (await this.#deps.docker.list(cloneId)).find(({ role }) => role === 'server');
  }

  async logs(cloneId: string, lines: number): Promise<string> {
    const container = await this.container(cloneId);
    return container ? this.#deps.docker.logs(container.containerId, lines) : '';
  }
}
