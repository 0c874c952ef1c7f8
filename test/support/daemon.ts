/** A whole MyAAS of a test's own: base directory, sockets and ports of its own, `serve` and `gate` as real processes. */
import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import mysql, { type Connection } from 'mysql2/promise';
import { readConfig, type Config } from '../../daemon/config.ts';
import { pathsOf } from '../../daemon/paths.ts';
import type { MyaasEvent } from '../../daemon/contract/contract.ts';
import type { Instance } from '../../daemon/contract/instances.ts';
import type { Job } from '../../daemon/contract/templates.ts';
import { deleteSubvolume } from '../../daemon/drivers/btrfs.ts';
import { Docker } from '../../daemon/drivers/docker.ts';
import { Registry } from '../../daemon/drivers/registry.ts';
import { init } from '../../daemon/host/init.ts';
import { testDirectory, testImage, testPrefix } from './machine.ts';
import { freePort, freePorts } from './ports.ts';

const portsPerHost = 40;

export interface Answer<T = unknown> {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body as JSON; undefined when there is none. */
  readonly body: T;
}

export interface TestHost extends AsyncDisposable {
  readonly config: Config;
  readonly paths: ReturnType<typeof pathsOf>;
  /** For child processes, such as the command line. */
  readonly env: NodeJS.ProcessEnv;
  readonly url: string;
  readonly adminToken: string;
  readonly dumpsDir: string;
  readonly docker: Docker;
  readonly registry: Registry;
  /** A member's token, the member made when not there. */
  userToken(name: string): string;
  /** Speaks HTTP as any client would: as admin, or with another token, or (`null`) with none. */
  api<T = unknown>(method: string, path: string, options?: ApiOptions): Promise<Answer<T>>;
  writeDump(file: string, content: string | Uint8Array): Promise<void>;
  /** Imports dumps and waits for the end; all of them when none is named. */
  update(templates?: readonly string[], force?: boolean): Promise<Job>;
  /** Writes a dump and imports it; fails when the import does. */
  importDump(template: string, sql: string): Promise<void>;
  /** Follows the daemon's events from now on, or from an event on. `until` returns the first that matches. */
  watch(lastId?: string, signal?: AbortSignal): Promise<Watch>;
  create(template: string, name: string, more?: Record<string, unknown>): Promise<Instance>;
  connect(instance: Instance): Promise<Connection>;
  /** What there is of instances, everywhere. Two of these are equal when nothing was left and nothing was lost. */
  census(): Promise<Census>;
  serve: {
    stop(signal?: NodeJS.Signals): Promise<void>;
    start(env?: NodeJS.ProcessEnv): Promise<void>;
    readonly log: string;
    readonly pid: number;
    /** Resolves when the process that was started last has ended. */
    readonly exit: Promise<unknown>;
  };
  gate: {
    stop(signal?: NodeJS.Signals): Promise<void>;
    start(): Promise<void>;
    readonly log: string;
    readonly pid: number;
    readonly exit: Promise<unknown>;
  };
  stop(): Promise<void>;
}

export interface ApiOptions {
  readonly token?: string | null;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
  readonly signal?: AbortSignal;
}

export interface Watch {
  until(matches: (event: MyaasEvent) => boolean): Promise<MyaasEvent>;
  readonly frames: AsyncGenerator<Frame>;
}

export interface Census {
  readonly rows: readonly string[];
  readonly containers: readonly string[];
  readonly directories: readonly string[];
  readonly runDirectories: readonly string[];
}

/** A process that says when it is ready. */
class Daemon {
  readonly #args: readonly string[];
  readonly #env: NodeJS.ProcessEnv;
  readonly #ready: RegExp;
  #child: ChildProcess | undefined;
  log = '';
  exit: Promise<unknown> = Promise.resolve();

  constructor(args: readonly string[], env: NodeJS.ProcessEnv, ready: RegExp) {
    this.#args = args;
    this.#env = env;
    this.#ready = ready;
  }

