/**
 * Which image the MariaDB servers run in, and where it comes from: the configured one; else the official one, local or
 * pulled; else one built from Debian packages, for networks that reach no registry.
 */
import type { Config } from '../config.ts';
import { Docker } from '../drivers/docker.ts';
import type { Registry } from '../drivers/registry.ts';
import { errors, messageOf } from '../errors.ts';
import { buildImage, debianSuite } from './image-build.ts';

export interface ServerImage {
  readonly reference: string;
  /** Why this one, for people: "configured by MYAAS_MYSQL_IMAGE", "pulled", … */
  readonly reason: string;
}

export const officialImage = 'mariadb:11.8';
/** Another name whenever other packages are in it, so that hosts with an older one build it anew. */
export const builtImage = 'myaas/mariadb:11.8-backup';
/** What earlier versions of MyAAS have built: it serves, where a new one can't be built, but reads no backups. */
const formerBuiltImage = 'myaas/mariadb:11.8';
/** A registry that has said nothing after this long is out of reach. */
const firstAnswerMs = 20_000;

interface Means {
  readonly config: Pick<Config, 'mysqlImage' | 'dockerHost' | 'prefix'>;
  readonly docker: Docker;
  readonly registry: Pick<Registry, 'setting' | 'setSetting'>;
  readonly log: (line: string) => void;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Finds, pulls or builds the server image and remembers it in the registry.
 * Throws `MYAAS_IMAGE_MISSING` when it can't be had or has no server in it.
 */
export async function resolveServerImage(means: Means): Promise<ServerImage> {
  const { config, docker, registry } = means;
  const image =
    config.mysqlImage === undefined
      ? await defaultImage(means)
      : await configuredImage(means, config.mysqlImage);
  const id = await docker.imageId(image.reference);
  if (id === undefined) throw errors.imageMissing(image.reference, 'Docker Engine has lost it again');
  if (registry.setting('image.mariadb.checked') !== id) {
    await assertHasServer(config, image.reference);
    registry.setSetting('image.mariadb.checked', id);
  }
  if (registry.setting('image.mariadb.backup')?.startsWith(id) !== true) {
    const failure = await tryProgram(config, image.reference, ['mariadb-backup', '--version']);
    registry.setSetting('image.mariadb.backup', `${id} ${failure === undefined ? 'has it' : 'lacks it'}`);
  }
  registry.setSetting('image.mariadb', image.reference);
  registry.setSetting('image.mariadb.reason', image.reason);
  return image;
}

/** The image that `resolveServerImage` found; undefined before `myaas init`. A configured one wins at once. */
export function recallServerImage(
  config: Pick<Config, 'mysqlImage'>,
  registry: Pick<Registry, 'setting'>,
): ServerImage | undefined {
  const configured = config.mysqlImage;
  if (configured !== undefined) return { reference: configured, reason: configuredReason };
  const reference = registry.setting('image.mariadb');
  return reference === undefined
    ? undefined
    : {
        reference,
        reason: registry.setting('image.mariadb.reason') ?? 'found by an earlier version of MyAAS',
      };
}

const configuredReason = 'configured by MYAAS_MYSQL_IMAGE';

async function configuredImage({ docker, log, signal }: Means, reference: string): Promise<ServerImage> {
  if (!(await docker.imageId(reference))) {
    log(`pulling ${reference}`);
    try {
      await pull(docker, reference, signal);
    } catch (error) {
      signal?.throwIfAborted();
      throw errors.imageMissing(
        reference,
        `it is not on this machine, and pulling failed: ${messageOf(error)}`,
        error,
      );
    }
  }
  return { reference, reason: configuredReason };
}

async function defaultImage({ docker, log, signal }: Means): Promise<ServerImage> {
  if (await docker.imageId(officialImage))
    return { reference: officialImage, reason: 'the official image, on this machine' };
  // Without this a closed network would wait for the registry at each start.
  if (await docker.imageId(builtImage)) return { reference: builtImage, reason: builtReason };
  log(`pulling ${officialImage}`);
  try {
    await pull(docker, officialImage, signal);
    return { reference: officialImage, reason: 'the official image, pulled' };
  } catch (error) {
    signal?.throwIfAborted();
    log(`no registry has it (${messageOf(error)}): building ${builtImage} from Debian packages`);
  }
  try {
    await buildImage(docker, builtImage, signal);
  } catch (error) {
    if (signal?.aborted || !(await docker.imageId(formerBuiltImage))) throw error;
    log(`${messageOf(error)}; ${formerBuiltImage} of an earlier version is used instead`);
    return {
      reference: formerBuiltImage,
      reason: 'built by an earlier version, as no new one could be built',
    };
  }
  return { reference: builtImage, reason: builtReason };
}

const builtReason = `built from the packages of Debian ${debianSuite}, as no registry answered`;

/** Pulls an image; gives up when the registry's first answer takes too long, not when the download does. */
async function pull(docker: Docker, reference: string, signal?: AbortSignal): Promise<void> {
  const silence = new AbortController();
  const timer = setTimeout(() => {
    silence.abort(new Error(`no answer in ${firstAnswerMs / 1000} s`));
  }, firstAnswerMs);
  try {
    const ends = signal ? AbortSignal.any([signal, silence.signal]) : silence.signal;
    await docker.pull(
      reference,
      () => {
        clearTimeout(timer);
      },
      ends,
    );
  } catch (error) {
    // What an aborted request throws says less than why it was aborted.
    throw silence.signal.aborted ? silence.signal.reason : error;
  } finally {
    clearTimeout(timer);
  }
}

/** Throws `MYAAS_IMAGE_MISSING` when the image has no server program: a wrong image is told now, not at an import. */
async function assertHasServer(config: Means['config'], image: string): Promise<void> {
  const failures: unknown[] = [];
  for (const program of ['mariadbd', 'mysqld']) {
    const failure = await tryProgram(config, image, [program, '--version']);
    if (failure === undefined) return;
    failures.push(failure);
  }
  const why = `no server program (mariadbd, mysqld) runs in it: ${messageOf(failures[0])}`;
  throw errors.imageMissing(image, why, new AggregateError(failures));
}

/** Runs a program in a container of the image; why it did not run, if it did not. */
async function tryProgram(
  config: Means['config'],
  image: string,
  command: readonly [string, ...string[]],
): Promise<unknown> {
  // With labels of its own, so that the daemon never takes these containers for its own.
  const docker = new Docker({
    host: config.dockerHost,
    hostId: `image-check-${process.pid}`,
    prefix: config.prefix,
  });
  try {
    const container = await docker.create({
      role: 'initialise',
      id: `image-check-${process.pid}-${command[0]}`,
      image,
      command,
      user: { uid: 65534, gid: 65534 },
      mounts: [],
      memoryBytes: 256 * 2 ** 20,
    });
    await docker.start(container);
    if ((await docker.wait(container)) === 0) return undefined;
    return new Error(await docker.logs(container, 5));
  } catch (error) {
    return error;
  } finally {
    for (const { containerId } of await docker.list()) await docker.remove(containerId);
  }
}

/** Whether the image was found to lack the program for physical backups. Hosts of earlier versions have not looked. */
export const lacksBackupProgram = (registry: Pick<Registry, 'setting'>): boolean =>
  registry.setting('image.mariadb.backup')?.endsWith(' has it') !== true;
