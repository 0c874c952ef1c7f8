/** `myaas doctor`: is everything there that MyAAS needs, and if not, what is to be done? Changes nothing. */
import type { Config } from '../config.ts';
import { pathsOf } from '../paths.ts';
import { Registry } from '../drivers/registry.ts';
import { messageOf, MyaasError } from '../errors/error.ts';
import * as checks from './checks.ts';
import { exists } from './files.ts';

/** One part of the host. A warning is something that only some people need. */
export type Check = { readonly name: string } & checks.Finding;

type Examine = (name: string, probe: () => checks.Finding | Promise<checks.Finding>) => Promise<void>;

/** Prints one line for each check, with the remedy where it is needed. False when any has failed. */
export async function doctor(config: Config, { log }: { log: (line: string) => void }): Promise<boolean> {
  const found = await examine(config);
  for (const check of found) log(lineOf(check));
  return found.every(({ result }) => result !== 'failed');
}

function lineOf(check: Check): string {
  const mark = { ok: 'ok     ', warning: 'warning', failed: 'FAILED ' }[check.result];
  const remedy = check.result === 'ok' ? '' : ` ${check.remedy}`;
  return `${mark} ${check.name}: ${check.detail}${remedy}`;
}

/** All checks, in the order in which one thing needs the other. */
export async function examine(config: Config): Promise<Check[]> {
  const found: Check[] = [];
  const check: Examine = async (name, probe) => {
    found.push({ name, ...(await probeSafely(probe)) });
  };
  await check('configuration', () => checks.ok(`valid; base directory ${config.baseDir}`));
  await check('rights', () =>
    process.getuid?.() === 0
      ? checks.ok('root')
      : checks.failed('not root, so much of this cannot be seen.', 'Run "sudo myaas doctor".'),
  );
  await check('Node.js', checks.nodeVersion);
  await check('btrfs programs', () =>
    checks.programs(['btrfs', 'mkfs.btrfs', 'chattr', 'mount', 'umount'], 'btrfs-progs e2fsprogs mount'),
  );
  await check('decompressors', () =>
    checks.programs(['gzip', 'zstd', 'xz', 'bzip2'], 'gzip zstd xz-utils bzip2'),
  );
  await check('client program', checks.clientProgram);
  await check('accounts', checks.accountsThere);
  await check('disk', () => checks.disk(config));
  await check('subvolumes', () => checks.subvolumes(config));
  await check('disk limit', () => checks.diskLimit(config));
  await check('Docker Engine', () => checks.dockerEngine(config));
  await withRegistry(config, check);
  await check('address of the ports', () => checks.bindAddress(config));
  await check('run directory', () => checks.runDirectory(config));
  await check('daemon', () => checks.daemon(config));
  await check('gate', () => checks.gate(config));
  await check('registry, Docker and disk', () => checks.agreement(config));
  await check('memory', () => checks.memory(config));
  return found;
}

async function probeSafely(probe: Parameters<Examine>[1]): Promise<checks.Finding> {
  try {
    return await probe();
  } catch (error) {
    return error instanceof MyaasError
      ? checks.failed(error.message, error.hint)
      : checks.failed(`${messageOf(error)}.`, '');
  }
}

async function withRegistry(config: Config, check: Examine): Promise<void> {
  const file = pathsOf(config).registry;
  let registry: Registry | undefined;
  await check('registry', async () => {
    // Opening would make it.
    if (!(await exists(file))) return checks.failed(`${file} does not exist.`, checks.runInit);
    registry = Registry.open(file);
    return checks.ok(file);
  });
  if (!registry) return;
  const opened = registry;
  try {
    await check('server image', () => checks.serverImages(config, opened));
    await check('ports', () => checks.ports(config, opened));
  } finally {
    opened.close();
  }
}
