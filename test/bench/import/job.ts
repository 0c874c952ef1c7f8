/** An import of ours, from the request to the publication, and what it took. */
import type { Job } from '../../../daemon/contract/templates.ts';
import type { TestHost } from '../../support/daemon.ts';
import { cpuSecondsOf, type Effort } from './peer.ts';

export interface Import {
  readonly totalSeconds: number;
  /** Of the phase "loading" alone. */
  readonly loading: Effort & { readonly daemonCpuSeconds: number };
  /** Seconds of each. */
  readonly phases: ReadonlyMap<string, number>;
}

async function importServerOf(host: TestHost): Promise<number | undefined> {
  const server = (await host.docker.list()).find(({ role, running }) => role === 'import' && running);
  return server && (await host.docker.inspect(server.containerId))?.State.Pid;
}

/** All dumps, also those that have not changed when `force` says so. Throws when one fails. */
export async function importAll(host: TestHost, force: boolean): Promise<Import> {
  const { frames } = await host.watch();
  const startedMs = performance.now();
  await host.api<Job>('POST', '/v1/templates/refresh', { body: { force } });
  const phases = new Map<string, number>();
  let loading = { seconds: 0, serverCpuSeconds: 0, daemonCpuSeconds: 0 };
  let phase = '';
  let sinceMs = startedMs;
  let serverPid: number | undefined;
  let daemonBefore = 0;
  for await (const { event } of frames) {
    if (event.type !== 'job') continue;
    const [only] = event.job.imports;
    const next = event.job.state === 'running' ? (only?.progress?.phase ?? '') : 'end';
    if (next !== phase) {
      const now = performance.now();
      const seconds = (now - sinceMs) / 1000;
      phases.set(phase, (phases.get(phase) ?? 0) + seconds);
      if (phase === 'loading' && serverPid !== undefined) {
        const serverCpuSeconds = await cpuSecondsOf(serverPid);
        const daemonCpuSeconds = (await cpuSecondsOf(host.serve.pid)) - daemonBefore;
        loading = { seconds, serverCpuSeconds, daemonCpuSeconds };
      }
      if (next === 'loading') {
        daemonBefore = await cpuSecondsOf(host.serve.pid);
        serverPid = await importServerOf(host);
      }
      [phase, sinceMs] = [next, now];
    }
    if (event.job.state === 'failed') throw new Error(only?.error?.message);
    if (event.job.state !== 'running') break;
  }
  phases.delete('');
  return { totalSeconds: (performance.now() - startedMs) / 1000, loading, phases };
}
