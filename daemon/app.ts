/** The HTTP API as a Fastify instance: everything but listening. */
import swagger from '@fastify/swagger';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import Fastify, { LogController, type FastifyBaseLogger } from 'fastify';
import { randomUUID } from 'node:crypto';
import { Type } from 'typebox';
import type { Audit } from './audit.ts';
import { schemas } from './contract/contract.ts';
import type { Docker } from './drivers/docker.ts';
import type { Events } from './events.ts';
import type { Metrics } from './metrics.ts';
import { auditRequests } from './plugins/audit.ts';
import { requireUser, type Authenticator } from './plugins/auth.ts';
import { refusePages } from './plugins/browser.ts';
import { sendFailure, useErrorEnvelope } from './plugins/errors.ts';
import { refuseNonsense } from './plugins/nonsense.ts';
import { legacyPlugin } from './plugins/legacy.ts';
import { rateLimits } from './plugins/rate-limit.ts';
import { sharedSerializers } from './plugins/serializers.ts';
import type { App } from './routes/app.ts';
import { auditRoutes } from './routes/audit.ts';
import { eventRoutes } from './routes/events.ts';
import { failingForAll } from './routes/failing.ts';
import { instanceRoutes, type InstanceRoutesDeps } from './routes/instances.ts';
import { statusRoutes, type StatusOf } from './routes/status.ts';
import { templateRoutes } from './routes/templates.ts';
import { volumeRoutes } from './routes/volumes.ts';
import type { Sessions } from './sessions.ts';
import type { ImportJobs } from './templates/jobs.ts';
import type { Templates } from './templates/templates.ts';
import type { Volumes } from './volumes/volumes.ts';

export interface AppDeps extends InstanceRoutesDeps {
  readonly version: string;
  readonly logger: FastifyBaseLogger;
  readonly authenticator: Authenticator;
  readonly templates: Templates;
  readonly jobs: ImportJobs;
  readonly volumes: Volumes;
  readonly events: Events;
  readonly docker: Docker;
  readonly legacyUser: string | undefined;
  /** What this host is called in URLs, besides its addresses. */
  readonly ownNames: readonly string[];
  readonly sessions: Sessions;
  readonly audit: Audit;
  /** Requests of one token; 0: no limits. */
  readonly requestsPerMinute: number;
  readonly statusOf: StatusOf;
  readonly metrics: Metrics;
  /** Returns when all that was changed so far has come to the disk. */
  readonly flush: () => Promise<void>;
  /** Ends the event streams, which would else keep the daemon from stopping. */
  readonly stopping: AbortSignal;
}

const bodyLimitBytes = 64 * 1024;
export const requestTimeoutMs = 60_000;

export async function buildApp(deps: AppDeps): Promise<App> {
  const app: App = Fastify({
    loggerInstance: deps.logger,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: () => randomUUID(),
    bodyLimit: bodyLimitBytes,
    // Event streams and idle clients do not keep the daemon from stopping; work has ended by then.
    forceCloseConnections: true,
    // As long as Node lets a request's head be: what a name may be is for `names.ts` to say.
    routerOptions: { maxParamLength: 16_384 },
    // As long as a client may take to send its request; who never ends must not stay.
    requestTimeout: requestTimeoutMs,
    // What is no HTTP comes to no route, and to no error handler.
    clientErrorHandler: refuseNonsense,
    // What is wrong with a URL is found before any route, and so before the error handler below.
    frameworkErrors: (error, request, reply) => void sendFailure(error, request, reply),
    // A client's mistake is told, not mended silently.
    ajv: { customOptions: { removeAdditional: false, coerceTypes: false } },
    schemaController: { compilersFactory: { buildSerializer: sharedSerializers() } },
  }).withTypeProvider<TypeBoxTypeProvider>();

  app.decorateRequest('user', undefined);
  // JSON is all that is spoken here.
  app.removeContentTypeParser('text/plain');
  // Many clients name the type of a body that they don't send.
  const parseJson = app.getDefaultJsonParser('error', 'error');
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') done(null, null);
    else void parseJson(request, body as string, done);
  });
  useErrorEnvelope(app);
  auditRequests(app, deps.audit);
  refusePages(app, deps.ownNames);
  const limits = await rateLimits(app, deps.requestsPerMinute);
  const access = { ...deps, limits };
  // What is answered has been done, and stays done. A failure promises nothing, and may be that this can't be had.
  app.addHook('onSend', async ({ method }, { statusCode }) => {
    if (method !== 'GET' && method !== 'HEAD' && statusCode < 400) await deps.flush();
  });
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'MyAAS',
        version: deps.version,
        description: 'Private, full-size, running databases, cloned in the blink of an eye.',
      },
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
      security: [{ token: [] }],
    },
    refResolver: { buildLocalReference: ({ $id }) => $id as string },
  });
  for (const schema of schemas) app.addSchema(schema);

  const health = {
    summary: 'Whether the daemon answers; for all, without a token',
    security: [],
    response: { 200: Type.Object({ status: Type.Literal('ok') }), ...failingForAll() },
  };
  app.get('/healthz', { schema: health, onRequest: limits.open }, async () =>
    Promise.resolve({ status: 'ok' as const }),
  );
  const document = {
    summary: 'This document; for all, without a token',
    security: [],
    response: { 200: Type.Object({}, { additionalProperties: true }), ...failingForAll() },
  };
  app.get('/v1/openapi.json', { schema: document, onRequest: limits.open }, async () =>
    Promise.resolve(app.swagger()),
  );

  await app.register(async (scope: App) => {
    requireUser(scope, access);
    statusRoutes(scope, deps.statusOf, deps.metrics);
    templateRoutes(scope, deps.templates, deps.jobs);
    instanceRoutes(scope, deps);
    volumeRoutes(scope, deps.volumes);
    auditRoutes(scope, deps.audit);
    eventRoutes(scope, deps.events, deps.stopping);
    return Promise.resolve();
  });
  await app.register(async (scope: App) => legacyPlugin(scope, { ...deps, ...access }));
  return app;
}
