/**
 * What the daemon and its clients agree on. Validation, serialisation, the OpenAPI document and the extension's
 * types all come from these schemas. Times are RFC 3339 strings.
 */
import { Type, type Static, type TSchema } from 'typebox';

const nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
/** A schema by its `$id`, so that the OpenAPI document says it once. `schemas`, below, has all that are referred to. */
export const named = <T extends TSchema & { $id?: string }>(schema: T) =>
  Type.Unsafe<Static<T>>({ $ref: `${schema.$id ?? ''}#` });
const time = (description: string) => Type.String({ format: 'date-time', description });

export const Role = Type.Enum(['admin', 'member', 'read-only']);
export type Role = Static<typeof Role>;

export const InstanceState = Type.Enum([
  'creating',
  'ready',
  'asleep',
  'waking',
  'resetting',
  'deleting',
  'failed',
]);
export type InstanceState = Static<typeof InstanceState>;

export const Instance = Type.Object(
  {
    id: Type.String(),
    template: Type.String(),
    version: Type.String({ description: 'The version of the template it was cloned from' }),
    name: Type.String(),
    owner: Type.String(),
    state: InstanceState,
    failure: Type.Optional(Type.String({ description: 'Why it failed; only when state is "failed"' })),
    engine: Type.String(),
    host: Type.String(),
    port: Type.Integer(),
    database: Type.String(),
    user: Type.String(),
    password: Type.Optional(Type.String({ description: 'Only for its owner and for admins' })),
    url: Type.Optional(
      Type.String({ description: 'Connection URL with the password; only for its owner and for admins' }),
    ),
    createdAt: time('When it was asked for'),
    expiresAt: nullable(time('When it will be deleted; null: never')),
    protected: Type.Boolean({
      description: 'A protected instance is not deleted before its protection is taken off',
    }),
    sizeBytes: Type.Integer({ description: 'Size of the data in it when it was cloned' }),
    disk: Type.Optional(
      Type.Object(
        {
          usedBytes: Type.Integer(),
          limitBytes: Type.Integer(),
          full: Type.Boolean({ description: 'Its server can write no more, or hardly' }),
        },
        { description: 'What it has written since it was cloned; only while it is awake and limited' },
      ),
    ),
    createMs: nullable(Type.Integer({ description: 'From the request to the first answered query' })),
    from: Type.Enum(['pool', 'snapshot'], {
      description: 'Whether it was there before it was asked for, or made then',
    }),
  },
  { $id: 'Instance' },
);
export type Instance = Static<typeof Instance>;

export const TablesProgress = Type.Object(
  {
    done: Type.Integer({ description: 'Large tables whose rows are in' }),
    waiting: Type.Integer({ description: 'Large tables whose turn has not come' }),
    loading: Type.Array(Type.Object({ name: Type.String(), rows: Type.Integer() }), {
      description: 'Large tables that are being loaded, and how many rows of each are on their way',
    }),
  },
  { $id: 'TablesProgress' },
);
export type TablesProgress = Static<typeof TablesProgress>;

export const LoadSummary = Type.Object(
  {
    tables: Type.Integer({ description: 'Large tables, loaded side by side' }),
    rows: Type.Integer({ description: 'Rows in them' }),
    bytes: Type.Integer({ description: 'Size of their rows in the dump, unpacked' }),
    seconds: Type.Number(),
    kept: Type.Optional(
      Type.Integer({
        description: 'Tables that are as they were in the version before, and were not loaded',
      }),
    ),
    plain: Type.Array(Type.Object({ table: Type.String(), why: Type.String() }), {
      description: 'Large tables that were loaded by the plain client, slower, and why',
    }),
  },
  { $id: 'LoadSummary' },
);
export type LoadSummary = Static<typeof LoadSummary>;

export const Progress = Type.Object(
  {
    phase: Type.String({ description: 'What the import is doing now' }),
    doneBytes: Type.Integer({ description: 'Bytes of the dump file loaded so far' }),
    totalBytes: Type.Integer({ description: 'Size of the dump file' }),
    secondsLeft: nullable(Type.Number({ description: 'Estimate for loading the rest of the dump' })),
    tables: Type.Optional(named(TablesProgress)),
  },
  { $id: 'Progress' },
);
export type Progress = Static<typeof Progress>;

export const Failure = Type.Object(
  { code: Type.String(), message: Type.String(), hint: Type.String() },
  { $id: 'Failure' },
);
export type Failure = Static<typeof Failure>;

export const ImportedContents = Type.Object(
  {
    tables: Type.Integer(),
    rows: Type.Integer({ description: 'As the server estimates them' }),
    sizeBytes: Type.Integer({ description: 'Of the data directory' }),
  },
  { $id: 'ImportedContents' },
);
export type ImportedContents = Static<typeof ImportedContents>;

export const ImportState = Type.Enum(['queued', 'running', 'imported', 'unchanged', 'failed', 'cancelled']);
export type ImportState = Static<typeof ImportState>;

