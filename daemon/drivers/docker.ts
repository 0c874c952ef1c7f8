/** Everything MyAAS asks of Docker Engine. Containers are found by their labels, never by their names. */
import { PassThrough, type Duplex, type Readable } from 'node:stream';
import Dockerode from 'dockerode';
import { errors, hasErrno, messageOf } from '../errors.ts';
import { labelOf, namespaceOptions, serverOptions, type ContainerSpec, type HostNames } from './container.ts';
import { containerEvents, type ContainerEvents } from './docker-events.ts';
import { demultiplex, pour, Tail } from './docker-streams.ts';

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

function hasStatus(thrown: unknown, ...statuses: readonly number[]): boolean {
  return thrown instanceof Error && 'statusCode' in thrown && statuses.includes(Number(thrown.statusCode));
}

function connectionOf(host: string): Dockerode.DockerOptions {
  const unix = /^unix:\/\/(.+)$/.exec(host)?.[1];
  // "unix://var/run/docker.sock", with two slashes, is how the original wrote its default.
  if (unix !== undefined) return { socketPath: unix.startsWith('/') ? unix : `/${unix}` };
  const url = new URL(host);
  return { protocol: 'http', host: url.hostname, port: Number(url.port) };
}

export class Docker {
  readonly #dockerode: Dockerode;
  readonly #address: string;
  readonly #names: HostNames;
  #namespace: string | undefined;
  #namespaceMaking: Promise<string> | undefined;

  constructor(options: HostNames & { readonly host: string }) {
    this.#dockerode = new Dockerode(connectionOf(options.host));
    this.#address = options.host;
    this.#names = options;
  }

