/** Requests as an OpenAPI document foresees them, and as it does not. */
import fc, { type Arbitrary } from 'fast-check';
import type { OpenApi } from '../support/openapi.ts';
import { hostileText, hostileValue, nearly, valueOf, type Known, type Schema } from './values.ts';

/** How a request is sent. `broken off`: its body is not sent to the end; `left`: nobody waits for the answer. */
export type Manner = 'whole' | 'chunked' | 'broken off' | 'left';
/** `reader` and `scoped` have tokens of a member that may only read, and only know one template. */
export type Sender = 'admin' | 'member' | 'other member' | 'reader' | 'scoped' | 'stranger' | 'nobody';

export interface FuzzedRequest {
  readonly over: 'tcp' | 'socket';
  readonly as: Sender;
  readonly method: string;
  /** Path and query, fit for a request line. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | undefined;
  readonly manner: Manner;
}

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly schema: Schema;
}

interface Call {
  readonly method: string;
  readonly template: string;
  readonly parameters: readonly Parameter[];
  readonly body: Schema | undefined;
}

interface Described {
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> };
}

/** Not in the document: the API of the original. */
const legacyCalls: readonly Call[] = [
  ...['/', '/templates', '/db'].map((template) => ({
    method: 'GET',
    template,
    parameters: [],
    body: undefined,
  })),
  ...['GET', 'POST', 'DELETE'].map((method) => ({
    method,
    template: '/db/{template}/{name}',
    parameters: ['template', 'name'].map((name) => ({ name, in: 'path', schema: { type: 'string' } })),
    body: method === 'POST' ? { type: 'object', properties: { ttl: {} } } : undefined,
  })),
];

function callsOf({ paths }: OpenApi): Call[] {
  const described = Object.entries(paths).flatMap(([template, operations]) =>
    Object.entries(operations).map(([method, operation]) => {
      const { parameters = [], requestBody } = operation as Described;
      const body = requestBody?.content['application/json']?.schema;
      return { method: method.toUpperCase(), template, parameters, body };
    }),
  );
  return [...described, ...legacyCalls];
}

/** Work for servers, not for the API: asked for now and then only. */
const isCostly = ({ method, template }: Call): boolean =>
  (method === 'POST' && template !== '/v1/templates/refresh') ||
  (method === 'DELETE' && template.includes('{template}'));

/** With a lone surrogate made whole, and as a part of a path, or of a query. */
const encoded = (text: string): string => encodeURIComponent(text.toWellFormed());

const segment = (name: string, known: Known, costly: boolean): Arbitrary<string> =>
  fc.oneof(
    {
      weight: costly ? 1 : 8,
      arbitrary: fc
        .constantFrom(...(known.get(name) ?? ['none']))
        .map(String)
        .map(encoded),
    },
    { weight: 4, arbitrary: hostileText.map(encoded) },
    {
      weight: 1,
      arbitrary: fc.constantFrom('', '.', '..', '%', '%zz', '%c0%af', '%00', '%2F', '%2f..%2f', ';a=b', '*'),
    },
  );

const methods = [
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'OPTIONS',
  'TRACE',
  'SEARCH',
  'QUERY',
] as const;

const bytesOf = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

/** Bodies of no schema at all. */
const oddBody: Arbitrary<Buffer> = fc.oneof(
  fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  fc
    .constantFrom(
      ...[
        '',
        '{',
        '[',
        'null',
        '{}',
        '[]',
        '"',
        '\ufeff{}',
        '{"__proto__":{"admin":true}}',
        '{"a":1,"a":2}',
        '01',
      ],
      ...[
        '{"constructor":{"prototype":{}}}',
        '[1,]',
        'ttl=60',
        'ttl=60&ttl=61&ttl[a]=3',
        '--b\r\n\r\nx\r\n--b--',
      ],
    )
    .map((text) => Buffer.from(text)),
  // Nested as deep as it fits, and larger than fits.
  fc.constantFrom(30_000, 70_000).map((depth) => Buffer.from('['.repeat(depth))),
  fc.constantFrom(65_536, 65_537, 200_000, 1_000_000).map((sizeBytes) => Buffer.alloc(sizeBytes, 0x61)),
);

const contentTypes = [
  ...[
    'application/json',
    'application/json; charset=utf-16',
    'application/json;',
    'application/x-www-form-urlencoded',
  ],
  ...[
    'multipart/form-data; boundary=b',
    'text/plain',
    'application/octet-stream',
    'application/merge-patch+json',
    '/',
    'x',
  ],
] as const;

const oddHeaders: Arbitrary<Record<string, string>> = fc.oneof(
  { weight: 6, arbitrary: fc.constant({}) },
  fc.constantFrom<Record<string, string>>(
    { accept: 'text/html' },
    { 'accept-encoding': 'br;q=1.0, *;q=0' },
    { 'content-encoding': 'gzip' },
    { cookie: 'a'.repeat(4000) },
    { origin: 'http://evil.example' },
    { host: 'evil.example' },
    { 'sec-fetch-site': 'cross-site' },
    { 'last-event-id': '999999999999999999999' },
    { 'last-event-id': '-1' },
    { range: 'bytes=0-' },
    { 'if-none-match': '*' },
    { 'x-http-method-override': 'DELETE' },
    { 'x-forwarded-for': '127.0.0.1' },
    { upgrade: 'h2c', connection: 'Upgrade' },
    { expect: '100-continue' },
    { authorization: 'Basic YWRtaW46YWRtaW4=' },
    { authorization: 'Bearer' },
    { authorization: `Bearer ${'a'.repeat(3000)}` },
  ),
);

function targetOf(call: Call, known: Known): Arbitrary<string> {
  const costly = isCostly(call);
  const pathNames = [...call.template.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name);
  const queryNames = call.parameters.filter((each) => each.in === 'query').map(({ name }) => name);
  const pair = (name: Arbitrary<string>) =>
    name.chain((key) =>
      fc
        .oneof(fc.constantFrom(...(known.get(key) ?? ['1'])).map(String), hostileText)
        .map((value) => `${encoded(key)}=${encoded(value)}`),
    );
  const name = queryNames.length === 0 ? hostileText : fc.oneof(fc.constantFrom(...queryNames), hostileText);
  const query = fc.oneof(
    { weight: 3, arbitrary: fc.constant('') },
    { weight: 2, arbitrary: fc.array(pair(name), { maxLength: 3 }).map((pairs) => `?${pairs.join('&')}`) },
    { weight: 1, arbitrary: fc.constantFrom('?', '?%', '?a[b]=c&a[b]=d', '?&&==', '?__proto__=1', '#x') },
  );
  return fc
    .tuple(fc.tuple(...pathNames.map((each) => segment(each, known, costly))), query)
    .map(([segments, suffix]) => {
      const given = segments.values();
      return call.template.replace(/\{\w+\}/g, () => given.next().value ?? '') + suffix;
    });
}

/** Requests of one call, the body of which fits, nearly fits, or does not at all. */
function requestTo(call: Call, find: (ref: string) => Schema, known: Known): Arbitrary<FuzzedRequest> {
  const right = valueOf(call.body ?? {}, find, known);
  const fitting = fc.oneof(
    { weight: 4, arbitrary: right.map(bytesOf) },
    { weight: 4, arbitrary: nearly(right).map(bytesOf) },
    { weight: 1, arbitrary: hostileValue.map(bytesOf) },
    { weight: 1, arbitrary: oddBody },
  );
  const noBody: Arbitrary<Buffer | undefined> = fc.constant(undefined);
  const body = call.body
    ? fc.oneof({ weight: 8, arbitrary: fitting }, { weight: 1, arbitrary: noBody })
    : fc.oneof({ weight: 8, arbitrary: noBody }, { weight: 1, arbitrary: oddBody });
  return fc
    .record({
      over: fc.constantFrom<FuzzedRequest['over'][]>('tcp', 'tcp', 'socket'),
      as: fc.oneof(
        { weight: 5, arbitrary: fc.constantFrom<Sender[]>('admin', 'member', 'member') },
        {
          weight: 5,
          arbitrary: fc.constantFrom<Sender[]>('other member', 'reader', 'scoped', 'stranger', 'nobody'),
        },
      ),
      method: fc.oneof(
        { weight: 12, arbitrary: fc.constant(call.method) },
        { weight: 1, arbitrary: fc.constantFrom(...methods) },
      ),
      target: targetOf(call, known),
      contentType: fc.oneof(
        { weight: 8, arbitrary: fc.constant('application/json') },
        { weight: 1, arbitrary: fc.constantFrom(...contentTypes) },
      ),
      headers: oddHeaders,
      body,
      manner: fc.oneof(
        { weight: 20, arbitrary: fc.constant<Manner>('whole') },
        { weight: 1, arbitrary: fc.constantFrom<Manner[]>('chunked', 'broken off', 'left') },
      ),
    })
    .map(({ contentType, headers, ...rest }) => ({
      ...rest,
      headers: { ...(rest.body && { 'content-type': contentType }), ...headers },
    }));
}

export function requestsOf(document: OpenApi, known: Known): Arbitrary<FuzzedRequest> {
  const find = (ref: string): Schema => {
    const schema = document.components.schemas[ref.split('/').at(-1) ?? ''];
    if (!schema) throw new Error(`${ref} is not in the document.`);
    return schema;
  };
  const stray: Call = { method: 'GET', template: '/{id}', parameters: [], body: undefined };
  const calls = [...callsOf(document), stray];
  return fc.oneof(...calls.map((call) => requestTo(call, find, known)));
}