export const Import = Type.Object(
  {
    template: Type.String(),
    dump: Type.String({ description: 'File name in the dumps directory' }),
    state: ImportState,
    progress: nullable(named(Progress)),
    error: nullable(named(Failure)),
    version: nullable(Type.String({ description: 'The version it made' })),
    contents: Type.Optional(named(ImportedContents)),
    seconds: nullable(Type.Number({ description: 'How long it took' })),
    summary: Type.Optional(named(LoadSummary)),
  },
  { $id: 'Import' },
);
export type Import = Static<typeof Import>;

export const JobState = Type.Enum(['running', 'succeeded', 'failed', 'cancelled']);
export type JobState = Static<typeof JobState>;

export const Job = Type.Object(
  {
    id: Type.String(),
    state: JobState,
    startedAt: time('When it was asked for'),
    finishedAt: nullable(time('When its last import ended')),
    imports: Type.Array(named(Import)),
  },
  { $id: 'Job' },
);
export type Job = Static<typeof Job>;

export const Version = Type.Object(
  {
    version: Type.String(),
    importedAt: time('When it was published'),
    sizeBytes: Type.Integer(),
    dump: Type.String(),
    dumpModifiedAt: time("The dump's modification time: how old the data is"),
    engineVersion: Type.String(),
    databases: Type.Array(Type.String()),
    instances: Type.Integer({ description: 'Instances cloned from it' }),
  },
  { $id: 'Version' },
);
export type Version = Static<typeof Version>;

export const Pool = Type.Object(
  {
    ready: Type.Integer({ description: 'Instances made ahead of time, to be had at once' }),
    making: Type.Integer(),
    target: Type.Integer({ description: 'How many there should be, as demand is now' }),
  },
  { $id: 'Pool' },
);
export type Pool = Static<typeof Pool>;

export const Template = Type.Object(
  {
    name: Type.String(),
    engine: Type.String(),
    current: nullable(
      Type.String({ description: 'The version new instances are cloned from; null before the first import' }),
    ),
    sizeBytes: Type.Integer(),
    importedAt: nullable(time('When the current version was published')),
    versions: Type.Array(named(Version), { description: 'Newest first' }),
    import: nullable(named(Import)),
    pool: named(Pool),
  },
  { $id: 'Template' },
);
export type Template = Static<typeof Template>;

export const Volume = Type.Object(
  {
    name: Type.String({ description: 'As Docker has it' }),
    template: Type.String(),
    version: Type.String(),
    engine: Type.String(),
    database: Type.String(),
    user: Type.String(),
    password: Type.Optional(Type.String({ description: 'Only for admins' })),
    sizeBytes: Type.Integer({ description: 'Size of the data in it when it was cloned' }),
    createdAt: time('When it was made'),
  },
  { $id: 'Volume' },
);
export type Volume = Static<typeof Volume>;

export const Finding = Type.Object(
  {
    kind: Type.String({ description: 'Such as "data-gone", "stray-server", "unknown-data"' }),
    subject: Type.String({ description: 'The instance, container or path in question' }),
    detail: Type.String(),
    remedy: Type.String({ description: 'For people; empty when nothing is to be done' }),
    outcome: Type.Enum(['mended', 'kept', 'failed'], {
      description: 'kept: left as it is, for people to decide',
    }),
    at: Type.String(),
  },
  { $id: 'Finding', description: 'Where registry, Docker and disk disagreed' },
);
export type Finding = Static<typeof Finding>;

export const Status = Type.Object(
  {
    version: Type.String(),
    host: Type.String(),
    user: Type.Object({
      name: Type.String(),
      admin: Type.Boolean(),
      role: Role,
      templates: nullable(
        Type.Array(Type.String(), { description: 'All there is for this token; null: every template' }),
      ),
      tokenExpiresAt: nullable(time('From then on the token counts no more; null: never')),
    }),
    engines: Type.Array(
      Type.Object({
        name: Type.String(),
        series: Type.String({ description: 'Such as "11.8"' }),
        image: Type.String(),
        imageReason: Type.String(),
      }),
      { description: 'The server images of this host; others are had when an import needs them' },
    ),
    gate: Type.Enum(['connected', 'absent']),
    capacity: Type.Object({
      portsTotal: Type.Integer(),
      portsFree: Type.Integer(),
      diskTotalBytes: Type.Integer(),
      diskFreeBytes: Type.Integer(),
      diskReserveBytes: Type.Integer({ description: 'Below it nothing is made' }),
      diskLimit: nullable(
        Type.Object({
          bytes: Type.Integer({ description: 'What one instance may write' }),
          heldBy: Type.Enum(['kernel', 'watch'], {
            description: 'Whether writing more fails, or is noticed within seconds',
          }),
        }),
      ),
      memoryTotalBytes: Type.Integer(),
      memoryAvailableBytes: Type.Integer(),
      memoryReserveBytes: Type.Integer({ description: 'Below it no server is started' }),
    }),
    pool: Type.Object({ ready: Type.Integer(), making: Type.Integer() }),
    sleepAfterSeconds: nullable(
      Type.Integer({ description: 'An instance without connections sleeps after this; null: never' }),
    ),
    counts: Type.Object({ templates: Type.Integer(), instances: Type.Record(Type.String(), Type.Integer()) }),
    defaultTtlSeconds: nullable(
      Type.Integer({ description: 'Lease of an instance that asks for none; null: never ends' }),
    ),
    reconciled: Type.Object(
      { checkedAt: nullable(Type.String()), findings: Type.Array(named(Finding)) },
      { description: 'When registry, Docker and disk were compared last, and what was found of late' },
    ),
  },
  { $id: 'Status' },
);
export type Status = Static<typeof Status>;

