/** Asking Docker Engine, which may be away, end in the middle of an answer, or hang: every question has an end. */
import Dockerode from 'dockerode';
import { hasErrno, messageOf } from '../errors/error.ts';
import { errors } from '../errors/errors.ts';

/** Far longer than anything takes that is asked for here, also on a busy host. */
const usualLimitMs = 30_000;

export interface DockerAddress {
  /** `unix:///path` or `tcp://host:port`. */
  readonly host: string;
  /** How long the engine has for an answer; default: 30 s. */
  readonly timeoutMs?: number | undefined;
}

/** The system's words for an engine that is not there, or has just ended. */
const absences = ['ENOENT', 'ECONNREFUSED', 'EACCES', 'ECONNRESET', 'EPIPE'] as const;

export function hasStatus(thrown: unknown, ...statuses: readonly number[]): boolean {
  return thrown instanceof Error && 'statusCode' in thrown && statuses.includes(Number(thrown.statusCode));
}

function optionsOf(host: string): Dockerode.DockerOptions {
  const unix = /^unix:\/\/(.+)$/.exec(host)?.[1];
  // "unix://var/run/docker.sock", with two slashes, is how the original wrote its default.
  if (unix !== undefined) return { socketPath: unix.startsWith('/') ? unix : `/${unix}` };
  const url = new URL(host);
  return { protocol: 'http', host: url.hostname, port: Number(url.port) };
}

/** Of an image that is pulled. */
interface Step {
  readonly id?: string;
  readonly status?: string;
  readonly progress?: string;
}

export class DockerConnection {
  readonly dockerode: Dockerode;
  readonly #host: string;
  readonly #timeoutMs: number;

  constructor({ host, timeoutMs = usualLimitMs }: DockerAddress) {
    this.dockerode = new Dockerode(optionsOf(host));
    this.#host = host;
    this.#timeoutMs = timeoutMs;
  }

  /**
   * Asks what has an answer soon, or `extraMs` later. Throws `MYAAS_DOCKER_UNAVAILABLE` when the engine is away or does
   * not answer in time, and `MYAAS_DOCKER_FAILED` when it could not `what`.
   */
  async ask<T>(what: string, call: (abortSignal: AbortSignal) => Promise<T>, extraMs = 0): Promise<T> {
    const limitMs = this.#timeoutMs + extraMs;
    const { promise: late, reject } = Promise.withResolvers<never>();
    const giveUp = new AbortController();
    const timer = setTimeout(() => {
      reject(this.unavailable(`it did not ${what} within ${String(limitMs / 1000)} s`));
      giveUp.abort();
    }, limitMs);
    try {
      // The signal alone would not do: of an answer that breaks off the library tells nothing.
      return await Promise.race([this.follow(what, () => call(giveUp.signal)), late]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Asks what may take as long as it takes; see `ask` for what is thrown. */
  async follow<T>(what: string, call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (error) {
      if (absences.some((code) => hasErrno(error, code))) throw this.unavailable(messageOf(error), error);
      throw errors.dockerFailed(what, error);
    }
  }

  /** The exit code of a container, once it has stopped; an engine that ends meanwhile ends this, too. */
  async wait(
    containerId: string,
    condition: 'not-running' | 'next-exit' | 'removed',
    abortSignal?: AbortSignal,
  ): Promise<number> {
    // The engine answers at once, and says the rest when it is so: the library would wait for ever for what breaks off.
    const answer = await new Promise<NodeJS.ReadableStream>((resolve, reject) => {
      this.dockerode.modem.dial(
        {
          path: `/containers/${containerId}/wait?`,
          method: 'POST',
          options: { _query: { condition }, _body: {} },
          isStream: true,
          statusCodes: { 200: true },
          ...(abortSignal && { abortSignal }),
        },
        (error: unknown, stream) => {
          if (error instanceof Error) reject(error);
          else resolve(stream as NodeJS.ReadableStream);
        },
      );
    });
    const { StatusCode: exitCode } = JSON.parse(await textOf(answer)) as { StatusCode: number };
    return exitCode;
  }

  /** Returns when what the engine tells of its progress has come to its end. */
  async progressOf(
    stream: NodeJS.ReadableStream,
    onStep: (step: Step) => void = () => undefined,
  ): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const ended = (error: Error | null) => (error ? reject(error) : resolve());
      this.dockerode.modem.followProgress(stream, ended, onStep);
    });
  }

  unavailable(why: string, cause?: unknown): Error {
    return errors.dockerUnavailable(this.#host, why, cause);
  }
}

async function textOf(stream: NodeJS.ReadableStream): Promise<string> {
  let text = '';
  for await (const chunk of stream) text += String(chunk);
  return text;
}
