/**
 * What `myaas serve` and `myaas gate` say to each other over the gate's Unix socket: JSON messages, one a line. The
 * gate speaks first (`hello`); serve answers with `sync`, and from then on asks by numbered requests. Unknown fields
 * are ignored, so that either side may be a little newer; whatever an older gate could not do raises `protocolVersion`.
 */
import { Type, type Static, type TSchema } from 'typebox';
import { Check } from 'typebox/value';

export const protocolVersion = 2;

/** Enough for a `sync` of every port there is; more is not one of ours talking. */
export const maxLineBytes = 32 * 2 ** 20;

const Id = Type.String({ minLength: 1, maxLength: 64 });
const Port = Type.Integer({ minimum: 1, maximum: 65_535 });
/** What a client's error message has room for (MYSQL_ERRMSG_SIZE, 512 bytes), and some. */
const Reason = Type.String({ maxLength: 1000 });
const RequestNumber = Type.Integer({ minimum: 0 });
/** No timer takes more. */
const Milliseconds = Type.Integer({ minimum: 1, maximum: 2 ** 31 - 1 });
const Errno = Type.String({ maxLength: 64 });

/** What clients of an instance speak. */
export const Protocol = Type.Enum(['mysql', 'postgres', 'redis']);
export type Protocol = Static<typeof Protocol>;

/** With what, and whether, clients of databases speak TLS. */
export const TlsTerms = Type.Object({
  /** PEM. */
  certificate: Type.String(),
  key: Type.String(),
  /** Those who do not are turned away. */
  required: Type.Boolean(),
});
export type TlsTerms = Readonly<Static<typeof TlsTerms>>;

export const Route = Type.Object({
  id: Id,
  port: Port,
  /** Path of the Unix socket that the instance's server listens on. */
  socket: Type.String({ minLength: 1, maxLength: 107 }),
  /**
   * `held`: nobody is connected and newcomers wait, because the server is being replaced. `asleep`: the same, and the
   * first newcomer is told to serve, by `wake`.
   */
  state: Type.Union([Type.Literal('open'), Type.Literal('held'), Type.Literal('asleep')]),
  /** In which clients are turned away; left out: MySQL's. */
  protocol: Type.Optional(Protocol),
  /** An open route without clients for so long is told to serve, by `idle`; left out: never. */
  idleAfterMs: Type.Optional(Milliseconds),
  /** One whose clients are connected, but have been silent for so long, too. */
  idleConnectedAfterMs: Type.Optional(Milliseconds),
});
export type Route = Readonly<Static<typeof Route>>;

/** A port that could not be opened, and the system's error code, such as `EADDRINUSE`. */
export const RouteFailure = Type.Object({ id: Id, port: Port, code: Errno });
export type RouteFailure = Readonly<Static<typeof RouteFailure>>;

/** Since the gate opened the port: a restarted gate counts from zero. */
export const RouteActivity = Type.Object({
  id: Id,
  /** Clients that are connected now, waiting ones included. */
  connections: Type.Integer({ minimum: 0 }),
  /** From the clients. */
  bytesIn: Type.Integer({ minimum: 0 }),
  /** To the clients. */
  bytesOut: Type.Integer({ minimum: 0 }),
  /** Unix time. Bytes count as carried when they are first seen in an answer to `stats`, so ask now and then. */
  lastActivityAtMs: Type.Number(),
});
export type RouteActivity = Readonly<Static<typeof RouteActivity>>;

/** From serve. Every request is answered once, by its number. */
export const ServeMessage = Type.Union([
  /** These routes and no others: answered by `synced`. */
  Type.Object({
    type: Type.Literal('sync'),
    request: RequestNumber,
    routes: Type.Array(Route),
    tls: Type.Optional(TlsTerms),
  }),
  /** The terms for clients that come from now on. */
  Type.Object({ type: Type.Literal('tls'), request: RequestNumber, tls: TlsTerms }),
  Type.Object({ type: Type.Literal('set'), request: RequestNumber, route: Route }),
  /** When it is answered, the port is free. */
  Type.Object({ type: Type.Literal('remove'), request: RequestNumber, id: Id }),
  /**
   * Lets nobody in and reads nothing more from those who are connected, until the next `set`; fails with `EBUSY` when
   * the route is not idle, unless `force` is given.
   */
  Type.Object({ type: Type.Literal('pause'), request: RequestNumber, id: Id, force: Type.Boolean() }),
  /** Sends away who waits for an instance that can't be woken, with this message for people. */
  Type.Object({ type: Type.Literal('refuse'), request: RequestNumber, id: Id, reason: Reason }),
  /** Answered by `activity`. */
  Type.Object({ type: Type.Literal('stats'), request: RequestNumber }),
  /** Said before the link is closed: this gate is not wanted. */
  Type.Object({ type: Type.Literal('refused'), reason: Type.String() }),
]);
export type ServeMessage = Static<typeof ServeMessage>;

const replies = [
  Type.Object({ type: Type.Literal('done'), request: RequestNumber }),
  Type.Object({ type: Type.Literal('failed'), request: RequestNumber, code: Errno }),
  Type.Object({ type: Type.Literal('synced'), request: RequestNumber, failures: Type.Array(RouteFailure) }),
  Type.Object({ type: Type.Literal('activity'), request: RequestNumber, routes: Type.Array(RouteActivity) }),
] as const;
export type Reply = Static<(typeof replies)[number]>;

/**
 * What the gate sees happen at a route. Lost while serve is away; told again as long as it is true, once serve is back.
 */
export const Sight = Type.Union([
  Type.Object({ type: Type.Literal('idle'), id: Id }),
  Type.Object({ type: Type.Literal('wake'), id: Id }),
]);
export type Sight = Readonly<Static<typeof Sight>>;

/** From the gate: replies, and what it says unasked. */
export const GateMessage = Type.Union([
  Type.Object({ type: Type.Literal('hello'), protocol: Type.Integer() }),
  ...replies,
  ...Sight.anyOf,
]);
export type GateMessage = Static<typeof GateMessage>;

/** The message in a line, or nothing when the line is not one. */
export function parseMessage<T extends TSchema>(schema: T, line: string): Static<T> | undefined {
  let message: unknown;
  try {
    message = JSON.parse(line);
  } catch {
    return undefined;
  }
  return Check(schema, message) ? message : undefined;
}

export function formatMessage(message: ServeMessage | GateMessage): string {
  return `${JSON.stringify(message)}\n`;
}
