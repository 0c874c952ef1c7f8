/** A machine with systemd as its first process and a Docker Engine of its own: a container that may do a lot. */
import { createInterface } from 'node:readline';
import { once } from 'node:events';
import { execa } from 'execa';

/** What systemd, Docker Engine and btrfs need; "privileged" would be more than some hosts can give. */
const capabilities = [
  ...['SYS_ADMIN', 'NET_ADMIN', 'SYS_PTRACE', 'SYS_CHROOT', 'MKNOD', 'DAC_READ_SEARCH'],
  ...['LINUX_IMMUTABLE', 'SYS_NICE', 'AUDIT_WRITE', 'AUDIT_CONTROL', 'SYSLOG', 'IPC_LOCK'],
];
/** A container has no loop devices, and its `/dev` is made anew at each start. */
const loopDevices = `
[Unit]
DefaultDependencies=no
Before=sysinit.target
[Service]
Type=oneshot
ExecStart=/bin/sh -c 'mknod /dev/loop-control c 10 237; for i in $(seq 0 63); do mknod /dev/loop$i b 7 $i; done'
[Install]
WantedBy=sysinit.target
`;
const stopSeconds = 120;

export class Machine implements AsyncDisposable {
  readonly #name: string;

  private constructor(name: string) {
    this.#name = name;
  }

  /** Returns when it has started up, with no unit failed. */
  static async start(image: string, name: string): Promise<Machine> {
    const args = [
      ...['--detach', '--name', name, '--hostname', 'myaas-host', '--network=none'],
      ...['--cgroupns=host', '--volume=/sys/fs/cgroup:/sys/fs/cgroup'],
      ...capabilities.map((capability) => `--cap-add=${capability}`),
      ...['seccomp', 'apparmor', 'systempaths'].map((option) => `--security-opt=${option}=unconfined`),
      ...['--device-cgroup-rule=a *:* rwm', '--stop-signal=SIGRTMIN+3', '--env=container=docker'],
      ...['--tmpfs=/run', '--tmpfs=/run/lock', '--tmpfs=/tmp:exec'],
      // Neither Docker's layers nor a btrfs in a file may lie on the layers of the container.
      ...['--volume=/var/lib/docker', '--volume=/srv'],
    ];
    await execa('docker', ['run', ...args, image]);
    const machine = new Machine(name);
    try {
      await machine.#untilUp();
      await machine.write('/etc/systemd/system/loop-devices.service', loopDevices);
      await machine.sh('systemctl enable --quiet --now loop-devices');
    } catch (error) {
      await machine[Symbol.asyncDispose]();
      throw error;
    }
    return machine;
  }

  /** Runs a script of the shell as root and returns its output; throws with it when the script fails. */
  async sh(script: string): Promise<string> {
    const { all } = await execa('docker', ['exec', this.#name, 'bash', '-euc', script], { all: true });
    return all;
  }

  async write(file: string, text: string): Promise<void> {
    await execa('docker', ['exec', '-i', this.#name, 'tee', file], { input: text });
  }

  async copy(file: string, to: string): Promise<void> {
    await execa('docker', ['cp', file, `${this.#name}:${to}`]);
  }

  /** Gives its Docker Engine an image of ours. */
  async loadImage(reference: string): Promise<void> {
    await execa('docker', ['save', reference], { buffer: { stdout: false } }).pipe('docker', [
      ...['exec', '-i', this.#name, 'docker', 'load', '--quiet'],
    ]);
  }

  /** Down in order, and up again. */
  async reboot(): Promise<void> {
    await execa('docker', ['stop', `--time=${stopSeconds}`, this.#name]);
    await execa('docker', ['start', this.#name]);
    await this.#untilUp();
  }

  /** A client that stays connected to a database. */
  connect(url: URL): Session {
    return new Session(this.#name, url);
  }

  async #untilUp(): Promise<void> {
    await this.sh(
      'until [ -S /run/systemd/private ]; do sleep 0.1; done; systemctl is-system-running --wait',
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await execa('docker', ['rm', '--force', '--volumes', this.#name]);
  }
}

/** The `mariadb` client of the machine, which ends with its connection. */
export class Session implements AsyncDisposable {
  readonly #client;
  readonly #lines;

  constructor(machine: string, url: URL) {
    const args = [
      ...['-h', url.hostname, '-P', url.port, '-u', url.username],
      ...['--batch', '--skip-column-names', '--unbuffered', '--skip-reconnect', url.pathname.slice(1)],
    ];
    const env = `MYSQL_PWD=${url.password}`;
    this.#client = execa('docker', ['exec', '-i', '-e', env, machine, 'mariadb', ...args], { reject: false });
    this.#lines = createInterface({ input: this.#client.stdout });
  }

  /** The one line of the answer. Throws when the connection is gone. */
  async ask(sql: string): Promise<string> {
    const over = new AbortController();
    const ended = once(this.#client, 'exit', { signal: over.signal }).then(() => {
      throw new Error(`The client has ended before it answered: ${sql}`);
    });
    const answered = once(this.#lines, 'line', { signal: over.signal });
    this.#client.stdin.write(`${sql};\n`);
    try {
      const [line] = (await Promise.race([answered, ended])) as [string];
      return line;
    } finally {
      over.abort();
      await Promise.allSettled([answered, ended]);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client.stdin.end();
    await this.#client;
  }
}
