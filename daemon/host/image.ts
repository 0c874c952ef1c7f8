/**
 * Which image the MariaDB servers run in, and where it comes from: the configured one; else the official one, local or
 * pulled; else one built from Debian packages, for networks that reach no registry.
 */
import { Readable } from 'node:stream';
import { execa, ExecaError } from 'execa';
import type { Config } from '../config.ts';
import { Docker } from '../drivers/docker.ts';
import type { Registry } from '../drivers/registry.ts';
import { errors, messageOf } from '../errors.ts';
import { failureOf, findProgram } from '../drivers/program.ts';

export interface ServerImage {
  readonly reference: string;
  /** Why this one, for people: "configured by MYAAS_MYSQL_IMAGE", "pulled", … */
  readonly reason: string;
}

export const officialImage = 'mariadb:11.8';
export const builtImage = 'myaas/mariadb:11.8';
/** The Debian release with MariaDB 11.8. */
const debianSuite = 'trixie';
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
  await build(docker, signal);
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

/** What a server never reads: a third of the image. */
const unneeded = ['doc', 'man', 'locale', 'info', 'bug', 'lintian'];

/** Where this machine has its own Debian packages from, which a closed network may have a mirror of. */
async function debianMirror(): Promise<string | undefined> {
  const targets = [
    'indextargets',
    '--format',
    '$(REPO_URI)',
    'Created-By: Packages',
    'Origin: Debian',
    'Label: Debian',
  ];
  // A system that is not Debian names none, and mmdebstrap takes the public one.
  if (!(await findProgram('apt-get'))) return undefined;
  const { stdout } = await execa('apt-get', targets, { reject: false });
  return stdout.split('\n').find((line) => line !== '');
}

/** Streams a minimal Debian with a MariaDB server into Docker Engine: 14 s, 133 MB, nothing on the disk in between. */
async function build(docker: Docker, signal?: AbortSignal): Promise<void> {
  const mirror = await debianMirror();
  const debian = execa(
    'mmdebstrap',
    [
      '--quiet',
      '--variant=essential',
      '--include=mariadb-server-core,mariadb-client-core,tzdata',
      ...unneeded.map((directory) => `--dpkgopt=path-exclude=/usr/share/${directory}/*`),
      debianSuite,
      '-',
      ...(mirror === undefined ? [] : [mirror]),
    ],
    {
      stdin: 'ignore',
      buffer: { stdout: false },
      env: { LC_ALL: 'C.UTF-8' },
      ...(signal && { cancelSignal: signal }),
    },
  );
  // The stream ends only when the program has succeeded: Docker would take a cut-off archive for an image.
  async function* archive(): AsyncGenerator<Buffer> {
    for await (const chunk of debian.stdout) yield chunk as Buffer;
    await debian;
  }
  try {
    await docker.importImage(Readable.from(archive(), { objectMode: false }), builtImage, signal);
  } catch (error) {
    signal?.throwIfAborted();
    debian.kill();
    const failed = await debian.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    const why =
      failed instanceof ExecaError && !failed.isTerminated ? failureOf('mmdebstrap', failed, '') : error;
    throw errors.imageMissing(builtImage, `building it failed: ${messageOf(why)}`, error);
  }
}

/** Throws `MYAAS_IMAGE_MISSING` when the image has no server program: a wrong image is told now, not at an import. */
async function assertHasServer(config: Means['config'], image: string): Promise<void> {
  // With labels of its own, so that the daemon never takes these containers for its own.
  const docker = new Docker({
    host: config.dockerHost,
    hostId: `image-check-${process.pid}`,
    prefix: config.prefix,
  });
  const failures: unknown[] = [];
  try {
    for (const program of ['mariadbd', 'mysqld']) {
      try {
        const container = await docker.create({
          role: 'initialise',
          id: `image-check-${process.pid}-${program}`,
          image,
          command: [program, '--version'],
          user: { uid: 65534, gid: 65534 },
          mounts: [],
          memoryBytes: 256 * 2 ** 20,
        });
        await docker.start(container);
        if ((await docker.wait(container)) === 0) return;
        failures.push(new Error(await docker.logs(container, 5)));
      } catch (error) {
        failures.push(error);
      }
    }
    const why = `no server program (mariadbd, mysqld) runs in it: ${messageOf(failures[0])}`;
    throw errors.imageMissing(image, why, new AggregateError(failures));
  } finally {
    for (const { containerId } of await docker.list()) await docker.remove(containerId);
  }
}
