/** Docker Engine on a machine where nothing starts it: by systemd, where it runs, else in the background. */
import type { Docker } from '../drivers/docker.ts';
import { messageOf, MyaasError } from '../errors/error.ts';
import { errors } from '../errors/errors.ts';
import { type BackgroundProcess, startInBackground } from './background.ts';
import { exists } from './files.ts';
import { runProgram } from '../drivers/program.ts';

/** An engine with a cold cache on a slow disk took 9 s. */
const startTimeoutMs = 60_000;

export const isSystemdRunning = (): Promise<boolean> => exists('/run/systemd/system'); // sd_booted(3)

export async function dockerAnswers(docker: Docker): Promise<boolean> {
  try {
    await docker.ping();
    return true;
  } catch (error) {
    if (error instanceof MyaasError && error.code === 'MYAAS_DOCKER_UNAVAILABLE') return false;
    throw error;
  }
}

/**
 * Starts Docker Engine at `host` and returns when it answers: undefined when systemd looks after it now, else the
 * process. Throws `MYAAS_DOCKER_UNAVAILABLE` with the end of the engine's log.
 */
export async function startDocker(options: {
  docker: Docker;
  host: string;
  logFile: string;
  signal?: AbortSignal | undefined;
}): Promise<BackgroundProcess | undefined> {
  const { docker, host, logFile, signal } = options;
  if (!host.startsWith('unix://')) {
    throw errors.dockerUnavailable(host, 'it is not of this machine, so it cannot be started from here');
  }
  if (await isSystemdRunning()) {
    await runProgram('systemctl', ['start', 'docker'], { remedy: 'See "journalctl -u docker".', signal });
    await docker.ping();
    return undefined;
  }
  // "unix://var/run/docker.sock", with two slashes, is how the original wrote its default.
  const socket = host.replace(/^unix:\/+/, '/');
  try {
    return await startInBackground({
      name: 'dockerd',
      command: ['dockerd', '--host', `unix://${socket}`],
      logFile,
      sign: socket,
      isReady: () => dockerAnswers(docker),
      timeoutMs: startTimeoutMs,
      signal,
    });
  } catch (error) {
    signal?.throwIfAborted();
    throw errors.dockerUnavailable(host, messageOf(error), error);
  }
}
