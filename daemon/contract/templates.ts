/** Templates with their versions, and the imports that make them. */
import { Type, type Static } from 'typebox';
import { named, nullable, time } from './schema.ts';

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
    partial: Type.Optional(
      Type.Integer({
        description:
          'Tables that begin as in the version before, and of which only the rows behind were loaded',
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

export const RefreshTemplates = Type.Object(
  { templates: Type.Optional(Type.Array(Type.String())), force: Type.Optional(Type.Boolean()) },
  { $id: 'RefreshTemplates', additionalProperties: false },
);
export type RefreshTemplates = Static<typeof RefreshTemplates>;
