/** The HTTP API as a Fastify instance: everything but listening. */
import swagger from '@fastify/swagger';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import Fastify, {
  LogController,
  type FastifyBaseLogger,
  type FastifyInstance,
  type RawServerDefault,
} from 'fastify';
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Docker } from './drivers/docker.ts';
import type { Events } from './events.ts';
import type { Builder } from './instances/builder.ts';
import type { Instances } from './instances/instances.ts';
import { requireUser, type Authenticator } from './plugins/auth.ts';
import { useErrorEnvelope } from './plugins/errors.ts';
import { legacyPlugin } from './plugins/legacy.ts';
import { eventRoutes } from './routes/events.ts';
import { instanceRoutes } from './routes/instances.ts';
import { statusRoutes, type StatusOf } from './routes/status.ts';
import { templateRoutes } from './routes/templates.ts';
import type { ImportJobs } from './templates/jobs.ts';
import type { Templates } from './templates/templates.ts';

export type App = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

export interface AppDeps {
  readonly version: string;
  readonly logger: FastifyBaseLogger;
  readonly authenticator: Authenticator;
  readonly instances: Instances;
  readonly builder: Builder;
  readonly templates: Templates;
  readonly jobs: ImportJobs;
  readonly events: Events;
  readonly docker: Docker;
  readonly legacyUser: string | undefined;
  readonly statusOf: StatusOf;
  /** Ends the event streams, which would else keep the daemon from stopping. */
  readonly stopping: AbortSignal;
}

const bodyLimitBytes = 64 * 1024;

export async function buildApp(deps: AppDeps): Promise<App> {
  const app: App = Fastify({
    loggerInstance: deps.logger,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: () => randomUUID(),
    bodyLimit: bodyLimitBytes,
    // Event streams and idle clients do not keep the daemon from stopping; work has ended by then.
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 512 },
    // A client's mistake is told, not mended silently.
    ajv: { customOptions: { removeAdditional: false, coerceTypes: false } },
  }).withTypeProvider<TypeBoxTypeProvider>();

  app.decorateRequest('user', undefined);
  useErrorEnvelope(app);
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
  });

  app.get('/healthz', { schema: { security: [] } }, async () => Promise.resolve({ status: 'ok' }));
  app.get('/v1/openapi.json', { schema: { hide: true } }, async () => Promise.resolve(app.swagger()));

  await app.register(async (scope: App) => {
    requireUser(scope, deps.authenticator);
    statusRoutes(scope, deps.statusOf);
    templateRoutes(scope, deps.templates, deps.jobs);
    instanceRoutes(scope, deps.instances, deps.builder);
    eventRoutes(scope, deps.events, deps.stopping);
    return Promise.resolve();
  });
  await app.register(async (scope: App) => legacyPlugin(scope, deps));
  return app;
}
