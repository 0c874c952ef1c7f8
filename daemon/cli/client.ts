/** The client side of HTTP: over the daemon's Unix socket or TCP, JSON both ways, failures as `MyaasError`. */
import type { IncomingMessage, RequestOptions } from 'node:http';
import { text } from 'node:stream/consumers';
import type { ErrorBody } from '../contract/contract.ts';
import { MyaasError, messageOf } from '../errors/error.ts';
import { errors } from '../errors/errors.ts';

/** How long a daemon may take to accept a connection; its answers may take as long as the work takes. */
const connectTimeoutMs = 10_000;

export type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';

/** An error that the daemon answered with. */
export class ReportedError extends MyaasError {
  /** Names the request in the daemon's log. */
  readonly requestId: string;

  constructor(status: number, { code, message, hint, requestId }: ErrorBody['error']) {
    super(code, status, message, hint);
    this.requestId = requestId;
  }
}

/** Where a daemon is and the token to be sent to it. */
export interface Connection {
  /** `unix:/path/of/socket`, `http://host:port` or `https://host:port`. */
  readonly url: string;
  readonly token: string;
}

export class Client {
  readonly url: string;
  readonly #token: string;

  constructor({ url, token }: Connection) {
    this.url = url;
    this.#token = token;
  }

  /** Sends a request; resolves to the answer's JSON, its text when it is not JSON, or undefined when it is empty. */
  async request(
    method: Method,
    path: string,
    options: { body?: unknown; signal?: AbortSignal } = {},
  ): Promise<unknown> {
    const response = await this.open(method, path, options);
    return this.#guard(options.signal, async () => {
      const body = await text(response);
      if (body === '') return undefined;
      return isJson(response) ? (JSON.parse(body) as unknown) : body;
    });
  }

  /** Sends a request; resolves to the answer once it begins, its body still to be read. Throws for an error status. */
  async open(
    method: Method,
    path: string,
    {
      body,
      signal,
      headers,
    }: { body?: unknown; signal?: AbortSignal; headers?: Record<string, string> } = {},
  ): Promise<IncomingMessage> {
    signal?.throwIfAborted();
    const payload = body === undefined ? undefined : JSON.stringify(body);
    return this.#guard(signal, async () => {
      const response = await this.#send(payload, {
        ...this.#target(),
        method,
        path,
        // No connection outlives its request: nothing keeps a finished command from exiting.
        agent: false,
        ...(signal && { signal }),
        headers: {
          accept: 'application/json',
          authorization: `Bearer ${this.#token}`,
          ...(payload !== undefined && { 'content-type': 'application/json' }),
          ...headers,
        },
      });
      const status = response.statusCode ?? 0;
      if (status >= 200 && status < 300) return response;
      throw this.#errorOf(
        status,
        isJson(response) ? (JSON.parse(await text(response)) as unknown) : undefined,
      );
    });
  }

  async #send(payload: string | undefined, options: RequestOptions): Promise<IncomingMessage> {
    const { request } = this.url.startsWith('https:')
      ? await import('node:https')
      : await import('node:http');
    return new Promise((resolve, reject) => {
      const sent = request(options, resolve);
      sent.on('error', reject);
      sent.on('socket', (socket) => {
        socket.setTimeout(connectTimeoutMs, () => sent.destroy(new Error('it does not accept connections')));
        socket.once('connect', () => socket.setTimeout(0));
      });
      sent.end(payload);
    });
  }

  #target(): RequestOptions {
    const socketPath = socketPathOf(this.url);
    if (socketPath !== undefined) return { socketPath };
    const { hostname, port } = new URL(this.url);
    return { hostname: hostname.replace(/^\[|\]$/g, ''), port };
  }

  /** Turns the system's errors into ours, and an abort into its reason. */
  async #guard<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof MyaasError) throw error;
      const code = error instanceof Error && 'code' in error ? String(error.code) : '';
      const socketPath = socketPathOf(this.url);
      if (code === 'EACCES' && socketPath !== undefined) throw errors.socketForbidden(socketPath);
      if (untrusted.has(code)) throw errors.certificateUntrusted(this.url, messageOf(error));
      throw errors.daemonUnreachable(this.url, reasons[code] ?? messageOf(error));
    }
  }

  #errorOf(status: number, body: unknown): MyaasError {
    if (isErrorBody(body)) return new ReportedError(status, body.error);
    return errors.daemonUnreachable(this.url, `what answers there is not MyAAS (HTTP ${status})`);
  }
}

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'the connection broke',
  ENOENT: 'there is no such socket',
  ENOTFOUND: 'no such host',
};

/** What Node says of a certificate that nobody it knows has signed. */
const untrusted: ReadonlySet<string> = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

/** The socket's path in `unix:/path` or `unix:///path`. */
function socketPathOf(url: string): string | undefined {
  return /^unix:(?:\/\/)?(\/.+)$/.exec(url)?.[1];
}

/** `url` as a daemon's address; undefined when it is none. */
export function parseAddress(url: string): string | undefined {
  if (socketPathOf(url) !== undefined) return url;
  if (!URL.canParse(url)) return undefined;
  const { protocol, host } = new URL(url);
  return /^https?:$/.test(protocol) && host !== '' ? `${protocol}//${host}` : undefined;
}

function isJson(response: IncomingMessage): boolean {
  return /^application\/json\b/.test(response.headers['content-type'] ?? '');
}

function isErrorBody(body: unknown): body is ErrorBody {
  const error: unknown =
    typeof body === 'object' && body !== null && 'error' in body ? body.error : undefined;
  return typeof error === 'object' && error !== null && 'code' in error && 'message' in error;
}
