/** The parts that an instance is made of: port, data, server. Knows no states; `Instances` and `Upkeep` do. */
import { mkdir, rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import type { Config, Paths } from '../config.ts';
import { deleteSubvolume, snapshot } from '../drivers/btrfs.ts';
import type { ContainerInfo, Docker } from '../drivers/docker.ts';
import type { InstanceRow, Registry } from '../drivers/registry.ts';
import type { Engine } from '../engines/engine.ts';
import { MyaasError } from '../errors.ts';
import type { GateLink } from '../gate/link.ts';
import type { Route } from '../gate/protocol.ts';
import type { Servers } from './server.ts';

export interface BuilderDeps {
  readonly config: Config;
  readonly paths: Paths;
  readonly docker: Docker;
  readonly servers: Servers;
  readonly registry: Registry;
  readonly engine: Engine;
  readonly gate: GateLink;
  readonly image: () => string;
}

export class Builder {
  readonly #deps: BuilderDeps;
  #nextCore = 0;

  constructor(deps: BuilderDeps) {
    this.#deps = deps;
  }

  /** Where the gate carries an instance's clients; `held` keeps them waiting. */
  route(row: InstanceRow, held: boolean): Route {
    const { servers, engine } = this.#deps;
    return {
      id: row.id,
      port: row.port,
      socket: servers.socketOf({ id: row.id, engine }),
      state: held ? 'held' : 'open',
    };
  }

  /** Snapshot, port and container side by side, then the server and the login. Leaves its remains to `removeData`. */
  async build(row: InstanceRow, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { paths } = this.#deps;
    const home = paths.instance(row.id);
    await mkdir(home, { mode: 0o755 });
    const source = `${paths.version(row.template, row.version)}/datadir`;
    const [port, server] = await Promise.allSettled([
      this.#openPort(row),
      this.startServer(row, () => snapshot(source, `${home}/datadir`), signal),
    ]);
    if (server.status === 'rejected') throw server.reason;
    if (port.status === 'rejected') throw port.reason;
  }

  /** Starts the server on its data and returns when the user's login has answered a query. */
  async startServer(row: InstanceRow, makeData: () => Promise<void>, signal: AbortSignal): Promise<void> {
    const { engine, servers, image, config, paths } = this.#deps;
    const account = { username: row.username, password: row.password };
    await servers.start(
      {
        role: 'server',
        id: row.id,
        home: paths.instance(row.id),
        image: image(),
        engine,
        command: engine.serveCommand({ memoryBytes: config.memoryLimitBytes }),
        account,
        labels: { 'com.myaas.template': row.template, 'com.myaas.instance': row.name },
        memoryBytes: config.memoryLimitBytes,
        cpus: this.#pickCores(),
      },
      makeData,
      (socketPath, until) => engine.login(socketPath, account, row.databaseName, until),
      signal,
    );
  }

  #pickCores(): string | undefined {
    const { cpuPinningCores: wanted } = this.#deps.config;
    const cores = availableParallelism();
    if (wanted === 0 || wanted >= cores) return undefined;
    const first = this.#nextCore;
    this.#nextCore = (first + wanted) % cores;
    return Array.from({ length: wanted }, (_, index) => String((first + index) % cores)).join(',');
  }

  /** Has the gate listen for it; on the next free port where a stranger has taken the one of the row. */
  async #openPort(row: InstanceRow): Promise<void> {
    const { gate, registry, config } = this.#deps;
    const taken = new Set<number>();
    for (let current = row; ;) {
      try {
        await gate.set(this.route(current, true));
        return;
      } catch (error) {
        // Only a new instance may move: the port of an older one stands in somebody's settings.
        if (!(error instanceof MyaasError && error.code === 'MYAAS_PORT_TAKEN') || row.state !== 'creating')
          throw error;
        taken.add(current.port);
        current = registry.moveToFreePort(row.id, config.ports, taken);
      }
    }
  }

  /** Kills the server and removes all its data. Every step is fine when there is nothing to do. */
  async removeData(id: string): Promise<void> {
    const home = this.#deps.paths.instance(id);
    await this.#deps.servers.dismantle(id);
    await deleteSubvolume(`${home}/datadir`);
    await rm(home, { recursive: true, force: true });
  }

  async container(id: string): Promise<ContainerInfo | undefined> {
    return (await this.#deps.docker.list(id)).find(({ role }) => role === 'server');
  }

  async logs(id: string, lines: number): Promise<string> {
    const container = await this.container(id);
    return container ? this.#deps.docker.logs(container.containerId, lines) : '';
  }
}
