/** What the quickstart and the tests need of a machine that may have nothing but Node, npm and git. */
import type { Config } from '../config.ts';
import type { Docker } from '../drivers/docker.ts';
import type { BackgroundProcess } from './background.ts';
import { dockerAnswers, startDocker } from './dockerd.ts';
import { installPackages, missingPackages } from './packages.ts';

/** What `prepareMachine` did, for whoever wants to undo it. */
export interface Preparation {
  readonly installedPackages: readonly string[];
  /** The Docker Engine that was started; undefined when one answered already, or systemd has it. */
  readonly dockerdStarted: BackgroundProcess | undefined;
}

/**
 * Installs the Debian packages that are missing and starts Docker Engine when none answers.
 * Needs root only when there is something to do.
 */
export async function prepareMachine(options: {
  config: Pick<Config, 'dockerHost'>;
  docker: Docker;
  log: (line: string) => void;
  /** Where an engine that is started here writes its log. */
  dockerdLog: string;
  signal?: AbortSignal | undefined;
}): Promise<Preparation> {
  const { config, docker, log, dockerdLog, signal } = options;
  const hadDocker = await dockerAnswers(docker);
  const missing = await missingPackages(hadDocker ? 'docker there' : 'docker needed');
  if (missing.length > 0) {
    log(`installing Debian packages: ${missing.join(' ')}`);
    await installPackages(missing, signal);
  }
  let dockerdStarted: BackgroundProcess | undefined;
  // Installing the package may have started it.
  if (!hadDocker && !(await dockerAnswers(docker))) {
    log('starting Docker Engine');
    dockerdStarted = await startDocker({ docker, host: config.dockerHost, logFile: dockerdLog, signal });
  }
  return { installedPackages: missing, dockerdStarted };
}
