/** Who did what. */
import { Type, type Static } from 'typebox';
import { nullable, time } from './schema.ts';

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
