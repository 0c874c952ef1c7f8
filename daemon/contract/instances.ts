/** Instances and volumes, and what is asked of them. */
import { Type, type Static } from 'typebox';
import { nullable, time } from './schema.ts';

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
    progress: Type.Optional(
      Type.String({
        description: 'What is being done to it; only while that takes its time, as an upgrade does',
      }),
    ),
    engine: Type.String(),
    engineSeries: Type.Optional(Type.String({ description: 'Version of its server, such as "11.8"' })),
    upgradedFrom: Type.Optional(
      Type.String({ description: "Version of its template's server, where its own is newer" }),
    ),
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
    engineVersion: Type.Optional(
      Type.String({
        maxLength: 40,
        description: `Version of the server that it is to have, such as "11.8", where that is newer than the template's: its data is upgraded, and again at each reset`,
      }),
    ),
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
