/** What `myaas doctor` looks at, one function for each part of the host. */
import { constants } from 'node:fs';
import { access, readFile } from 'node:fs/promises';
import { Api } from '../cli/api.ts';
import { Client } from '../cli/client.ts';
import type { Config } from '../config.ts';
import { accounts, lookupGroup, lookupUser } from './accounts.ts';
import { pathsOf } from '../paths.ts';
import type { Status } from '../contract/status.ts';
import * as btrfs from '../drivers/btrfs.ts';
import { Docker } from '../drivers/docker.ts';
import type { Registry } from '../drivers/registry.ts';
import { SimpleQuotas } from '../drivers/quotas.ts';
import { limitBytesOf } from '../instances/disk-limit.ts';
import { hasErrno, MyaasError } from '../errors/error.ts';
import { exposedPorts, isLoopback } from '../exposure.ts';
import { unlimited } from '../quota.ts';
import { exists } from './files.ts';
import { Images } from './images.ts';
import { listeningPorts } from './ports.ts';
import { findProgram } from '../drivers/program.ts';

export type Finding =
  | { readonly result: 'ok'; readonly detail: string }
  | { readonly result: 'warning' | 'failed'; readonly detail: string; readonly remedy: string };

export const ok = (detail: string): Finding => ({ result: 'ok', detail });
const warning = (detail: string, remedy: string): Finding => ({ result: 'warning', detail, remedy });
export const failed = (detail: string, remedy: string): Finding => ({ result: 'failed', detail, remedy });

export const runInit = 'Run "sudo myaas init".';
const startServe = 'Start it: "systemctl start myaas", or "myaas serve".';
/** Below this an import of a small dump already fails. */
const leastFreeBytes = 2 ** 30;
const answerTimeoutMs = 10_000;

export function nodeVersion(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const found = `version ${process.versions.node}`;
  return major > 22 || (major === 22 && minor >= 18) ? ok(found) : failed(`${found}.`, 'Install Node.js 24.');
}

export async function programs(names: readonly string[], packages: string): Promise<Finding> {
  const found = await Promise.all(names.map(async (name) => ((await findProgram(name)) ? undefined : name)));
  const missing = found.filter((name) => name !== undefined);
  return missing.length === 0
    ? ok(names.join(', '))
    : failed(`${missing.join(', ')} not installed.`, `Run "apt-get install ${packages}".`);
}

export async function clientProgram(): Promise<Finding> {
  const found = (await findProgram('mariadb')) ?? (await findProgram('mysql'));
  return found === undefined
    ? warning('neither mariadb nor mysql; "myaas shell" needs one.', 'Run "apt-get install mariadb-client".')
    : ok(found);
}

export async function accountsThere(): Promise<Finding> {
  const { apiGroup, gateUser, serverUser } = accounts;
  const missing: string[] = [];
  if ((await lookupGroup(apiGroup)) === undefined) missing.push(`group ${apiGroup}`);
  for (const user of [gateUser, serverUser]) if (!(await lookupUser(user))) missing.push(`user ${user}`);
  return missing.length === 0
    ? ok([apiGroup, gateUser, serverUser].join(', '))
    : failed(`no ${missing.join(', no ')}.`, runInit);
}

export async function disk({ baseDir, diskReserveBytes }: Config): Promise<Finding> {
  if (!(await btrfs.isBtrfs(baseDir))) return failed(`${baseDir} is not on btrfs, or not mounted.`, runInit);
  await access(baseDir, constants.W_OK);
  const { freeBytes, totalBytes } = await btrfs.diskSpace(baseDir);
  const found = `${baseDir} is on btrfs, ${gigabytes(freeBytes)} of ${gigabytes(totalBytes)} free`;
  const remedy = 'Delete instances or templates, or enlarge the disk.';
  if (freeBytes < leastFreeBytes) return failed(`${found}.`, remedy);
  return freeBytes < diskReserveBytes
    ? warning(`${found}, less than MYAAS_DISK_RESERVE: nothing is made.`, remedy)
    : ok(found);
}

export async function diskLimit({ baseDir, diskLimit: setting, maxDiskBytes }: Config): Promise<Finding> {
  if (!(await btrfs.isBtrfs(baseDir))) return warning('unknown, as there is no btrfs.', runInit);
  const { totalBytes } = await btrfs.diskSpace(baseDir);
  const bytes = limitBytesOf(setting, totalBytes);
  if (bytes === undefined) {
    return maxDiskBytes === unlimited
      ? ok('none')
      : warning(
          'none, so that nothing is measured and MYAAS_QUOTA_DISK binds nobody.',
          'Set MYAAS_DISK_LIMIT to something else than "off".',
        );
  }
  const found = `${gigabytes(bytes)} for each instance`;
  return (await SimpleQuotas.find(baseDir))
    ? ok(`${found}, held by the kernel`)
    : warning(
        `${found}, watched: an instance that writes fast is stopped seconds after it has exceeded it.`,
        'For a limit that the kernel holds, set MYAAS_DISK_LIMIT and run "sudo myaas init"; it needs Linux 6.7.',
      );
}

