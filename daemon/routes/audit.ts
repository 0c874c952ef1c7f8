import { Type } from 'typebox';
import type { Audit } from '../audit.ts';
import { AuditEntry } from '../contract/audit.ts';
import { named } from '../contract/schema.ts';
import { errors } from '../errors/errors.ts';
import { parseTtlSeconds } from '../instances/leases.ts';
import { userOf } from '../plugins/auth.ts';
import { checkIsAdmin } from '../rights.ts';
import type { App } from './app.ts';
import { failing } from './failing.ts';

const defaultLimit = 100;
const maxLimit = 10_000;

const text = (description: string) => Type.Optional(Type.String({ description }));

export function auditRoutes(app: App, audit: Audit): void {
  app.get(
    '/v1/audit',
    {
      schema: {
        summary: 'Who did what, the newest first (admin)',
        querystring: Type.Object({
          user: text('Who did it'),
          action: text('What was done'),
          instance: text("An instance's id, name, or template/name; also of one that is gone"),
          since: text('An RFC 3339 time, or how long ago: "2h", "7d"'),
          until: text('The same'),
          limit: text(`How many at most; default: ${String(defaultLimit)}, most: ${String(maxLimit)}`),
        }),
        response: { 200: Type.Object({ entries: Type.Array(named(AuditEntry)) }), ...failing() },
      },
    },
    async (request) => {
      checkIsAdmin(userOf(request), 'read the audit log');
      const { since, until, limit, ...filter } = request.query;
      const entries = audit.find({
        ...filter,
        since: momentOf(since),
        until: momentOf(until),
        limit: limitOf(limit),
      });
      return Promise.resolve({ entries });
    },
  );
}

function limitOf(limit: string | undefined): number {
  if (limit === undefined) return defaultLimit;
  const number = /^\d{1,5}$/.test(limit) ? Number(limit) : 0;
  if (number < 1 || number > maxLimit)
    throw errors.badRequest(`limit is not a number from 1 to ${String(maxLimit)}.`);
  return number;
}

function momentOf(when: string | undefined): string | undefined {
  if (when === undefined) return undefined;
  if (/^\d{4}-\d\d-\d\d(T[\d:.]+(Z|[+-]\d\d:\d\d))?$/.test(when) && !Number.isNaN(Date.parse(when)))
    return new Date(when).toISOString();
  const seconds = parseTtlSeconds(when);
  if (seconds === null) return undefined;
  return new Date(Date.now() - seconds * 1000).toISOString();
}
