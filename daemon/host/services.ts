/** `serve` and `gate` in the background, for machines without systemd and for trying MyAAS out. */
import { createHash } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import type { Config } from '../config.ts';
import { pathsOf } from '../paths.ts';
import * as btrfs from '../drivers/btrfs.ts';
import { hasErrno } from '../errors/error.ts';
import { errors } from '../errors/errors.ts';
import { type BackgroundProcess, isRunning, startInBackground, stopInBackground } from './background.ts';
import { askDaemon } from './checks.ts';
import { removeContainers } from './containers.ts';
import { exists } from './files.ts';
import { diskFileOf } from './init.ts';
import { leanMemory } from './lean-memory.ts';

/** What was started and is to be stopped again; kept beside the base directory, which gets unmounted. */
interface State {
  /** Of the program that runs: a newer one takes its place. */
  readonly bundleHash?: string;
  readonly serve?: BackgroundProcess;
  readonly gate?: BackgroundProcess;
  readonly dockerd?: BackgroundProcess;
}

type Log = (line: string) => void;

/** Serve removes what a crash has left before it answers. */
const startTimeoutMs = 60_000;
/** Serve rolls an import back before it ends. */
const stopGraceMs = 60_000;

export class Services {
  readonly #config: Config;
  readonly #directory: string;
  readonly #stateFile: string;

  constructor(config: Config) {
    this.#config = config;
    this.#directory = `${config.baseDir}.quickstart`;
    this.#stateFile = `${this.#directory}/state.json`;
  }

  /** The log of `serve`, `gate` or `dockerd`. */
  logFile(name: string): string {
    return `${this.#directory}/${name}.log`;
  }

  /** Remembers a Docker Engine that `prepareMachine` started. */
  async adoptDocker(dockerd: BackgroundProcess): Promise<void> {
    await this.#remember({ dockerd });
  }

  /** Starts what does not run yet, and again what runs an older `bundle`. */
  async start(bundle: string, log: Log, signal: AbortSignal): Promise<void> {
    const bundleHash = createHash('sha256')
      .update(await readFile(bundle))
      .digest('hex');
    const state = await this.#state();
    if (state.bundleHash !== undefined && state.bundleHash !== bundleHash) await this.#stopServices(log);
    await this.#remember({ bundleHash });

    const running = await askDaemon(this.#config);
    if (running) log(`daemon: runs already, version ${running.version}`);
    else {
      // Its token for root is the last thing that it writes.
      const serve = await this.#startService('serve', bundle, pathsOf(this.#config).rootToken, signal);
      await this.#remember({ serve });
      log(`daemon: started, its log is ${this.logFile('serve')}`);
    }
    if (running?.gate === 'connected' || (state.gate && (await isRunning(state.gate))))
      log('gate: runs already');
    else {
      // It writes there when serve and gate have found each other.
      const gate = await this.#startService('gate', bundle, this.logFile('gate'), signal);
      await this.#remember({ gate });
      log(`gate: started, its log is ${this.logFile('gate')}`);
    }
  }

  /** Ends all that was started, removes the servers' containers and unmounts the disk in a file. */
  async stop(log: Log): Promise<void> {
    await this.#stopServices(log);
    if (await askDaemon(this.#config)) {
      throw errors.hostNotReady(
        'The daemon that runs was not started by the quickstart.',
        'Stop it where it was started ("systemctl stop myaas myaas-gate").',
      );
    }
    if (await exists(pathsOf(this.#config).registry)) {
      const removed = await removeContainers(this.#config);
      if (removed > 0) log(`containers: removed ${removed}`);
    }
    const { baseDir } = this.#config;
    if ((await exists(diskFileOf(this.#config))) && (await btrfs.isMountPoint(baseDir))) {
      await btrfs.unmount(baseDir);
      log(`disk: unmounted; all data stays in ${diskFileOf(this.#config)}`);
    }
    const { dockerd } = await this.#state();
    if (dockerd && (await isRunning(dockerd))) {
      await stopInBackground(dockerd, stopGraceMs);
      log('Docker Engine: stopped');
    }
    await rm(this.#stateFile, { force: true });
  }

  async #stopServices(log: Log): Promise<void> {
    const state = await this.#state();
    for (const name of ['serve', 'gate'] as const) {
      const service = state[name];
      if (!service || !(await isRunning(service))) continue;
      await stopInBackground(service, stopGraceMs);
      log(`${name}: stopped`);
    }
  }

  #startService(
    name: 'serve' | 'gate',
    bundle: string,
    sign: string,
    signal: AbortSignal,
  ): Promise<BackgroundProcess> {
    return startInBackground({
      name: `myaas ${name}`,
      command: [process.execPath, bundle, name],
      env: { ...process.env, ...leanMemory },
      logFile: this.logFile(name),
      sign,
      isReady: async () => {
        const status = await askDaemon(this.#config);
        return name === 'serve' ? status !== undefined : status?.gate === 'connected';
      },
      timeoutMs: startTimeoutMs,
      signal,
    });
  }

  async #state(): Promise<State> {
    try {
      return JSON.parse(await readFile(this.#stateFile, 'utf8')) as State;
    } catch (error) {
      if (hasErrno(error, 'ENOENT')) return {};
      throw error;
    }
  }

  async #remember(news: State): Promise<void> {
    await mkdir(this.#directory, { recursive: true });
    await writeFile(this.#stateFile, JSON.stringify({ ...(await this.#state()), ...news }), { mode: 0o600 });
  }
}