  get pid(): number {
    if (this.#child?.pid === undefined) throw new Error(`${this.#args.join(' ')} does not run.`);
    return this.#child.pid;
  }

  async start(env: NodeJS.ProcessEnv = {}): Promise<void> {
    this.log = '';
    const child = spawn(process.execPath, this.#args, {
      env: { ...this.#env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    this.exit = once(child, 'exit');
    const ready = new Promise<void>((resolve, reject) => {
      child.once('error', reject);
      for (const stream of [child.stdout, child.stderr]) {
        createInterface({ input: stream }).on('line', (line) => {
          this.log += `${line}\n`;
          if (this.#ready.test(line)) resolve();
        });
      }
      child.once('exit', (code) =>
        reject(new Error(`${this.#args.join(' ')} ended (${String(code)}):\n${this.log}`)),
      );
    });
    await ready;
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    await once(child, 'exit');
  }
}

export { freePort, freePorts } from './ports.ts';

export interface Frame {
  readonly id: string;
  readonly event: MyaasEvent;
}

async function* framesOf(response: Response): AsyncGenerator<Frame> {
  const decoder = new TextDecoder();
  let rest = '';
  let id = '';
  for await (const chunk of response.body ?? []) {
    const lines = (rest + decoder.decode(chunk as Uint8Array, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (line.startsWith('id: ')) id = line.slice(4);
      if (line.startsWith('data: ')) yield { id, event: JSON.parse(line.slice(6)) as MyaasEvent };
    }
  }
}

/** `program` is what to run as `myaas`: the sources, or a bundle of them. */
export async function startHost(
  settings: NodeJS.ProcessEnv = {},
  program = 'daemon/main.ts',
): Promise<TestHost> {
  const name = randomBytes(3).toString('hex');
  const baseDir = settings['MYAAS_BASE_DIR'] ?? `${testDirectory()}/host-${name}`;
  const runDir = `/run/${testPrefix()}-${name}`;
  const firstPort = await freePorts(portsPerHost);
  const env: NodeJS.ProcessEnv = {
    PATH: process.env['PATH'],
    HOME: `${baseDir}/home`,
    // The machine may have a MyAAS of its own.
    MYAAS_ENV_FILE: '/dev/null',
    MYAAS_BASE_DIR: baseDir,
    MYAAS_RUN_DIR: runDir,
    MYAAS_LISTEN: `127.0.0.1:${String(await freePort())}`,
    MYAAS_PORTS: `${String(firstPort)}-${String(firstPort + portsPerHost - 1)}`,
    MYAAS_MYSQL_IMAGE: testImage(),
    MYAAS_PREFIX: testPrefix(),
    MYAAS_MEMORY_LIMIT: '1g',
    // Tests of what a pool does ask for one.
    MYAAS_POOL: '0',
    // Tests of how often one may ask set how often that is.
    MYAAS_RATE_LIMIT: '0',
    // Docker Engine looks for all drivers in one place.
    MYAAS_VOLUME_DRIVER: 'off',
    ...settings,
  };
  const config = readConfig(env);
  const paths = pathsOf(config);
  await mkdir(baseDir);
  await init(config, { log: () => undefined, signal: AbortSignal.timeout(600_000) });
  await mkdir(`${baseDir}/home`);
  const registry = Registry.open(paths.registry);
  registry.users.add('admin', 'admin');
  const adminToken = registry.users.issueToken('admin');
  const docker = new Docker({ host: config.dockerHost, hostId: registry.hostId, prefix: config.prefix });
  const serve = new Daemon([program, 'serve'], env, /serves on/);
  const gate = new Daemon([program, 'gate'], env, /linked to serve/);
  const url = `http://127.0.0.1:${String(config.listen.port)}`;

  const api = async <T>(method: string, path: string, options: ApiOptions = {}): Promise<Answer<T>> => {
    const { token = adminToken, body, headers = {}, signal } = options;
    const response = await fetch(url + path, {
      method,
      headers: {
        ...(token !== null && { authorization: `Bearer ${token}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      ...(signal && { signal }),
    });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.includes('json') ?? false;
    return {
      status: response.status,
      headers: response.headers,
      text,
      body: (isJson ? JSON.parse(text) : undefined) as T,
    };
  };

  const expect = <T>(status: number, answer: Answer<T>): T => {
    if (answer.status !== status)
      throw new Error(`Answered ${String(answer.status)}: ${answer.text}\n${serve.log}`);
    return answer.body;
  };

  const host: TestHost = {
    config,
    paths,
    env,
    url,
    adminToken,
    dumpsDir: paths.dumps,
    docker,
    registry,
    serve,
    gate,
    api,
    userToken(user) {
      if (!registry.users.get(user)) registry.users.add(user, 'member');
      return registry.users.issueToken(user);
    },
    writeDump: (file, content) => writeFile(`${paths.dumps}/${file}`, content),
    async update(templates, force = false) {
      const request = { force, ...(templates && { templates }) };
      const events = await host.watch();
      const { id } = expect(202, await api<Job>('POST', '/v1/templates/refresh', { body: request }));
      const end = await events.until(
        (event) => event.type === 'job' && event.job.id === id && event.job.state !== 'running',
      );
      return (end as Extract<MyaasEvent, { type: 'job' }>).job;
    },
    async watch(lastId, signal) {
      const response = await fetch(`${url}/v1/events`, {
        ...(signal && { signal }),
        headers: {
          authorization: `Bearer ${adminToken}`,
          ...(lastId !== undefined && { 'last-event-id': lastId }),
        },
      });
      const frames = framesOf(response);
      return {
        async until(matches) {
          for await (const { event } of frames) if (matches(event)) return event;
          throw new Error('The event stream ended.');
        },
        frames,
      };
    },
    async importDump(template, sql) {
      await host.writeDump(`${template}.sql`, sql);
      const job = await host.update([template]);
      if (job.state !== 'succeeded') throw new Error(JSON.stringify(job.imports, null, 2));
    },
    async create(template, instanceName, more = {}) {
      const body = { template, name: instanceName, ...more };
      return expect(201, await api<Instance>('POST', '/v1/instances', { body }));
    },
    connect: ({ host: address, port, user, password, database }) =>
      mysql.createConnection({
        host: address,
        port,
        user,
        password: password ?? '',
        database,
        multipleStatements: true,
      }),
    async census() {
      const known = /^(?:import-)?[0-9a-f]{12}$/;
      return {
        rows: registry.instances().map(({ id, state, port }) => `${id} ${state} ${String(port)}`),
        containers: (await docker.list())
          .filter(({ role }) => role !== 'namespace')
          .map(({ role, id, running }) => `${role} ${id} ${running ? 'running' : 'stopped'}`)
          .sort(),
        directories: (await readdir(paths.instances)).sort(),
        runDirectories: (await readdir(runDir)).filter((entry) => known.test(entry)).sort(),
      };
    },
    async stop() {
      await serve.stop();
      await gate.stop();
      for (const { containerId } of await docker.list()) await docker.remove(containerId);
      registry.close();
      for (const homes of [paths.instances, paths.seeds])
        for (const name of await readdir(homes).catch(() => []))
          await deleteSubvolume(`${homes}/${name}/datadir`);
      for (const template of await readdir(paths.templates)) {
        for (const version of await readdir(`${paths.templates}/${template}`)) {
          await deleteSubvolume(`${paths.version(template, version)}/datadir`);
        }
      }
      await deleteSubvolume(paths.dumps);
      await deleteSubvolume(paths.data);
      await rm(baseDir, { recursive: true, force: true });
      await rm(runDir, { recursive: true, force: true });
    },
    [Symbol.asyncDispose]: () => host.stop(),
  };
  try {
    await serve.start();
    await gate.start();
  } catch (error) {
    await host.stop();
    throw error;
  }
  return host;
}
