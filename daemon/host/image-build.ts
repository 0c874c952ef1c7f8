/** A server image of Debian packages, for networks that reach no registry. */
import { Readable } from 'node:stream';
import { execa, ExecaError } from 'execa';
import type { Docker } from '../drivers/docker.ts';
import { failureOf, findProgram } from '../drivers/program.ts';
import type { DebianImage } from '../engines/engine.ts';
import { messageOf } from '../errors/error.ts';
import { errors } from '../errors/errors.ts';

/** What a server never reads: a third of the image. */
const unneededByAll = ['doc', 'man', 'locale', 'info', 'bug', 'lintian'].map(
  (directory) => `/usr/share/${directory}/*`,
);

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

/** Streams a minimal Debian with a server into Docker Engine: 14 s, 133 MB for MariaDB, nothing on the disk in between. */
export async function buildImage(
  docker: Docker,
  { reference, suite, packages, unneeded = [], path }: DebianImage,
  signal?: AbortSignal,
): Promise<void> {
  const mirror = await debianMirror();
  const debian = execa(
    'mmdebstrap',
    [
      '--quiet',
      '--variant=essential',
      `--include=${packages.join(',')}`,
      // What sid's index says of its own age is wrong as soon as a mirror lags.
      '--aptopt=Acquire::Check-Valid-Until "false"',
      '--aptopt=Acquire::Retries "3"',
      ...[...unneededByAll, ...unneeded].map((pattern) => `--dpkgopt=path-exclude=${pattern}`),
      suite,
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
    await docker.importImage(Readable.from(archive(), { objectMode: false }), { reference, path }, signal);
  } catch (error) {
    signal?.throwIfAborted();
    debian.kill();
    const failed = await debian.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    const why =
      failed instanceof ExecaError && !failed.isTerminated ? failureOf('mmdebstrap', failed, '') : error;
    throw errors.imageMissing(reference, `building it failed: ${messageOf(why)}`, error);
  }
}
