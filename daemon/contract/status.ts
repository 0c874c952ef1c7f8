/** How the daemon and its host are. */
import { Type, type Static } from 'typebox';
import { named, nullable, time } from './schema.ts';

export const Role = Type.Enum(['admin', 'member', 'read-only']);
export type Role = Static<typeof Role>;

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
        upgrades: Type.Boolean({ description: 'Whether it opens the data of older versions' }),
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
      {
        checkedAt: nullable(Type.String()),
        durationMs: nullable(Type.Number({ description: 'How long it took, with what was mended' })),
        findings: Type.Array(named(Finding)),
      },
      { description: 'When registry, Docker and disk were compared last, and what was found of late' },
    ),
  },
  { $id: 'Status' },
);
export type Status = Static<typeof Status>;
