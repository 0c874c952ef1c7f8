/**
 * HTTP to the daemon, over its Unix socket or TCP, JSON both ways, failures as `MyaasError`. By `node:http`: VS Code
 * patches the global `fetch` to ask its proxy settings, and that one knows no Unix sockets.
 */
import { Agent, request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { Agent as TlsAgent, request as httpsRequest } from 'node:https';
import { text } from 'node:stream/consumers';
import type { ErrorBody } from '../daemon/contract/contract.ts';
import { MyaasError, messageOf } from '../daemon/errors/error.ts';
import { failures, ReportedError } from './errors.ts';

/** How long a daemon may take to accept a connection; its answers may take as long as the work takes. */
const connectTimeoutMs = 10_000;
/** Idle connections are kept for the next request, for less time than the daemon keeps them (72 s). */
const keepAliveMs = 30_000;

export type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';

/** Where a daemon is, and the token to be sent to it; without one, it says so itself. */
export interface Connection {
  /** `unix:/path/of/socket`, `http://host:port` or `https://host:port`. */
  readonly url: string;
  readonly token: string | undefined;
}

export interface RequestBody {
  readonly body?: unknown;
  readonly signal?: AbortSignal | undefined;
  readonly headers?: Readonly<Record<string, string>>;
}

export class Client {
  readonly connection: Connection;
  readonly #agent: Agent;

  constructor(connection: Connection) {
    this.connection = connection;
    const options = { keepAlive: true, timeout: keepAliveMs };
    this.#agent = connection.url.startsWith('https:') ? new TlsAgent(options) : new Agent(options);
  }

  /** Closes all connections; what is under way fails. */
  dispose(): void {
    this.#agent.destroy();
  }

  /** Sends a request; resolves to the answer's JSON, undefined when it is empty. */
  async request(method: Method, path: string, options: RequestBody = {}): Promise<unknown> {
    const response = await this.open(method, path, options);
    return this.#guard(options.signal, async () => {
      const body = await text(response);
      return body === '' ? undefined : (JSON.parse(body) as unknown);
    });
  }

  /** Sends a request; resolves to the answer once it begins, its body still to be read. Throws for an error status. */
  async open(
    method: Method,
    path: string,
    { body, signal, headers }: RequestBody = {},
  ): Promise<IncomingMessage> {
    signal?.throwIfAborted();
    const { token } = this.connection;
    const payload = body === undefined ? undefined : JSON.stringify(body);
    return this.#guard(signal, async () => {
      const response = await this.#send(payload, {
        ...targetOf(this.connection.url),
        method,
        path,
        agent: this.#agent,
        ...(signal && { signal }),
        headers: {
          accept: 'application/json',
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
          ...(payload !== undefined && { 'content-type': 'application/json' }),
          ...headers,
        },
      });
      const status = response.statusCode ?? 0;
      if (status >= 200 && status < 300) return response;
      throw this.#errorOf(status, await text(response));
    });
  }

  async #send(payload: string | undefined, options: RequestOptions): Promise<IncomingMessage> {
    const request = this.connection.url.startsWith('https:') ? httpsRequest : httpRequest;
    return new Promise((resolve, reject) => {
      const sent = request(options, resolve);
      sent.on('error', reject);
      sent.on('socket', (socket) => {
        if (!socket.connecting) return;
        const timer = setTimeout(
          () => sent.destroy(new Error('it does not accept connections')),
          connectTimeoutMs,
        );
        for (const end of ['connect', 'close'] as const) socket.once(end, () => clearTimeout(timer));
      });
      sent.end(payload);
    });
  }

  /** Turns the system's errors into ours, and an abort into its reason. */
  async #guard<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof MyaasError) throw error;
      const { url } = this.connection;
      if (error instanceof SyntaxError) throw failures.badAnswer(url, error.message);
      const code = error instanceof Error && 'code' in error ? String(error.code) : '';
      const socketPath = socketPathOf(url);
      if (code === 'EACCES' && socketPath !== undefined) throw failures.socketForbidden(socketPath);
      throw failures.unreachable(url, reasons[code] ?? messageOf(error), error);
    }
  }

  #errorOf(status: number, body: string): MyaasError {
    const parsed = parseJson(body);
    if (isErrorBody(parsed)) return new ReportedError(status, parsed.error);
    return failures.notMyaas(this.connection.url, status);
  }
}

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'the connection broke',
  ENOENT: 'there is no such socket',
  ENOTFOUND: 'no such host',
};

function targetOf(url: string): RequestOptions {
  const socketPath = socketPathOf(url);
  if (socketPath !== undefined) return { socketPath };
  const { hostname, port } = new URL(url);
  return { hostname: hostname.replace(/^\[|\]$/g, ''), port };
}

/** The socket's path in `unix:/path` or `unix:///path`. */
function socketPathOf(url: string): string | undefined {
  return /^unix:(?:\/\/)?(\/.+)$/.exec(url)?.[1];
}

/** `url` as a daemon's address; undefined when it is none. */
export function parseAddress(url: string): string | undefined {
  const trimmed = url.trim();
  const socketPath = socketPathOf(trimmed);
  if (socketPath !== undefined) return `unix:${socketPath}`;
  if (!URL.canParse(trimmed)) return undefined;
  const { protocol, host, username } = new URL(trimmed);
  return /^https?:$/.test(protocol) && host !== '' && username === '' ? `${protocol}//${host}` : undefined;
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    // Not JSON, so not an answer of MyAAS: the caller says so.
    return undefined;
  }
}

function isErrorBody(body: unknown): body is ErrorBody {
  const error: unknown =
    typeof body === 'object' && body !== null && 'error' in body ? body.error : undefined;
  return typeof error === 'object' && error !== null && 'code' in error && 'message' in error;
}
