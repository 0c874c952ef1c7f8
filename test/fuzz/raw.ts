/** Bytes that begin like a request, and go wrong. */
import fc, { type Arbitrary } from 'fast-check';

const heads = [
  'GET /v1/status HTTP/1.1\r\nHost: a\r\n\r\n',
  'GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
  'GET /healthz HTTP/1.1\r\n\r\n',
  'GET /healthz HTTP/1.0\r\n\r\n',
  'GET /healthz HTTP/9.9\r\nHost: a\r\n\r\n',
  'get /healthz http/1.1\r\nhost: a\r\n\r\n',
  'GET http://evil.example/healthz HTTP/1.1\r\nHost: a\r\n\r\n',
  'GET //evil.example/healthz HTTP/1.1\r\nHost: a\r\n\r\n',
  'GET /healthz\0 HTTP/1.1\r\nHost: a\r\n\r\n',
  'GET /health z HTTP/1.1\r\nHost: a\r\n\r\n',
  'GET /%ff%fe HTTP/1.1\r\nHost: a\r\n\r\n',
  'GET /\u00e9 HTTP/1.1\r\nHost: a\r\n\r\n',
  'OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n',
  'CONNECT evil.example:443 HTTP/1.1\r\nHost: a\r\n\r\n',
  'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  'POST /v1/instances HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n{}',
  'POST /v1/instances HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n{}',
  'POST /v1/instances HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n{}',
  'POST /v1/instances HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  'POST /v1/instances HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n',
  'POST /v1/instances HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n{}',
  'POST /v1/instances HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n',
  'POST /v1/instances HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n',
  'POST /v1/instances HTTP/1.1\r\nHost: a\r\nExpect: the unexpected\r\nContent-Length: 2\r\n\r\n{}',
  'GET /healthz HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\r\n',
  'GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n',
  'GET /healthz HTTP/1.1\r\nHost: a\r\n folded: yes\r\n\r\n',
  'GET /healthz HTTP/1.1\r\nHost : a\r\n\r\n',
  'GET /healthz HTTP/1.1\nHost: a\n\n',
  `GET /${'a'.repeat(20_000)} HTTP/1.1\r\nHost: a\r\n\r\n`,
  `GET /healthz HTTP/1.1\r\nHost: a\r\nX: ${'a'.repeat(20_000)}\r\n\r\n`,
  `GET /healthz HTTP/1.1\r\nHost: a\r\n${'A: b\r\n'.repeat(3000)}\r\n`,
  '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
] as const;

export interface RawBytes {
  readonly over: 'tcp' | 'socket';
  readonly bytes: Buffer;
}

/** One or more of them in one go, perhaps cut off, or with some bytes changed. */
export const rawBytes: Arbitrary<RawBytes> = fc
  .record({
    parts: fc.array(fc.oneof(fc.constantFrom(...heads), fc.string({ unit: 'binary-ascii', maxLength: 60 })), {
      minLength: 1,
      maxLength: 3,
    }),
    cut: fc.option(fc.nat(400)),
    changes: fc.array(fc.tuple(fc.nat(300), fc.integer({ min: 0, max: 255 })), { maxLength: 3 }),
    changed: fc.boolean(),
    over: fc.constantFrom<RawBytes['over'][]>('tcp', 'socket'),
  })
  .map(({ parts, cut, changes, changed, over }) => {
    const bytes = Buffer.from(parts.join(''), 'latin1');
    for (const [at, byte] of changed ? changes : []) if (at < bytes.length) bytes[at] = byte;
    return { over, bytes: cut === null ? bytes : bytes.subarray(0, cut) };
  });
