/**
 * Docker's volume plugin protocol, version 1: JSON by POST on a Unix socket in a directory that Docker Engine looks
 * into. Only root, which Docker Engine is, may connect. Source: docs.docker.com/engine/extend/plugins_volume.
 */
import { mkdir } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import Fastify, { LogController, type FastifyBaseLogger } from 'fastify';
import { Type } from 'typebox';
import type { VolumeRow } from '../drivers/registry-volumes.ts';
import { listenPrivately } from '../gate/private-socket.ts';
import { asMyaasError, logFailure } from '../plugins/errors.ts';
import type { App } from '../routes/app.ts';
import type { Volumes } from './volumes.ts';

/** Where Docker Engine finds plugins by the name of their socket (docs.docker.com/engine/extend/plugin_api). */
const pluginDirectory = '/run/docker/plugins';
const contentType = 'application/vnd.docker.plugins.v1.2+json';

const Named = Type.Object({ Name: Type.String() });
const Creating = Type.Object({
  Name: Type.String(),
  Opts: Type.Optional(Type.Union([Type.Record(Type.String(), Type.String()), Type.Null()])),
});

/** Answers what Docker Engine asks of a volume driver. */
export function buildVolumePlugin(volumes: Volumes, logger: FastifyBaseLogger): App {
  const app: App = Fastify({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true }),
    forceCloseConnections: true,
  }).withTypeProvider<TypeBoxTypeProvider>();
  // Some requests have no body, and Docker names its own type of those that have one.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => {
    try {
      done(null, body === '' ? {} : JSON.parse(body as string));
    } catch (error) {
      done(error as Error);
    }
  });
  app.addHook('onSend', async (_request, reply) => {
    reply.header('content-type', contentType);
    return Promise.resolve();
  });
  app.setErrorHandler<Error>(async (thrown, request, reply) => {
    const error = asMyaasError(thrown);
    logFailure(request, thrown, error);
    return reply.code(500).send({ Err: `${error.message} ${error.hint}` });
  });

  const described = (row: VolumeRow) => ({
    Name: row.name,
    Mountpoint: volumes.mountpointOf(row),
    CreatedAt: row.createdAt,
    Status: { template: row.template, version: row.version, engine: row.engine },
  });
  const done = { Err: '' };

  app.post('/Plugin.Activate', async () => Promise.resolve({ Implements: ['VolumeDriver'] }));
  app.post('/VolumeDriver.Capabilities', async () => Promise.resolve({ Capabilities: { Scope: 'local' } }));
  app.post('/VolumeDriver.List', async () =>
    Promise.resolve({ Volumes: volumes.list().map(described), ...done }),
  );
  app.post('/VolumeDriver.Create', { schema: { body: Creating } }, async ({ body }) => {
    await volumes.create(body.Name, body.Opts ?? {});
    return done;
  });
  app.post('/VolumeDriver.Get', { schema: { body: Named } }, async ({ body }) =>
    Promise.resolve({ Volume: described(volumes.get(body.Name)), ...done }),
  );
  app.post('/VolumeDriver.Remove', { schema: { body: Named } }, async ({ body }) => {
    await volumes.remove(body.Name);
    return done;
  });
  // The data lies there all the time: nothing is to be mounted, and nothing to be unmounted.
  for (const path of ['/VolumeDriver.Mount', '/VolumeDriver.Path']) {
    app.post(path, { schema: { body: Named } }, async ({ body }) =>
      Promise.resolve({ Mountpoint: volumes.mountpointOf(volumes.get(body.Name)), ...done }),
    );
  }
  app.post('/VolumeDriver.Unmount', async () => Promise.resolve(done));
  return app;
}

/** Offers a volume driver under a name; returns what ends that. Throws `MYAAS_HOST_NOT_READY`. */
export async function offerVolumes(app: App, driver: string): Promise<() => Promise<void>> {
  await mkdir(pluginDirectory, { recursive: true, mode: 0o755 });
  await app.ready();
  const server = createServer((request, response) => app.routing(request, response));
  await listenPrivately(server, `${pluginDirectory}/${driver}.sock`);
  return async () => {
    // Takes the socket's file away, too.
    server.close();
    server.closeAllConnections();
    await app.close();
  };
}
