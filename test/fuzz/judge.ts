/** What a daemon may answer, whatever it is sent. */
import assert from 'node:assert/strict';
import type { Contract } from '../support/openapi.ts';
import type { FuzzedRequest } from './requests.ts';
import type { Heard } from './send.ts';

/** A part of MyAAS, or the host, is not able to: that is said, and no defect. */
const honestFailures = new Set([503, 507]);
const legacyStatuses = new Set([
  200, 201, 204, 304, 400, 401, 403, 404, 409, 413, 414, 415, 422, 423, 503, 507,
]);

export class Judge {
  readonly #contract: Contract;
  readonly #codes: ReadonlySet<string>;

  /** `codes` are all that an error may have. */
  constructor(contract: Contract, codes: ReadonlySet<string>) {
    this.#contract = contract;
    this.#codes = codes;
  }

  /** Throws when the answer is none of those that are foreseen. */
  judge({ method, target }: FuzzedRequest, { status, headers, text }: Heard): void {
    assert.ok(status < 500 || honestFailures.has(status), `answered ${String(status)}: ${text}`);
    if (method === 'HEAD') {
      assert.equal(text, '');
      return;
    }
    const isJson = headers.get('content-type')?.startsWith('application/json') ?? false;
    const body: unknown = isJson ? JSON.parse(text) : undefined;
    const path = target.split(/[?#]/)[0] ?? '';
    if (this.#contract.knows(method, path)) {
      if (headers.get('content-type') !== 'text/event-stream')
        this.#contract.check(method, path, { status, headers, body, text });
    } else if (isLegacy(body) || (status < 400 && !path.startsWith('/v1'))) {
      assert.ok(legacyStatuses.has(status), `the original's API answered ${String(status)}: ${text}`);
      return;
    }
    if (status >= 400) this.#judgeError(status, body, text);
  }

  /** Of bytes that need not be a request: anything but an admission of failure, and in the one envelope. */
  judgeRaw(heard: string): void {
    for (const [, status = ''] of heard.matchAll(/^HTTP\/1\.1 (\d{3})/gm))
      assert.ok(Number(status) < 500 || honestFailures.has(Number(status)), `answered ${heard}`);
    const [head = '', rest = ''] = heard.split('\r\n\r\n');
    if (!/^HTTP\/1\.1 4/.test(head) || !/content-type: application\/json/i.test(head)) return;
    // What follows is the answer to another request.
    const body = rest.slice(0, Number(/content-length: (\d+)/i.exec(head)?.[1]));
    const json: unknown = JSON.parse(Buffer.from(body, 'latin1').toString());
    if (!isLegacy(json)) this.#judgeError(Number(head.slice(9, 12)), json, body);
  }

  #judgeError(status: number, body: unknown, text: string): void {
    const { error } = (body ?? {}) as { error?: { code?: unknown } };
    const code = error?.code;
    assert.ok(
      typeof code === 'string' && this.#codes.has(code),
      `answered ${String(status)} without a known code: ${text}`,
    );
  }
}

/** `{"status": "…"}`, as the API of the original says what is wrong. */
const isLegacy = (body: unknown): boolean =>
  typeof body === 'object' && body !== null && 'status' in body && typeof body.status === 'string';
