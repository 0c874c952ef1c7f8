import { Type } from 'typebox';
import type { App } from './app.ts';
import { Status, named } from '../contract.ts';
import { userOf } from '../plugins/auth.ts';
import { failing } from './failing.ts';

export type StatusOf = () => Promise<Omit<Status, 'user'>>;

export function statusRoutes(app: App, statusOf: StatusOf): void {
  const status = {
    summary: 'Version, host, engines, capacity, counts, and who asks',
    response: { 200: named(Status), ...failing() },
  };
  app.get('/v1/status', { schema: status }, async (request) => ({
    ...(await statusOf()),
    user: userOf(request),
  }));

  const metrics = {
    summary: "Capacity and counts in Prometheus' text format",
    response: {
      200: { description: 'The metrics', content: { 'text/plain': { schema: Type.String() } } },
      ...failing(),
    },
  };
  app.get('/metrics', { schema: metrics }, async (_request, reply) =>
    reply.type('text/plain; version=0.0.4; charset=utf-8').send(metricsOf(await statusOf())),
  );
}

function metricsOf({ capacity, counts, gate }: Awaited<ReturnType<StatusOf>>): string {
  const gauge = (
    name: string,
    help: string,
    samples: readonly (readonly [labels: string, value: number])[],
  ) =>
    [
      `# HELP myaas_${name} ${help}`,
      `# TYPE myaas_${name} gauge`,
      ...samples.map(([labels, value]) => `myaas_${name}${labels} ${String(value)}`),
    ].join('\n');
  return [
    gauge(
      'instances',
      'Instances by state.',
      Object.entries(counts.instances).map(([state, count]) => [`{state="${state}"}`, count]),
    ),
    gauge('templates', 'Templates.', [['', counts.templates]]),
    gauge('ports_free', 'Instance ports not taken.', [['', capacity.portsFree]]),
    gauge('disk_free_bytes', 'Bytes free for templates and instances.', [['', capacity.diskFreeBytes]]),
    gauge('disk_total_bytes', 'Size of the file system.', [['', capacity.diskTotalBytes]]),
    gauge('gate_connected', '1 while the gate is there.', [['', gate === 'connected' ? 1 : 0]]),
    '',
  ].join('\n');
}
