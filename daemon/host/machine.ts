/** What the quickstart and the tests need of a machine that may have nothing but Node, npm and git. */
import type { Config } from '../config.ts';
import type { Docker } from '../drivers/docker.ts';
import { MyaasError } from '../errors.ts';
import { startDocker } from './dockerd.ts';
import { installPackages, missingPackages } from './packages.ts';

/** What `prepareMachine` did, for whoever wants to undo it. */
export interface Preparation {
  readonly installedPackages: readonly string[];
  /** Process id of the Docker Engine that was started; undefined when one answered already, or systemd has it. */
  readonly dockerdStarted: number | undefined;
}

/**
 * Installs the Debian packages that are missing and starts Docker Engine when none answers.
 * Needs root only when there is something to do.
 */
export async function prepareMachine(options: {
  config: Pick<Config, 'dockerHost'>;
  docker: Docker;
  log: (line: string) => void;
  dockerdLog?: string;
  signal?: AbortSignal | undefined;
}): Promise<Preparation> {
  const { config, docker, log, dockerdLog = '/var/log/myaas/dockerd.log', signal } = options;
  const dockerAnswers = await answers(docker);
  const missing = await missingPackages(dockerAnswers ? 'docker there' : 'docker needed');
  if (missing.length > 0) {
    log(`installing Debian packages: ${missing.join(' ')}`);
    await installPackages(missing, signal);
  }
  let dockerdStarted: number | undefined;
  // Installing the package may have started it.
  if (!dockerAnswers && !(await answers(docker))) {
    log('starting Docker Engine');
    dockerdStarted = await startDocker({ docker, host: config.dockerHost, logFile: dockerdLog, signal });
  }
  return { installedPackages: missing, dockerdStarted };
}

async function answers(docker: Docker): Promise<boolean> {
  try {
    await docker.ping();
    return true;
  } catch (error) {
    if (error instanceof MyaasError && error.code === 'MYAAS_DOCKER_UNAVAILABLE') return false;
    throw error;
  }
}
