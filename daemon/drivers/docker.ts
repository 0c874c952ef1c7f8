/** Everything MyAAS asks of Docker Engine. Containers are found by their labels, never by their names. */
import type { Duplex, Readable } from 'node:stream';
import type Dockerode from 'dockerode';
import { messageOf } from '../errors/error.ts';
import { labelOf, namespaceOptions, serverOptions, type ContainerSpec, type HostNames } from './container.ts';
import { DockerConnection, hasStatus, type DockerAddress } from './docker-connection.ts';
import { containerEvents, type ContainerEvents } from './docker-events.ts';
import { converse, demultiplex, type Heard } from './docker-streams.ts';
import { endLost } from './lost-processes.ts';

/** What Docker sets for images that say nothing else. */
const usualPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export interface ContainerInfo {
  readonly containerId: string;
  readonly role: string;
  readonly id: string;
  readonly running: boolean;
  /** Docker's words for it: "Up 3 minutes". */
  readonly status: string;
  /** The host's directories that it sees. */
  readonly mounted: readonly string[];
}

export class Docker {
  readonly #connection: DockerConnection;
  readonly #dockerode: Dockerode;
  readonly #names: HostNames;
  #namespace: string | undefined;
  #namespaceMaking: Promise<string> | undefined;

  constructor(options: HostNames & DockerAddress) {
    this.#connection = new DockerConnection(options);
    this.#dockerode = this.#connection.dockerode;
    this.#names = options;
  }