export const AuditAction = Type.Enum([
  'create',
  'credentials',
  'change',
  'reset',
  'sleep',
  'wake',
  'delete',
  'expire',
  'log',
  'import',
  'cancel-import',
  'delete-template',
  'user',
  'refused',
]);
export type AuditAction = Static<typeof AuditAction>;

export const AuditEntry = Type.Object(
  {
    at: time('When it ended'),
    user: nullable(Type.String({ description: 'Who did it; null: nobody that is known, or MyAAS itself' })),
    token: nullable(Type.String({ description: "The token's name, or its id when it has none" })),
    address: nullable(Type.String({ description: 'From where; "socket": by the Unix socket' })),
    action: AuditAction,
    template: nullable(Type.String()),
    name: nullable(
      Type.String({ description: 'The instance\'s; of "user" what was done to whom, such as "add alice"' }),
    ),
    instance: nullable(Type.String({ description: "The instance's id" })),
    status: Type.Integer({ description: 'HTTP status that was answered; 499: nobody waited for it' }),
    code: nullable(Type.String({ description: 'Code of the error that was answered' })),
  },
  { $id: 'AuditEntry' },
);
export type AuditEntry = Static<typeof AuditEntry>;

export const ErrorBody = Type.Object(
  {
    error: Type.Object({
      code: Type.String(),
      message: Type.String(),
      hint: Type.String(),
      requestId: Type.String(),
    }),
  },
  { $id: 'Error' },
);
export type ErrorBody = Static<typeof ErrorBody>;

/** A lease: seconds, "8h", "7d", "never". Its range is checked in one place, `leases.ts`. */
const Ttl = Type.Union([Type.Number(), Type.String({ maxLength: 40 })], {
  description: 'Seconds, or a number with s, m, h, d or w ("8h", "7d"), or "never"',
});

export const CreateInstance = Type.Object(
  {
    template: Type.String(),
    name: Type.String(),
    ttl: Type.Optional(Ttl),
    version: Type.Optional(Type.String()),
  },
  { $id: 'CreateInstance', additionalProperties: false },
);
export type CreateInstance = Static<typeof CreateInstance>;

export const PatchInstance = Type.Object(
  {
    ttl: Type.Optional(Ttl),
    expiresAt: Type.Optional(nullable(Type.String())),
    protected: Type.Optional(Type.Boolean()),
  },
  { $id: 'PatchInstance', additionalProperties: false },
);
export type PatchInstance = Static<typeof PatchInstance>;

export const ResetInstance = Type.Object(
  {
    version: Type.Optional(
      Type.String({ description: 'A version, or "latest"; default: the version it was cloned from' }),
    ),
  },
  { $id: 'ResetInstance', additionalProperties: false },
);
export type ResetInstance = Static<typeof ResetInstance>;

export const RefreshTemplates = Type.Object(
  { templates: Type.Optional(Type.Array(Type.String())), force: Type.Optional(Type.Boolean()) },
  { $id: 'RefreshTemplates', additionalProperties: false },
);
export type RefreshTemplates = Static<typeof RefreshTemplates>;

/** Every schema with a name. */
export const schemas: readonly TSchema[] = [
  Instance,
  Template,
  Pool,
  Version,
  Import,
  ImportedContents,
  Progress,
  TablesProgress,
  LoadSummary,
  Failure,
  Job,
  Finding,
  Status,
  AuditEntry,
  ErrorBody,
  CreateInstance,
  PatchInstance,
  ResetInstance,
  RefreshTemplates,
  Volume,
];

/** What `GET /v1/events` sends; `id:` is to be given back as `Last-Event-ID`. */
export type MyaasEvent =
  /** The past is not known (a new daemon, or too long ago): read everything anew. */
  | { readonly type: 'hello'; readonly resumed: boolean }
  | { readonly type: 'instance'; readonly instance: Instance }
  | {
      readonly type: 'instance-deleted';
      readonly id: string;
      readonly template: string;
      readonly name: string;
    }
  | { readonly type: 'template'; readonly template: Template }
  | { readonly type: 'template-deleted'; readonly name: string }
  | { readonly type: 'job'; readonly job: Job };
