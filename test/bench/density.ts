/**
 * What databases cost while nobody uses them: memory of an idle server and of a sleeping one, disk of a fresh clone;
 * and what the daemon itself takes with many in its registry. It runs the bundle, as services do.
 */
import { readdir, readFile } from 'node:fs/promises';
import { once } from 'node:events';
import { Agent, request, type IncomingMessage, type RequestOptions } from 'node:http';
import { execa } from 'execa';
import { pathsOf } from '../../daemon/paths.ts';
import type { Instance } from '../../daemon/contract/instances.ts';
import { leanMemory } from '../../daemon/host/lean-memory.ts';
import { freePorts, startHost, type TestHost } from '../support/daemon.ts';
import { median, quantile, table } from './figures.ts';

const servers = 10;
const rows = 500;
const requests = 500;
const warmUpRequests = 50;

const bytesPerMib = 2 ** 20;
const dump = 'create table t (id int primary key, text varchar(300)); insert into t values (1, "one");';

interface Memory {
  readonly residentMib: number;
  /** What is shared counted in parts: the sum over all processes is what the machine has given. */
  readonly proportionalMib: number;
  /** Nobody else's, and in no file. */
  readonly anonymousMib: number;
}

/** By smaps_rollup of proc_pid_smaps(5). */
export async function memoryOf(pid: number): Promise<Memory> {
  const text = await readFile(`/proc/${String(pid)}/smaps_rollup`, 'utf8');
  const mib = (field: string) => Number(new RegExp(`^${field}: +(\\d+) kB`, 'm').exec(text)?.[1]) / 1024;
  return { residentMib: mib('Rss'), proportionalMib: mib('Pss'), anonymousMib: mib('Anonymous') };
}

/** What no other subvolume shares. */
export async function exclusiveMib(directory: string): Promise<number> {
  await execa('btrfs', ['filesystem', 'sync', directory]);
  const { stdout } = await execa('btrfs', ['filesystem', 'du', '--raw', '--summarize', directory]);
  const [, exclusiveBytes] = stdout.trim().split('\n').at(-1)?.trim().split(/\s+/) ?? [];
  return Number(exclusiveBytes) / bytesPerMib;
}

/** Processes whose command line names the container: Docker's own, that watches it, and no other. */
async function processesNaming(containerId: string): Promise<number> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const commands = await Promise.all(
    // A process may have ended meanwhile.
    pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')),
  );
  return commands.filter((command) => command.includes(containerId)).length;
}

export async function containerOf(host: TestHost, id: string): Promise<{ containerId: string; pid: number }> {
  const found = (await host.docker.list(id)).find(({ role }) => role === 'server');
  if (!found) throw new Error(`Instance ${id} has no container.`);
  return {
    containerId: found.containerId,
    pid: (await host.docker.inspect(found.containerId))?.State.Pid ?? 0,
  };
}

async function measureServers(host: TestHost): Promise<void> {
  await host.importDump('shop', dump);
  const instances: Instance[] = [];
  for (let index = 0; index < servers; index++)
    instances.push(await host.create('shop', `idle-${String(index)}`));
  const memory: Memory[] = [];
  const diskMib: number[] = [];
  for (const { id } of instances) {
    memory.push(await memoryOf((await containerOf(host, id)).pid));
    diskMib.push(await exclusiveMib(`${host.paths.instances}/${id}/datadir`));
  }
  console.log(`\nOne of ${String(servers)} idle servers, each logged into once, MiB:\n`);
  console.log(
    table([
      ['resident (wanted ≤ 60)', memory.map(({ residentMib }) => residentMib)],
      ['proportional', memory.map(({ proportionalMib }) => proportionalMib)],
      ['anonymous', memory.map(({ anonymousMib }) => anonymousMib)],
      ['disk of its own', diskMib],
    ]),
  );
  for (const { id } of instances.slice(1)) await host.api('DELETE', `/v1/instances/${id}`);
  const [{ id } = { id: '' }] = instances;
  const { containerId } = await containerOf(host, id);
  const before = await processesNaming(containerId);
  const { status, text } = await host.api('POST', `/v1/instances/${id}/sleep`);
  if (status !== 200) throw new Error(`It does not fall asleep: ${text}`);
  console.log(
    `\nProcesses of its container: ${String(before)} awake, ${String(await processesNaming(containerId))} asleep.`,
  );
}

