/**
 * The API of the original MyAAS (habitissimo/myaas, server.py), for scripts that exist: same paths, fields and types.
 * Its errors are `{"status": "…"}`. It wants a token too, unless the operator named a user for it.
 */
import formbody from '@fastify/formbody';
import type { FastifyError, FastifyReply } from 'fastify';
import type { App } from '../routes/app.ts';
import type { InstanceRow } from '../drivers/registry.ts';
import { checkMayChange, checkMaySee, maySee, type User } from '../rights.ts';
import type { ContainerInfo, Docker } from '../drivers/docker.ts';
import type { MyaasError } from '../errors/error.ts';
import { errors } from '../errors/errors.ts';
import type { Builder } from '../instances/builder.ts';
import type { Instances } from '../instances/instances.ts';
import type { Ledger } from '../instances/ledger.ts';
import { refOf } from '../instances/view.ts';
import type { Templates } from '../templates/templates.ts';
import { noteFailure, noteShown, noteSubject } from './audit.ts';
import { requireUser, userOf, type Access } from './auth.ts';
import { asMyaasError, challenge, hearOut, logFailure } from './errors.ts';
import { hangUpSignal } from './hangup.ts';

export interface LegacyDeps extends Access {
  readonly ledger: Ledger;
  readonly instances: Instances;
  readonly templates: Templates;
  readonly docker: Docker;
  readonly builder: Builder;
  readonly legacyUser: string | undefined;
}

interface Ref {
  template: string;
  name: string;
}

/** `expires_at` was Python's `str(datetime.timestamp())`: seconds with microseconds, as text. */
const expiresAtOf = (row: InstanceRow) =>
  row.expiresAt === null ? {} : { expires_at: (Date.parse(row.expiresAt) / 1000).toFixed(6) };
const statusOf = ({ state }: InstanceRow, container: ContainerInfo | undefined): string =>
  state === 'asleep' ? 'Asleep, wakes on connect' : (container?.status ?? 'Not running');
const createdOf = (row: InstanceRow): number => Math.floor(Date.parse(row.createdAt) / 1000);

export async function legacyPlugin(app: App, deps: LegacyDeps): Promise<void> {
  const { ledger, instances, templates, docker, builder, legacyUser } = deps;

  // `requests.post(url)` and the like send bodies of any type, or empty ones.
  app.removeAllContentTypeParsers();
  await app.register(formbody);
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) => {
    const text = String(body).trim();
    try {
      done(null, text === '' ? undefined : JSON.parse(text));
    } catch {
      done(errors.badRequest('The body is not valid JSON.'));
    }
  });
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, _body, done) => done(null, undefined));

  const anonymous =
    legacyUser === undefined ? undefined : ({ name: legacyUser, role: 'member', templates: null } as const);
  requireUser(app, deps, anonymous);

  app.setErrorHandler<FastifyError>(async (thrown, request, reply) => {
    const error = asMyaasError(thrown);
    logFailure(request, thrown, error);
    noteFailure(request, error.code);
    if (error.code === 'MYAAS_INSTANCE_EXISTS') return notModified(reply);
    challenge(reply, error);
    await hearOut(request, error);
    const { status, message } = legacyErrorOf(error, request.params as Partial<Ref>);
    return reply.code(status).send({ status: message });
  });

  const rowOf = (user: User, { template, name }: Ref): InstanceRow =>
    ledger.findFor(user, `${template}/${name}`);
  const rowsOf = (user: User): InstanceRow[] => ledger.list().filter((row) => maySee(user, row.template));

  const show = async (row: InstanceRow, user: User) => {
    const { host, password } = ledger.view(row, user);
    const container = await builder.container(row.clone);
    return {
      database: row.databaseName,
      host,
      name: row.name,
      port: String(row.port),
      user: row.username,
      password: password ?? '',
      // Whoever connects finds it running.
      running: row.state === 'asleep' || (container?.running ?? false),
      status: statusOf(row, container),
      created: createdOf(row),
      ...expiresAtOf(row),
    };
  };

  app.get('/', { schema: { hide: true } }, async (request) =>
    Promise.resolve({
      status: 'Service is running',
      templates: published(templates, userOf(request)),
      databases: rowsOf(userOf(request)).map((row) => `${row.template},${row.name}`),
    }),
  );

  app.get('/templates', { schema: { hide: true } }, async (request) =>
    Promise.resolve({ templates: published(templates, userOf(request)) }),
  );

  app.get('/db', { schema: { hide: true } }, async (request) => {
    const containers = new Map((await docker.list()).map((container) => [container.id, container]));
    return {
      databases: rowsOf(userOf(request)).map((row) => ({
        template: row.template,
        name: row.name,
        state: statusOf(row, containers.get(row.clone)),
        created: createdOf(row),
        ...expiresAtOf(row),
      })),
    };
  });

  app.get<{ Params: Ref; Querystring: { all?: string } }>(
    '/db/:template/:name',
    { schema: { hide: true } },
    async (request) => {
      const user = userOf(request);
      const row = rowOf(user, request.params);
      if (!request.query.all) {
        noteShown(request, user, [row]);
        return show(row, user);
      }
      checkMayChange(user, row);
      const container = await builder.container(row.clone);
      if (!container) throw errors.instanceNotFound(refOf(row));
      return { container: await docker.inspect(container.containerId) };
    },
  );

  app.post<{ Params: Ref; Body: unknown }>(
    '/db/:template/:name',
    { schema: { hide: true }, config: { audit: 'create' } },
    async (request, reply) => {
      const user = userOf(request);
      checkMaySee(user, request.params.template);
      const ttl = legacyTtl(request.body);
      const row = await instances.create(
        user,
        { ...request.params, ...(ttl !== undefined && { ttl }) },
        hangUpSignal(reply),
      );
      noteSubject(request, row);
      return reply.code(201).send(await show(row, user));
    },
  );

  app.delete<{ Params: Ref }>(
    '/db/:template/:name',
    { schema: { hide: true }, config: { audit: 'delete' } },
    async (request, reply) => {
      const row = rowOf(userOf(request), request.params);
      noteSubject(request, row);
      checkMayChange(userOf(request), row);
      await instances.delete(row, false);
      return reply.code(204).removeHeader('content-type').send();
    },
  );
}

const published = (templates: Templates, user: User): string[] =>
  templates.list().flatMap(({ name, current }) => (current === null || !maySee(user, name) ? [] : [name]));

function notModified(reply: FastifyReply): FastifyReply {
  return reply.code(304).removeHeader('content-type').send();
}

/** The original took a falsy one for its default, and "0" in a form for ever. */
function legacyTtl(body: unknown): number | string | undefined {
  if (typeof body !== 'object' || body === null || !('ttl' in body)) return undefined;
  const { ttl } = body;
  if (ttl === null || ttl === '' || ttl === 0) return undefined;
  if (ttl === '0') return 'never';
  if (typeof ttl === 'number' || typeof ttl === 'string') return ttl;
  throw errors.badTtl(JSON.stringify(ttl), 'it is neither a number nor text');
}

function legacyErrorOf(error: MyaasError, { template }: Partial<Ref>): { status: number; message: string } {
  switch (error.code) {
    case 'MYAAS_TEMPLATE_IMPORTING':
      return { status: 423, message: 'Database not available, content is being imported.' };
    case 'MYAAS_TEMPLATE_NOT_FOUND':
      return { status: 404, message: `Template "${template ?? ''}" does not exist.` };
    case 'MYAAS_INSTANCE_NOT_FOUND':
      return { status: 404, message: 'Not found' };
    default:
      return { status: error.status, message: `${error.message} ${error.hint}` };
  }
}
