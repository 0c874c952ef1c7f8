/**
 * Where a server image comes from: the configured one; else the official one, local or pulled; else one built from
 * Debian packages, for networks that reach no registry.
 */
import type { Config } from '../config.ts';
import type { Docker } from '../drivers/docker.ts';
import type { Engine } from '../engines/engine.ts';
import { messageOf } from '../errors/error.ts';
import { errors } from '../errors/errors.ts';
import { buildImage } from './image-build.ts';

/** An image, and why this one, for people: "configured by MYAAS_MYSQL_IMAGE", "the official image, pulled", … */
export interface ImageChoice {
  readonly reference: string;
  readonly reason: string;
}

export interface ImageMeans {
  readonly config: Pick<Config, 'mysqlImage' | 'postgresImage' | 'valkeyImage' | 'dockerHost' | 'prefix'>;
  readonly docker: Docker;
  /** Told what takes a while. */
  readonly log: (line: string) => void;
  readonly signal?: AbortSignal | undefined;
}

/** A registry that has said nothing after this long is out of reach. */
const firstAnswerMs = 20_000;

export const configuredReason = ({ image }: Engine): string => `configured by ${image.variable}`;

/** Has the operator's own image on this machine. Throws `MYAAS_IMAGE_MISSING`. */
export async function bringConfigured(
  { docker, log, signal }: ImageMeans,
  engine: Engine,
  reference: string,
): Promise<ImageChoice> {
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
  return { reference, reason: configuredReason(engine) };
}

/** Has an image of a series on this machine, the official one or a built one. Throws `MYAAS_IMAGE_MISSING`. */
export async function bringUsual(
  { docker, log, signal }: ImageMeans,
  { image }: Engine,
  series: string,
): Promise<ImageChoice> {
  const official = image.official(series);
  const debian = image.debian(series);
  if (await docker.imageId(official))
    return { reference: official, reason: 'the official image, on this machine' };
  const built = debian && {
    reference: debian.reference,
    reason: `built from the packages of Debian ${debian.suite}, as no registry answered`,
  };
  // Without this a closed network would wait for the registry at each start.
  if (built && (await docker.imageId(built.reference))) return built;
  log(`pulling ${official}`);
  try {
    await pull(docker, official, signal);
    return { reference: official, reason: 'the official image, pulled' };
  } catch (error) {
    signal?.throwIfAborted();
    if (!built) {
      const why = `no registry has it (${messageOf(error)}), and Debian has no packages of that series`;
      throw errors.imageMissing(official, why, error);
    }
    log(`no registry has it (${messageOf(error)}): building ${built.reference} from Debian packages`);
  }
  await buildImage(docker, debian, signal);
  return built;
}

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
