/** A Docker Engine of the suite's own, which can be killed without anybody else noticing. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { open, readdir, readFile, rm, watch } from 'node:fs/promises';
import Dockerode from 'dockerode';
import { unmount } from '../../daemon/drivers/btrfs.ts';
import { Docker } from '../../daemon/drivers/docker.ts';
import { findProgram } from '../../daemon/drivers/program.ts';
import { type BackgroundProcess, identify, stopInBackground } from '../../daemon/host/background.ts';
import { dockerAnswers } from '../../daemon/host/dockerd.ts';
import { mountsBelow } from '../support/workshop.ts';

const graceMs = 30_000;
const mostStarts = 3;
const containerdPid = 'exec/containerd/containerd.pid';

export class Engine implements AsyncDisposable {
  readonly #directory: string;
  readonly #docker: Docker;
  #child: ChildProcess | undefined;

  constructor(directory: string) {
    this.#directory = directory;
    this.#docker = new Docker({ host: this.host, hostId: '', prefix: '' });
  }

  get #socket(): string {
    return `${this.#directory}/docker.sock`;
  }

  /** For MYAAS_DOCKER_HOST. */
  get host(): string {
    return `unix://${this.#socket}`;
  }

  /** Returns when it answers. Throws with its log when it ends instead, as often as systemd would start it again. */
  async start(): Promise<void> {
    for (let left = mostStarts; ; left--) {
      try {
        await this.#startOnce();
        return;
      } catch (error) {
        // On a busy machine its containerd may not be there in time.
        if (left === 1) throw error;
      }
    }
  }

  async #startOnce(): Promise<void> {
    const directory = this.#directory;
    await rm(this.#socket, { force: true });
    const args = [
      ...['--host', this.host, '--pidfile', `${directory}/pid`],
      ...['--data-root', `${directory}/data`, '--exec-root', `${directory}/exec`],
      // The servers need no network.
      ...['--bridge=none', '--iptables=false', '--ip-masq=false'],
    ];
    await using log = await open(`${directory}/log`, 'a');
    // In a network of its own, since an engine without a bridge takes that of the machine's own engine away.
    const alone = ['--net', '--', (await findProgram('dockerd')) ?? 'dockerd'];
    const child = spawn('unshare', [...alone, ...args], { stdio: ['ignore', log.fd, log.fd] });
    this.#child = child;
    const over = new AbortController();
    try {
      const ended = once(child, 'exit', { signal: over.signal }).then(async () => {
        throw new Error(`dockerd ended: ${(await readFile(`${directory}/log`, 'utf8')).slice(-2000)}`);
      });
      await Promise.race([ended, this.#answers(over.signal)]);
    } finally {
      over.abort();
    }
  }

  /** Its directory tells: there it makes its socket and writes its log. */
  async #answers(signal: AbortSignal): Promise<void> {
    const changes = watch(this.#directory, { signal });
    for await (const _ of changes) if (await dockerAnswers(this.#docker)) return;
  }

  /** Copies an image from the engine that the machine's own clients use. */
  async copyImage(reference: string, from: Dockerode): Promise<void> {
    const to = new Dockerode({ socketPath: this.#socket });
    const loading = await to.loadImage(await from.getImage(reference).get());
    await new Promise<void>((resolve, reject) => {
      to.modem.followProgress(loading, (error) => (error ? reject(error) : resolve()));
    });
  }

  /** Kills the engine, and containerd, which it has started. What runs in containers outlives both. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (child?.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
    const containerd = await this.#recorded(containerdPid);
    if (containerd) await stopInBackground(containerd, 0);
    // The next engine would take whatever has this number then for containerd.
    await rm(`${this.#directory}/${containerdPid}`, { force: true });
  }

  /** It answers nobody until `goOn`. */
  hang(): void {
    this.#child?.kill('SIGSTOP');
  }

  goOn(): void {
    this.#child?.kill('SIGCONT');
  }

  async #recorded(pidFile: string): Promise<BackgroundProcess | undefined> {
    const pid = Number(await readFile(`${this.#directory}/${pidFile}`, 'utf8').catch(() => '0'));
    return pid > 1 ? identify(pid) : undefined;
  }

  /** The processes that hold its containers: they outlive its being killed, and those of removed ones are forgotten. */
  async #shims(): Promise<BackgroundProcess[]> {
    const shims: BackgroundProcess[] = [];
    for (const name of await readdir('/proc')) {
      // It may have ended meanwhile; a kernel thread has none.
      const command = await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '');
      if (!command.includes(`${this.#directory}/exec/`)) continue;
      const shim = await identify(Number(name));
      if (shim) shims.push(shim);
    }
    return shims;
  }

  /** Ends it, and all that it has started and that outlives its being killed. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const file of ['pid', containerdPid]) {
      const started = await this.#recorded(file);
      if (started) await stopInBackground(started, graceMs);
    }
    for (const shim of await this.#shims()) await stopInBackground(shim, 0);
    for (const mount of await mountsBelow(this.#directory)) await unmount(mount);
    await rm(this.#directory, { recursive: true, force: true });
  }
}