/** Puts sleeping instances of nothing into the registry; `serve` finds them there when it starts. */
function addRows(host: TestHost): void {
  for (let index = 0; index < rows; index++) {
    const id = index.toString(16).padStart(12, '0');
    host.registry.reserve(
      {
        id,
        clone: id,
        template: 'shop',
        version: '20260101T000000Z',
        name: `feature-branch-${String(index)}`,
        owner: 'admin',
        state: 'asleep',
        failure: null,
        engine: 'mariadb',
        engineSeries: '',
        upgradedFrom: null,
        databaseName: 'shop',
        username: 'myaas',
        password: 'p'.repeat(32),
        createdAt: '2026-01-01T00:00:00.000Z',
        expiresAt: null,
        protected: true,
        sizeBytes: 2 ** 33,
        createMs: 250,
        origin: 'snapshot',
      },
      host.config.ports,
    );
  }
}

/** Milliseconds of each `GET /v1/instances` of at least `count`, one after the other on one connection. */
export async function listMs(host: TestHost, address: RequestOptions, count = rows): Promise<number[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const options = {
    ...address,
    agent,
    path: '/v1/instances',
    headers: { authorization: `Bearer ${host.adminToken}` },
  };
  const figures: number[] = [];
  for (let index = 0; index < warmUpRequests + requests; index++) {
    const startedMs = performance.now();
    const asked = request(options).end();
    const [response] = (await once(asked, 'response')) as [IncomingMessage];
    const body = (await response.toArray()) as Buffer[];
    if (index >= warmUpRequests) figures.push(performance.now() - startedMs);
    const { instances } = JSON.parse(Buffer.concat(body).toString()) as { instances: unknown[] };
    if (instances.length < count) throw new Error(`Only ${String(instances.length)} instances are listed.`);
  }
  agent.destroy();
  return figures;
}

async function measureDaemon(host: TestHost): Promise<void> {
  const residentMib = async (pid: number) => (await memoryOf(pid)).residentMib.toFixed(0).padStart(6);
  const tell = async (when: string) => {
    const [serve, gate] = [await residentMib(host.serve.pid), await residentMib(host.gate.pid)];
    console.log(`serve ${serve} MiB   gate ${gate} MiB   ${when}`);
  };
  console.log('\nResident memory of the daemon:\n');
  await tell('after that work');
  addRows(host);
  await host.serve.stop();
  await host.serve.start();
  await tell(`started with ${String(rows)} instances (wanted: serve ≤ 120)`);
  const { host: hostname, port } = host.config.listen;
  const unixMs = await listMs(host, { socketPath: pathsOf(host.config).apiSocket });
  const tcpMs = await listMs(host, { host: hostname, port });
  await tell(`after ${String(2 * (requests + warmUpRequests))} lists of them`);
  const figures = [unixMs, tcpMs]
    .map(
      (ms, index) =>
        `${index === 0 ? 'Unix socket' : 'TCP'} ${median(ms).toFixed(1)} / ${quantile(ms, 0.99).toFixed(1)}`,
    )
    .join(', ');
  console.log(`\nGET /v1/instances of ${String(rows)}, ms, p50 / p99 (wanted ≤ 15): ${figures}`);
}

export async function benchDensity(): Promise<void> {
  await execa(process.execPath, ['esbuild.mjs'], { stdio: 'inherit' });
  const firstPort = await freePorts(rows + servers);
  const ports = `${String(firstPort)}-${String(firstPort + rows + servers - 1)}`;
  const settings = { ...leanMemory, MYAAS_MEMORY_LIMIT: '2g', MYAAS_PORTS: ports };
  await using host = await startHost(settings, 'dist/myaas.js');
  await measureServers(host);
  await measureDaemon(host);
}