export async function memory(config: Config): Promise<Finding> {
  const status = await askDaemon(config);
  if (!status) return warning('unknown, as the daemon does not answer.', startServe);
  const { memoryAvailableBytes, memoryTotalBytes, memoryReserveBytes } = status.capacity;
  const found = `${gigabytes(memoryAvailableBytes)} of ${gigabytes(memoryTotalBytes)} free`;
  return memoryAvailableBytes < memoryReserveBytes
    ? warning(
        `${found}, less than the reserve of ${gigabytes(memoryReserveBytes)}: no server is started.`,
        'Put instances to sleep ("myaas sleep"), delete some, or lower MYAAS_MEMORY_RESERVE.',
      )
    : ok(found);
}

const gigabytes = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(1)} GiB`;

export async function subvolumes(config: Config): Promise<Finding> {
  const { dumps, data, templates, instances } = pathsOf(config);
  for (const path of [dumps, data]) {
    if (!(await btrfs.isSubvolume(path))) return failed(`${path} is not a btrfs subvolume.`, runInit);
  }
  for (const path of [templates, instances]) await access(path, constants.W_OK);
  return ok(`${dumps}, ${data}`);
}

export async function dockerEngine(config: Config): Promise<Finding> {
  const docker = new Docker({ host: config.dockerHost, hostId: '', prefix: config.prefix });
  const timeout = AbortSignal.timeout(answerTimeoutMs);
  const silent = new Promise<undefined>((resolve) => {
    timeout.addEventListener('abort', () => resolve(undefined));
  });
  const engine = await Promise.race([docker.ping(), silent]);
  return engine
    ? ok(`version ${engine.version} at ${config.dockerHost}`)
    : failed(
        `silent for ${answerTimeoutMs / 1000} s at ${config.dockerHost}.`,
        'See its log ("journalctl -u docker").',
      );
}

export async function serverImages(config: Config, registry: Registry): Promise<Finding> {
  const docker = new Docker({ host: config.dockerHost, hostId: registry.hostId, prefix: config.prefix });
  const images = new Images({ config, docker, registry });
  const { usual } = images;
  if (!usual) return failed('none chosen yet.', runInit);
  const all = images.list();
  const found = all.map(({ reference, reason }) => `${reference} (${reason})`).join(', ');
  for (const { reference } of all)
    if (!(await docker.imageId(reference))) return failed(`${reference} is not on this machine.`, runInit);
  return usual.lacks.length > 0
    ? warning(
        `${found}; there is no ${usual.lacks.join(', no ')} in ${usual.reference}, so physical backups can't be imported.`,
        runInit,
      )
    : ok(found);
}

export async function ports(config: Config, registry: Registry): Promise<Finding> {
  const { from, to } = config.ports;
  const taken = await listeningPorts();
  for (const { port } of registry.instances()) taken.add(port);
  const free = Array.from({ length: to - from + 1 }, (_, index) => from + index).filter(
    (port) => !taken.has(port),
  );
  const found = `${free.length} of ${to - from + 1} free in ${from}-${to}`;
  return free.length > 0 ? ok(found) : failed(`${found}.`, 'Delete instances, or widen MYAAS_PORTS.');
}

export function bindAddress(config: Config): Finding {
  const exposed = exposedPorts(config);
  if (exposed) return warning(exposed.detail, exposed.remedy);
  return ok(isLoopback(config.bind) ? `${config.bind}, this machine only` : `${config.bind}, by TLS only`);
}

export async function runDirectory({ runDir }: Config): Promise<Finding> {
  return (await exists(runDir))
    ? ok(runDir)
    : warning(`${runDir} does not exist; "myaas serve" makes it.`, startServe);
}

export async function daemon(config: Config): Promise<Finding> {
  const { apiSocket } = pathsOf(config);
  const status = await askDaemon(config);
  return status
    ? ok(`version ${status.version} answers at ${apiSocket}`)
    : failed(`does not answer at ${apiSocket}.`, startServe);
}

/** What the daemon found where registry, Docker and disk disagree, and did not mend: people decide. */
export async function agreement(config: Config): Promise<Finding> {
  const status = await askDaemon(config);
  if (!status) return warning('unknown, as the daemon does not answer.', startServe);
  const [first, ...others] = status.reconciled.findings.filter(({ outcome }) => outcome !== 'mended');
  if (!first) return ok('what the registry knows, Docker and the disk have');
  const more = others.length === 0 ? '' : ` "myaas status" has ${String(others.length)} more.`;
  return warning(`${first.subject}: ${first.detail}`, `${first.remedy}${more}`.trim());
}

export async function gate(config: Config): Promise<Finding> {
  const status = await askDaemon(config);
  if (!status) return warning('unknown, as the daemon does not answer.', startServe);
  return status.gate === 'connected'
    ? ok('connected')
    : failed(
        'not connected, so no instance can be reached.',
        'Start it: "systemctl start myaas-gate", or "myaas gate".',
      );
}

/** What the daemon of this machine says of itself, asked with root's own token; undefined when it does not run. */
export async function askDaemon(config: Config): Promise<Status | undefined> {
  const { apiSocket, rootToken } = pathsOf(config);
  try {
    const token = (await readFile(rootToken, 'utf8')).trim();
    return await new Api(
      new Client({ url: `unix:${apiSocket}`, token }),
      AbortSignal.timeout(answerTimeoutMs),
    ).status();
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return undefined;
    // Until a new daemon has written its own token, the one of the last is not valid.
    if (error instanceof MyaasError && absent.has(error.code)) return undefined;
    throw error;
  }
}

const absent = new Set(['MYAAS_DAEMON_UNREACHABLE', 'MYAAS_UNAUTHORIZED']);
