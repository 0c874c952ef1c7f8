import type { FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import type { App } from './app.ts';
import { CreateInstance, Instance, PatchInstance, ResetInstance } from '../contract/instances.ts';
import { named } from '../contract/schema.ts';
import type { InstanceRow } from '../drivers/registry.ts';
import { checkMayChange, checkMaySee, maySee } from '../rights.ts';
import type { Builder } from '../instances/builder.ts';
import type { Instances } from '../instances/instances.ts';
import type { Ledger } from '../instances/ledger.ts';
import type { Resets } from '../instances/reset.ts';
import type { Sleep } from '../instances/sleep.ts';
import { noteShown, noteSubject } from '../plugins/audit.ts';
import { userOf } from '../plugins/auth.ts';
import { hangUpSignal } from '../plugins/hangup.ts';
import { failing } from './failing.ts';

const Params = Type.Object({ id: Type.String({ description: 'An id, or template/name, encoded' }) });
const logLines = 1000;

export interface InstanceRoutesDeps {
  readonly ledger: Ledger;
  readonly instances: Instances;
  readonly resets: Resets;
  readonly sleep: Sleep;
  readonly builder: Builder;
}

export function instanceRoutes(app: App, deps: InstanceRoutesDeps): void {
  const { ledger, instances, resets, sleep, builder } = deps;
  const own = (request: FastifyRequest, id: string): InstanceRow => {
    const user = userOf(request);
    const row = ledger.findFor(user, id);
    noteSubject(request, row);
    checkMayChange(user, row);
    return row;
  };

  app.get(
    '/v1/instances',
    {
      schema: {
        summary: 'All instances; credentials only of your own, or for admins',
        querystring: Type.Object({
          owner: Type.Optional(Type.String()),
          template: Type.Optional(Type.String()),
        }),
        response: { 200: Type.Object({ instances: Type.Array(named(Instance)) }), ...failing() },
      },
    },
    async (request) => {
      const { owner, template } = request.query;
      const user = userOf(request);
      const rows = ledger
        .list()
        .filter(
          (row) =>
            maySee(user, row.template) &&
            (owner === undefined || row.owner === owner) &&
            (template === undefined || row.template === template),
        );
      noteShown(request, user, rows);
      return Promise.resolve({ instances: rows.map((row) => ledger.view(row, user)) });
    },
  );

  app.post(
    '/v1/instances',
    {
      config: { audit: 'create' },
      schema: {
        summary: 'A ready instance with credentials',
        body: named(CreateInstance),
        response: { 201: named(Instance), ...failing(404, 409, 413, 415, 422, 507) },
      },
    },
    async (request, reply) => {
      const user = userOf(request);
      checkMaySee(user, request.body.template);
      const row = await instances.create(user, request.body, hangUpSignal(reply));
      noteSubject(request, row);
      return reply.code(201).header('location', `/v1/instances/${row.id}`).send(ledger.view(row, user));
    },
  );

  app.get(
    '/v1/instances/:id',
    {
      schema: {
        summary: 'One instance; credentials only of your own, or for admins',
        params: Params,
        response: { 200: named(Instance), ...failing(404) },
      },
    },
    async (request) => {
      const user = userOf(request);
      const row = ledger.findFor(user, request.params.id);
      noteShown(request, user, [row]);
      return Promise.resolve(ledger.view(row, user));
    },
  );

  app.patch(
    '/v1/instances/:id',
    {
      config: { audit: 'change' },
      schema: {
        summary: 'Extend, never expire, protect',
        params: Params,
        body: named(PatchInstance),
        response: { 200: named(Instance), ...failing(404, 413, 415) },
      },
    },
    async (request) => {
      const user = userOf(request);
      return ledger.view(await instances.patch(user, own(request, request.params.id), request.body), user);
    },
  );

  app.delete(
    '/v1/instances/:id',
    {
      config: { audit: 'delete' },
      schema: {
        summary: 'Delete it and its data; answers when all of it is gone',
        params: Params,
        querystring: Type.Object({
          force: Type.Optional(Type.String({ description: '"1": also when it is protected' })),
        }),
        response: { 204: Type.Null(), ...failing(404, 409, 413, 415) },
      },
    },
    async (request, reply) => {
      await instances.delete(own(request, request.params.id), request.query.force === '1');
      return reply.code(204).send(null);
    },
  );

  app.post(
    '/v1/instances/:id/reset',
    {
      config: { audit: 'reset' },
      schema: {
        summary: 'Fresh data, same port and credentials',
        params: Params,
        body: Type.Union([named(ResetInstance), Type.Null()]),
        response: { 200: named(Instance), ...failing(404, 409, 413, 415, 422, 507) },
      },
    },
    async (request) => {
      const user = userOf(request);
      const row = await resets.reset(own(request, request.params.id), request.body?.version);
      return ledger.view(row, user);
    },
  );

  app.post(
    '/v1/instances/:id/sleep',
    {
      config: { audit: 'sleep' },
      schema: {
        summary: 'Stop its server cleanly until somebody connects; not while something runs in it',
        params: Params,
        response: { 200: named(Instance), ...failing(404, 409, 413, 415) },
      },
    },
    async (request) => {
      const user = userOf(request);
      return ledger.view(await sleep.sleep(own(request, request.params.id).id), user);
    },
  );

  app.post(
    '/v1/instances/:id/wake',
    {
      config: { audit: 'wake' },
      schema: {
        summary: 'Start the server of an instance that sleeps',
        params: Params,
        response: { 200: named(Instance), ...failing(404, 409, 413, 415, 507) },
      },
    },
    async (request) => {
      const user = userOf(request);
      return ledger.view(await sleep.wake(own(request, request.params.id).id), user);
    },
  );

  app.get(
    '/v1/instances/:id/logs',
    {
      config: { audit: 'log' },
      schema: {
        summary: "The end of the database server's log",
        params: Params,
        response: { 200: Type.Object({ log: Type.String() }), ...failing(404) },
      },
    },
    async (request) => ({ log: await builder.logs(own(request, request.params.id).clone, logLines) }),
  );
}
