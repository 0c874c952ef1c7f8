import { Type } from 'typebox';
import type { App } from './app.ts';
import { named } from '../contract/schema.ts';
import { Job, RefreshTemplates, Template } from '../contract/templates.ts';
import { userOf } from '../plugins/auth.ts';
import { checkIsAdmin, checkMaySee, maySee, type User } from '../rights.ts';
import type { ImportJobs } from '../templates/jobs.ts';
import type { Templates } from '../templates/templates.ts';
import { failing } from './failing.ts';

const Params = Type.Object({ template: Type.String() });
const JobParams = Type.Object({ id: Type.String() });

/** A job with those of its imports that exist for somebody. */
export function jobFor(user: User, job: Job): Job {
  return { ...job, imports: job.imports.filter(({ template }) => maySee(user, template)) };
}

export function templateRoutes(app: App, templates: Templates, jobs: ImportJobs): void {
  app.get(
    '/v1/templates',
    {
      schema: {
        summary: 'All templates, with their versions and the import that runs or failed',
        response: { 200: Type.Object({ templates: Type.Array(named(Template)) }), ...failing() },
      },
    },
    async (request) => {
      const user = userOf(request);
      return Promise.resolve({ templates: templates.list().filter(({ name }) => maySee(user, name)) });
    },
  );

  app.get(
    '/v1/templates/:template',
    {
      schema: {
        summary: 'One template',
        params: Params,
        response: { 200: named(Template), ...failing(404) },
      },
    },
    async (request) => {
      checkMaySee(userOf(request), request.params.template);
      return Promise.resolve(templates.get(request.params.template));
    },
  );

  app.post(
    '/v1/templates/refresh',
    {
      config: { audit: 'import' },
      schema: {
        summary: 'Import new and changed dumps (admin)',
        body: Type.Union([named(RefreshTemplates), Type.Null()]),
        response: { 202: named(Job), ...failing(404, 413, 415) },
      },
    },
    async (request, reply) => {
      checkIsAdmin(userOf(request), 'import dumps');
      const job = await jobs.start(request.body ?? {});
      return reply.code(202).header('location', `/v1/jobs/${job.id}`).send(job);
    },
  );

  app.delete(
    '/v1/templates/:template',
    {
      config: { audit: 'delete-template' },
      schema: {
        summary: 'Delete a template and its versions (admin)',
        params: Params,
        querystring: Type.Object({
          force: Type.Optional(Type.String({ description: '"1": with all its instances' })),
        }),
        response: { 204: Type.Null(), ...failing(404, 409, 413, 415) },
      },
    },
    async (request, reply) => {
      checkIsAdmin(userOf(request), 'delete templates');
      await templates.delete(request.params.template, request.query.force === '1');
      return reply.code(204).send(null);
    },
  );

  app.get(
    '/v1/jobs/:id',
    {
      schema: {
        summary: 'An import job, also some that have ended',
        params: JobParams,
        response: { 200: named(Job), ...failing(404) },
      },
    },
    async (request) => Promise.resolve(jobFor(userOf(request), jobs.job(request.params.id))),
  );

  app.delete(
    '/v1/jobs/:id',
    {
      config: { audit: 'cancel-import' },
      schema: {
        summary: 'Cancel an import job (admin); answers when it is undone',
        params: JobParams,
        response: { 200: named(Job), ...failing(404, 413, 415) },
      },
    },
    async (request) => {
      checkIsAdmin(userOf(request), 'cancel imports');
      return jobs.cancel(request.params.id);
    },
  );
}