  /** The engine's version. Throws `MYAAS_DOCKER_UNAVAILABLE`. */
  async ping(): Promise<{ version: string }> {
    const { Version: version } = await this.#connection.ask('tell its version', () =>
      this.#dockerode.version(),
    );
    return { version };
  }

  /** The id of a local image, undefined when it is not there. */
  async imageId(reference: string): Promise<string | undefined> {
    return this.#connection.ask(`look at image "${reference}"`, async () => {
      try {
        return (await this.#dockerode.getImage(reference).inspect()).Id;
      } catch (error) {
        if (hasStatus(error, 404)) return undefined;
        throw error;
      }
    });
  }

  async pull(reference: string, onProgress: (line: string) => void, signal?: AbortSignal): Promise<void> {
    await this.#connection.follow(`pull "${reference}"`, async () => {
      const options = signal ? { abortSignal: signal } : {};
      const stream = await this.#dockerode.pull(reference, options);
      await this.#connection.progressOf(stream, ({ id, status, progress }) =>
        onProgress([id, status, progress].filter(Boolean).join(' ')),
      );
    });
  }

  /** Makes an image of a root file system's tar; `path` is where its programs are, besides the usual places. */
  async importImage(
    tar: Readable,
    { reference, path }: { readonly reference: string; readonly path: string | undefined },
    signal?: AbortSignal,
  ): Promise<void> {
    await this.#connection.follow(`import "${reference}"`, async () => {
      const [repo, tag] = reference.split(':');
      const body = await this.#dockerode.importImage(tar, {
        repo,
        tag,
        ...(path !== undefined && { changes: `ENV PATH=${path}:${usualPath}` }),
        ...(signal && { abortSignal: signal }),
      });
      await this.#connection.progressOf(body);
    });
  }

  // Containers

  /**
   * One idle container whose network namespace, with nothing in it, all others share: as closed as `none`, without the
   * 100 ms and more that making a namespace takes.
   */
  async namespace(image: string): Promise<string> {
    if (this.#namespace !== undefined) return this.#namespace;
    // One at a time: a namespace that is being made is fresh, whoever finds the former one dead meanwhile.
    this.#namespaceMaking ??= this.#makeNamespace(image).finally(() => {
      this.#namespaceMaking = undefined;
    });
    this.#namespace = await this.#namespaceMaking;
    return this.#namespace;
  }

  async #makeNamespace(image: string): Promise<string> {
    const existing = (await this.list()).filter(({ role }) => role === 'namespace');
    const running = existing.find((container) => container.running);
    if (running) return running.containerId;
    for (const { containerId } of existing) await this.remove(containerId);
    const what = 'create the idle container of the shared network namespace';
    const containerId = await this.#create(what, namespaceOptions(image, this.#names));
    await this.start(containerId);
    return containerId;
  }

  /** Makes a hardened container, not yet started; its id. The mounts' sources must exist. */
  async create(spec: ContainerSpec): Promise<string> {
    const namespace = await this.namespace(spec.image);
    const options = serverOptions(spec, namespace, this.#names);
    return this.#create(`create the ${spec.role} container of ${spec.id}`, options);
  }

  async #create(what: string, options: Dockerode.ContainerCreateOptions): Promise<string> {
    return this.#connection.ask(what, async (abortSignal) => {
      return (await this.#dockerode.createContainer({ ...options, abortSignal })).id;
    });
  }

  async start(containerId: string): Promise<void> {
    const container = this.#dockerode.getContainer(containerId);
    await this.#connection.ask('start a container', async (abortSignal) => {
      try {
        await container.start({ abortSignal });
      } catch (error) {
        // Now and then runc takes a container that it is just starting for one that runs already, and Docker stops it.
        if (!hasStatus(error, 500)) throw error;
        await container.start({ abortSignal });
      }
    });
  }

  /** Asks a container's program to end, and kills it when it has not within the grace; fine when it is not running. */
  async stop(containerId: string, graceSeconds: number): Promise<void> {
    const stop = async (abortSignal: AbortSignal) => {
      try {
        await this.#dockerode.getContainer(containerId).stop({ t: graceSeconds, abortSignal });
      } catch (error) {
        if (!hasStatus(error, 304, 404)) throw error;
      }
    };
    await this.#connection.ask('stop a container', stop, graceSeconds * 1000);
  }

  /** The exit code, once the container, which must have been started, has stopped. */
  async wait(containerId: string, signal?: AbortSignal): Promise<number> {
    return this.#connection.follow('wait for a container', () =>
      this.#connection.wait(containerId, 'not-running', signal),
    );
  }

  /** Kills and removes a container; fine when it is gone already. */
  async remove(containerId: string): Promise<void> {
    // What the engine does not know to run it would not kill.
    if (!(await this.isRunning(containerId))) await endLost(containerId);
    await this.#connection.ask('remove a container', async (abortSignal) => {
      try {
        await this.#dockerode.getContainer(containerId).remove({ force: true, v: true, abortSignal });
      } catch (error) {
        // Its removal is in progress, by an earlier call: its name is free when that has ended.
        if (hasStatus(error, 409)) await this.#untilRemoved(containerId, abortSignal);
        else if (!hasStatus(error, 404)) throw error;
      }
    });
  }

  async #untilRemoved(containerId: string, abortSignal: AbortSignal): Promise<void> {
    try {
      await this.#connection.wait(containerId, 'removed', abortSignal);
    } catch (error) {
      if (!hasStatus(error, 404)) throw error;
    }
  }

  /** Kills and removes every container of this instance or version. */
  async removeAllOf(id: string): Promise<void> {
    const containers = await this.list(id);
    await Promise.all(containers.map(({ containerId }) => this.remove(containerId)));
  }

  /** This host's containers: all, or those of one instance or version. */
  async list(id?: string): Promise<ContainerInfo[]> {
    return this.#connection.ask('list containers', async (abortSignal) => {
      const label = [`${labelOf.host}=${this.#names.hostId}`];
      if (id !== undefined) label.push(`${labelOf.id}=${id}`);
      const containers = await this.#dockerode.listContainers({
        all: true,
        filters: { label },
        abortSignal,
      });
      return containers.map((container) => ({
        containerId: container.Id,
        role: container.Labels[labelOf.role] ?? '',
        id: container.Labels[labelOf.id] ?? '',
        running: container.State === 'running',
        status: container.Status,
        mounted: container.Mounts.map(({ Source: source }) => source),
      }));
    });
  }

  /**
   * Whether a container runs, when Docker has done what it is doing to it. `list` does not wait, and a start may be under
   * way that was asked for by a daemon killed since.
   */
  async isRunning(containerId: string): Promise<boolean> {
    return (await this.inspect(containerId))?.State.Running ?? false;
  }

  /** What Docker knows of a container; undefined when it is gone. */
  async inspect(containerId: string): Promise<Dockerode.ContainerInspectInfo | undefined> {
    return this.#connection.ask('inspect a container', async (abortSignal) => {
      try {
        return await this.#dockerode.getContainer(containerId).inspect({ abortSignal });
      } catch (error) {
        if (hasStatus(error, 404)) return undefined;
        throw error;
      }
    });
  }

  /** The last `lines` lines that the container wrote, "" when it is gone. */
  async logs(containerId: string, lines: number): Promise<string> {
    return this.#connection.ask('read the log of a container', async (abortSignal) => {
      try {
        const log = await this.#dockerode
          .getContainer(containerId)
          .logs({ stdout: true, stderr: true, tail: lines, follow: false, abortSignal });
        return demultiplex(log);
      } catch (error) {
        // 409: it is being removed right now.
        if (hasStatus(error, 404) || hasStatus(error, 409)) return '';
        throw error;
      }
    });
  }

  /**
   * Starts a container made with `stdin`, feeds it `input`, and waits until it exits. A program that fails stops the
   * reading: its exit code and last words say why. What a program that has left content (`quit` in a script) leaves
   * unread is read all the same, so that an input that breaks late does not pass for whole. An error of `input` is
   * thrown as it is. Both streams are closed in every case. `heard` is told what the program prints, and that it has
   * left.
   */
  async feed(
    containerId: string,
    input: Readable,
    heard: Heard = {},
  ): Promise<{ exitCode: number; stderr: string }> {
    const container = this.#dockerode.getContainer(containerId);
    const streams = { stream: true, hijack: true, stdin: true, stdout: true, stderr: true };
    const stream = (await this.#connection.ask('attach to a container', (abortSignal) =>
      container.attach({ ...streams, abortSignal }),
    )) as unknown as Duplex;
    return converse(input, stream, heard, {
      split: (out, err) => this.#dockerode.modem.demuxStream(stream, out, err),
      start: () => this.start(containerId),
      exited: () =>
        this.#connection.follow('wait for a container', () =>
          this.#connection.wait(containerId, 'next-exit'),
        ),
    });
  }

  /** Tells what becomes of this host's containers, until the signal aborts or the connection ends. */
  async follow(signal: AbortSignal, heard: ContainerEvents): Promise<void> {
    const stream = await this.#connection.ask('follow events', () =>
      this.#dockerode.getEvents({
        filters: {
          type: ['container'],
          event: ['create', 'die'],
          label: [`${labelOf.host}=${this.#names.hostId}`],
        },
        abortSignal: signal,
      }),
    );
    // It may have died while nobody listened.
    this.#namespace = undefined;
    heard.onListening();
    try {
      for await (const { happened, ...container } of containerEvents(stream)) {
        if (happened === 'create') heard.onCreated(container);
        else {
          if (container.role === 'namespace') this.#namespace = undefined;
          heard.onDied(container);
        }
      }
    } catch (error) {
      if (!signal.aborted) throw this.#connection.unavailable(messageOf(error), error);
    }
  }
}
