import type { App } from '../app.ts';
import { Status } from '../contract.ts';
import { userOf } from '../plugins/auth.ts';

export type StatusOf = () => Promise<Omit<Status, 'user'>>;

export function statusRoutes(app: App, statusOf: StatusOf): void {
  app.get('/v1/status', { schema: { response: { 200: Status } } }, async (request) => ({
    ...(await statusOf()),
    user: userOf(request),
  }));

  app.get('/metrics', { schema: { summary: "Prometheus' text format" } }, async (_request, reply) =>
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
