import { Type } from 'typebox';
import type { App } from './app.ts';
import { named } from '../contract/schema.ts';
import { Status } from '../contract/status.ts';
import type { Metrics } from '../metrics.ts';
import { userOf } from '../plugins/auth.ts';
import { isAdmin } from '../rights.ts';
import { failing } from './failing.ts';

export type StatusOf = () => Promise<Omit<Status, 'user'>>;

export function statusRoutes(app: App, statusOf: StatusOf, metrics: Metrics): void {
  const status = {
    summary: 'Version, host, engines, capacity, counts, and who asks',
    response: { 200: named(Status), ...failing() },
  };
  app.get('/v1/status', { schema: status }, async (request) => {
    const user = userOf(request);
    const { name, role, templates, token } = user;
    return {
      ...(await statusOf()),
      user: {
        name,
        admin: isAdmin(user),
        role,
        templates: templates && [...templates],
        tokenExpiresAt: token?.expiresAt ?? null,
      },
    };
  });

  const metricsSchema = {
    summary: "Capacity, counts and durations in Prometheus' text format",
    response: {
      200: { description: 'The metrics', content: { 'text/plain': { schema: Type.String() } } },
      ...failing(),
    },
  };
  app.get('/metrics', { schema: metricsSchema }, async (_request, reply) =>
    reply.type('text/plain; version=0.0.4; charset=utf-8').send(await metrics.text()),
  );
}