  async #ask<T>(what: string, call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (error) {
      if (hasErrno(error, 'ENOENT') || hasErrno(error, 'ECONNREFUSED') || hasErrno(error, 'EACCES')) {
        throw errors.dockerUnavailable(this.#address, messageOf(error), error);
      }
      throw errors.dockerFailed(what, error);
    }
  }

  /** The engine's version. Throws `MYAAS_DOCKER_UNAVAILABLE`. */
  async ping(): Promise<{ version: string }> {
    const { Version: version } = await this.#ask('tell its version', () => this.#dockerode.version());
    return { version };
  }

  /** The id of a local image, undefined when it is not there. */
  async imageId(reference: string): Promise<string | undefined> {
    return this.#ask(`look at image "${reference}"`, async () => {
      try {
        return (await this.#dockerode.getImage(reference).inspect()).Id;
      } catch (error) {
        if (hasStatus(error, 404)) return undefined;
        throw error;
      }
    });
  }

  async pull(reference: string, onProgress: (line: string) => void, signal?: AbortSignal): Promise<void> {
    await this.#ask(`pull "${reference}"`, async () => {
      const options = signal ? { abortSignal: signal } : {};
      const stream = await this.#dockerode.pull(reference, options);
      await new Promise<void>((resolve, reject) => {
        this.#dockerode.modem.followProgress(
          stream,
          (error) => {
            if (error) reject(error);
            else resolve();
          },
          (event: { status?: string; id?: string; progress?: string }) =>
            onProgress([event.id, event.status, event.progress].filter(Boolean).join(' ')),
        );
      });
    });
  }

  /** Makes an image of a root file system's tar; `path` is where its programs are, besides the usual places. */
  async importImage(
    tar: Readable,
    { reference, path }: { readonly reference: string; readonly path: string | undefined },
    signal?: AbortSignal,
  ): Promise<void> {
    await this.#ask(`import "${reference}"`, async () => {
      const [repo, tag] = reference.split(':');
      const body = await this.#dockerode.importImage(tar, {
        repo,
        tag,
        ...(path !== undefined && { changes: `ENV PATH=${path}:${usualPath}` }),
        ...(signal && { abortSignal: signal }),
      });
      await new Promise<void>((resolve, reject) => {
        this.#dockerode.modem.followProgress(body, (error) => {
          if (error) reject(error);
          else resolve();
        });
      });
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
    return this.#ask('start the idle container of the shared network namespace', async () => {
      const container = await this.#dockerode.createContainer(namespaceOptions(image, this.#names));
      await this.start(container.id);
      return container.id;
    });
  }

  /** Makes a hardened container, not yet started; its id. The mounts' sources must exist. */
  async create(spec: ContainerSpec): Promise<string> {
    const namespace = await this.namespace(spec.image);
    return this.#ask(`create the ${spec.role} container of ${spec.id}`, async () => {
      const container = await this.#dockerode.createContainer(serverOptions(spec, namespace, this.#names));
      return container.id;
    });
  }

  async start(containerId: string): Promise<void> {
    const container = this.#dockerode.getContainer(containerId);
    await this.#ask('start a container', async () => {
      try {
        await container.start();
      } catch (error) {
        // Now and then runc takes a container that it is just starting for one that runs already, and Docker stops it.
        if (!hasStatus(error, 500)) throw error;
        await container.start();
      }
    });
  }

  /** Asks a container's program to end, and kills it when it has not within the grace; fine when it is not running. */
  async stop(containerId: string, graceSeconds: number): Promise<void> {
    await this.#ask('stop a container', async () => {
      try {
        await this.#dockerode.getContainer(containerId).stop({ t: graceSeconds });
      } catch (error) {
        if (!hasStatus(error, 304, 404)) throw error;
      }
    });
  }

  /** The exit code, once the container, which must have been started, has stopped. */
  async wait(containerId: string, signal?: AbortSignal): Promise<number> {
    return this.#wait(containerId, { ...(signal && { abortSignal: signal }) });
  }

  async #wait(
    containerId: string,
    options: { abortSignal?: AbortSignal; condition?: 'next-exit' },
  ): Promise<number> {
    return this.#ask('wait for a container', async () => {
      const result = (await this.#dockerode.getContainer(containerId).wait(options)) as {
        StatusCode: number;
      };
      return result.StatusCode;
    });
  }

  /** Kills and removes a container; fine when it is gone already. */
  async remove(containerId: string): Promise<void> {
    await this.#ask('remove a container', async () => {
      try {
        await this.#dockerode.getContainer(containerId).remove({ force: true, v: true });
      } catch (error) {
        // Its removal is in progress, by an earlier call: its name is free when that has ended.
        if (hasStatus(error, 409)) await this.#untilRemoved(containerId);
        else if (!hasStatus(error, 404)) throw error;
      }
    });
  }

  async #untilRemoved(containerId: string): Promise<void> {
    try {
      await this.#dockerode.getContainer(containerId).wait({ condition: 'removed' });
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
    return this.#ask('list containers', async () => {
      const label = [`${labelOf.host}=${this.#names.hostId}`];
      if (id !== undefined) label.push(`${labelOf.id}=${id}`);
      const containers = await this.#dockerode.listContainers({ all: true, filters: { label } });
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
    return this.#ask('inspect a container', async () => {
      try {
        return await this.#dockerode.getContainer(containerId).inspect();
      } catch (error) {
        if (hasStatus(error, 404)) return undefined;
        throw error;
      }
    });
  }

  /** The last `lines` lines that the container wrote, "" when it is gone. */
  async logs(containerId: string, lines: number): Promise<string> {
    return this.#ask('read the log of a container', async () => {
      try {
        const log = await this.#dockerode
          .getContainer(containerId)
          .logs({ stdout: true, stderr: true, tail: lines, follow: false });
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
    heard: { onOutput?: (chunk: Buffer) => void; onExit?: () => void } = {},
  ): Promise<{ exitCode: number; stderr: string }> {
    const container = this.#dockerode.getContainer(containerId);
    const stream = (await this.#ask('attach to a container', () =>
      container.attach({ stream: true, hijack: true, stdin: true, stdout: true, stderr: true }),
    )) as unknown as Duplex;
    try {
      const stderr = new Tail(16_384);
      const [out, err] = [new PassThrough(), new PassThrough()];
      out.on('data', (chunk: Buffer) => heard.onOutput?.(chunk));
      err.on('data', (chunk: Buffer) => stderr.push(chunk));
      this.#dockerode.modem.demuxStream(stream, out, err);
      const outputEnded = new Promise<void>((resolve) => {
        for (const event of ['end', 'close', 'error']) stream.once(event, () => resolve());
      });
      // A broken pipe says nothing that the exit code does not say better.
      stream.on('error', () => undefined);
      const exited = this.#wait(containerId, { condition: 'next-exit' });
      // Heard below; without this a failing `start` would leave a rejection unheard.
      exited.then(
        () => heard.onExit?.(),
        () => heard.onExit?.(),
      );
      await this.start(containerId);
      await pour(input, stream, exited);
      const exitCode = await exited;
      await outputEnded;
      return { exitCode, stderr: stderr.toString() };
    } finally {
      input.destroy();
      stream.destroy();
    }
  }

  /** Tells what becomes of this host's containers, until the signal aborts or the connection ends. */
  async follow(signal: AbortSignal, heard: ContainerEvents): Promise<void> {
    const stream = await this.#ask('follow events', () =>
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
      if (!signal.aborted) throw errors.dockerUnavailable(this.#address, messageOf(error), error);
    }
  }
}
