/** What requests leave in the audit log: routes say by their `config` what they do, handlers to which instance. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Audit } from '../audit.ts';
import type { AuditAction, AuditEntry } from '../contract/audit.ts';
import type { InstanceRow } from '../drivers/registry.ts';
import { mayConnect, type User } from '../rights.ts';
import { addressOf } from './rate-limit.ts';

type Subject = Pick<InstanceRow, 'id' | 'template' | 'name'>;

interface Trail {
  subject?: Subject;
  /** Of which the answer has the credentials. */
  shown: readonly Subject[];
  /** Of the error that was answered. */
  code?: string;
}

declare module 'fastify' {
  interface FastifyRequest {
    trail: Trail | undefined;
  }
  interface FastifyContextConfig {
    audit?: AuditAction;
  }
}

/** As web servers log it when nobody waited for the answer. */
const hungUp = 499;

const trailOf = (request: FastifyRequest): Trail => (request.trail ??= { shown: [] });

/** Says of which instance a request is. */
export function noteSubject(request: FastifyRequest, { id, template, name }: Subject): void {
  trailOf(request).subject = { id, template, name };
}

/** Says which of these instances' credentials go out with the answer. */
export function noteShown(request: FastifyRequest, user: User, rows: readonly InstanceRow[]): void {
  trailOf(request).shown = rows.filter((row) => mayConnect(user, row));
}

export function noteFailure(request: FastifyRequest, code: string): void {
  trailOf(request).code = code;
}

/** To be called before routes are added. */
export function auditRequests(app: FastifyInstance, audit: Audit): void {
  app.decorateRequest('trail', undefined);
  app.addHook('onRequest', (request, reply, done) => {
    // Also when the client hangs up.
    reply.raw.once('close', () => write(audit, request, reply));
    done();
  });
}

function write(audit: Audit, request: FastifyRequest, reply: FastifyReply): void {
  const status = reply.raw.writableFinished ? reply.raw.statusCode : hungUp;
  const { user, trail } = request;
  const from = {
    at: new Date().toISOString(),
    user: user?.name ?? null,
    token: user?.token ? (user.token.name ?? user.token.id) : null,
    address: addressOf(request),
    status,
    code: trail?.code ?? null,
  };
  const nothing = { template: null, name: null, instance: null };
  const action = status === 401 ? 'refused' : request.routeOptions.config.audit;
  if (action !== undefined) audit.add({ ...from, action, ...nothing, ...subjectOf(request) });
  // Who makes one sees its credentials.
  if (action === 'create') return;
  for (const { id, template, name } of trail?.shown ?? [])
    audit.seen({ ...from, action: 'credentials', template, name, instance: id });
}

/** What a handler has said, or else what the request itself names. */
function subjectOf(request: FastifyRequest): Partial<Pick<AuditEntry, 'template' | 'name' | 'instance'>> {
  const subject = request.trail?.subject;
  if (subject) return { template: subject.template, name: subject.name, instance: subject.id };
  const { params, body } = request;
  const named = { ...objectOf(params), ...objectOf(body) } as Record<string, unknown>;
  const text = (key: string) => (typeof named[key] === 'string' ? named[key].slice(0, 140) : null);
  return { template: text('template'), name: text('name'), instance: text('id') };
}

const objectOf = (value: unknown): object => (typeof value === 'object' && value !== null ? value : {});
