/** Sends requests as they are, however wrong. */
import { once } from 'node:events';
import { Agent, request, type IncomingMessage, type RequestOptions } from 'node:http';
import { connect, type NetConnectOpts } from 'node:net';
import { hasErrno } from '../../daemon/errors/error.ts';
import type { RawBytes } from './raw.ts';
import type { FuzzedRequest, Sender } from './requests.ts';

export interface Heard {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** Longer than anything takes on a busy machine: whoever is silent for so long hangs. */
const answerLimitMs = 120_000;

export interface Daemon {
  readonly port: number;
  readonly socketPath: string;
  readonly tokens: Readonly<Partial<Record<Sender, string | undefined>>>;
}

/** Many clients of one daemon, by TCP and by its Unix socket. Connections are used again. */
export class Wire implements Disposable {
  readonly #daemon: Daemon;
  readonly #agents = { tcp: new Agent({ keepAlive: true }), socket: new Agent({ keepAlive: true }) };

  constructor(daemon: Daemon) {
    this.#daemon = daemon;
  }

  /** The answer; undefined when nobody waited for one. Throws when none comes. */
  async send(fuzzed: FuzzedRequest): Promise<Heard | undefined> {
    const { method, target, body, manner } = fuzzed;
    const outgoing = request({
      method,
      path: target,
      headers: this.#headersOf(fuzzed),
      ...this.#way(fuzzed),
    });
    outgoing.setTimeout(answerLimitMs, () => outgoing.destroy(new Error('No answer.')));
    const answered = once(outgoing, 'response') as Promise<[IncomingMessage]>;
    // Both are looked at below, where anybody waits for them.
    answered.catch(() => undefined);
    if (manner === 'broken off' || manner === 'left') {
      await new Promise<void>((resolve) => outgoing.write(body ?? '', () => resolve()));
      if (manner === 'left') outgoing.end();
      outgoing.destroy();
      return undefined;
    }
    outgoing.end(body);
    try {
      const [response] = await answered;
      return await hear(response, method);
    } catch (error) {
      // The daemon has closed a connection that was idle, just when it was to be used again (RFC 9112, 9.3.1).
      if (outgoing.reusedSocket && (hasErrno(error, 'ECONNRESET') || hasErrno(error, 'EPIPE')))
        return this.send(fuzzed);
      throw error;
    }
  }

  /** Sends bytes that need not be HTTP, and hears all that comes back until the daemon hangs up. */
  async sendRaw({ over, bytes }: RawBytes): Promise<string> {
    const { port, socketPath } = this.#daemon;
    const to: NetConnectOpts = over === 'tcp' ? { port, host: '127.0.0.1' } : { path: socketPath };
    const socket = connect(to);
    socket.setTimeout(answerLimitMs, () => socket.destroy(new Error('Not hung up on.')));
    let heard = '';
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      heard += chunk;
      // A stream of events has no end.
      if (heard.includes('event: hello')) socket.destroy();
    });
    socket.end(bytes);
    try {
      await once(socket, 'close');
    } catch (error) {
      // A daemon may hang up on who goes on talking nonsense.
      if (!(error instanceof Error && 'syscall' in error)) throw error;
    }
    return heard;
  }

  [Symbol.dispose](): void {
    for (const agent of Object.values(this.#agents)) agent.destroy();
  }

  #way({ over }: FuzzedRequest): RequestOptions {
    const agent = this.#agents[over];
    const { port, socketPath } = this.#daemon;
    return over === 'tcp' ? { agent, port, host: '127.0.0.1' } : { agent, socketPath };
  }

  #headersOf({ as, headers, body, manner, method }: FuzzedRequest): Record<string, string> {
    const token = this.#daemon.tokens[as];
    const length = (body?.length ?? 0) + (manner === 'broken off' ? 100 : 0);
    const framed =
      manner === 'chunked'
        ? { 'transfer-encoding': 'chunked' }
        : body || manner === 'broken off' || method === 'POST'
          ? { 'content-length': String(length) }
          : {};
    return { ...(token !== undefined && { authorization: `Bearer ${token}` }), ...headers, ...framed };
  }
}

async function hear(response: IncomingMessage, method: string): Promise<Heard> {
  const { statusCode: status = 0 } = response;
  const headers = new Headers();
  for (const [name, value] of Object.entries(response.headers)) headers.set(name, String(value));
  if (headers.get('content-type') === 'text/event-stream') {
    if (method !== 'HEAD') await once(response, 'data');
    response.destroy();
    return { status, headers, text: '' };
  }
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) text += String(chunk);
  return { status, headers, text };
}
