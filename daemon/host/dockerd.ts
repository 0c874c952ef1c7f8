/** Docker Engine on a machine where nothing starts it: systemd, where it runs, or a process of our own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdir, open, readFile } from 'node:fs/promises';
import { watch } from 'node:fs';
import { dirname } from 'node:path';
import type { Docker } from '../drivers/docker.ts';
import { errors, messageOf } from '../errors.ts';
import { lastLines, runProgram } from './program.ts';

/** An engine with a cold cache on a slow disk took 9 s. */
const startTimeoutMs = 60_000;

/** sd_booted(3). */
export async function isSystemdRunning(): Promise<boolean> {
  return access('/run/systemd/system').then(
    () => true,
    () => false,
  );
}

/**
 * Starts Docker Engine at `host` and returns when it answers: undefined when systemd looks after it now, else the
 * id of the process, which outlives this one. Throws `MYAAS_DOCKER_UNAVAILABLE` with the end of the engine's log.
 */
export async function startDocker(options: {
  docker: Docker;
  host: string;
  logFile: string;
  signal?: AbortSignal | undefined;
}): Promise<number | undefined> {
  const { docker, host, logFile } = options;
  if (!host.startsWith('unix://')) {
    throw errors.dockerUnavailable(host, 'it is another machine, where this one cannot start it');
  }
  if (await isSystemdRunning()) {
    await runProgram('systemctl', ['start', 'docker'], { remedy: 'See "journalctl -u docker".' });
    await docker.ping();
    return undefined;
  }
  const socket = host.slice('unix://'.length);
  await mkdir(dirname(socket), { recursive: true });
  await mkdir(dirname(logFile), { recursive: true });
  await using log = await open(logFile, 'a', 0o600);
  const engine = spawn('dockerd', ['--host', host], { detached: true, stdio: ['ignore', log.fd, log.fd] });
  try {
    await answered(docker, socket, engine, options.signal);
  } catch (error) {
    engine.kill();
    const lastWords = lastLines(await readFile(logFile, 'utf8'), 15);
    throw errors.dockerUnavailable(
      host,
      `${messageOf(error)}. Its log ${logFile} ends with:\n${lastWords}`,
      error,
    );
  }
  engine.unref();
  return engine.pid;
}

/** Resolves when the engine answers. It is asked whenever something happens to its socket file. */
async function answered(
  docker: Docker,
  socket: string,
  engine: ReturnType<typeof spawn>,
  signal = new AbortController().signal,
): Promise<void> {
  const settled = new AbortController();
  const ends = AbortSignal.any([settled.signal, signal, AbortSignal.timeout(startTimeoutMs)]);
  const gone = once(engine, 'exit').then(([exitCode]) => {
    throw new Error(`dockerd ended with ${String(exitCode)}`);
  });
  // The engine binds, listens, then sets the file's mode, which is an event too: none comes too late.
  const pinged = new Promise<void>((resolve) => {
    const ask = () =>
      docker.ping().then(
        () => resolve(),
        () => undefined,
      );
    watch(dirname(socket), { signal: ends }, (_event, file) => {
      if (file === null || socket.endsWith(`/${file}`)) void ask();
    });
  });
  const late = once(ends, 'abort').then(() => {
    signal.throwIfAborted();
    throw new Error(`no answer in ${startTimeoutMs / 1000} s`);
  });
  try {
    await Promise.race([gone, pinged, late]);
  } finally {
    settled.abort();
  }
}
