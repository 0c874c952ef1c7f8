/** The Debian packages MyAAS works with. Nothing is installed, and no list fetched, when all programs are there. */
import { access } from 'node:fs/promises';
import { errors } from '../errors/errors.ts';
import { findProgram, runProgram } from '../drivers/program.ts';

interface Need {
  /** A program's name, or a file's absolute path. */
  readonly program: string;
  readonly packages: readonly string[];
}

const needs: readonly Need[] = [
  { program: 'mkfs.btrfs', packages: ['btrfs-progs'] },
  { program: 'btrfs', packages: ['btrfs-progs'] },
  { program: 'chattr', packages: ['e2fsprogs'] },
  { program: 'mount', packages: ['mount'] },
  { program: 'losetup', packages: ['mount'] },
  { program: 'useradd', packages: ['passwd'] },
  { program: 'mariadb', packages: ['mariadb-client'] },
  { program: 'gzip', packages: ['gzip'] },
  { program: 'zstd', packages: ['zstd'] },
  { program: 'xz', packages: ['xz-utils'] },
  { program: 'bzip2', packages: ['bzip2'] },
  // They build the server image where no registry answers.
  { program: 'mmdebstrap', packages: ['mmdebstrap'] },
  { program: '/usr/share/keyrings/debian-archive-keyring.gpg', packages: ['debian-archive-keyring'] },
];

const dockerNeed: Need = { program: 'dockerd', packages: ['docker.io', 'iptables', 'ca-certificates'] };

async function isThere({ program }: Need): Promise<boolean> {
  if (!program.startsWith('/')) return (await findProgram(program)) !== undefined;
  return access(program).then(
    () => true,
    () => false,
  );
}

/** The packages whose programs this machine lacks; Docker Engine's too, where MyAAS has to bring its own. */
export async function missingPackages(docker: 'docker needed' | 'docker there'): Promise<string[]> {
  const missing = new Set<string>();
  for (const need of docker === 'docker needed' ? [...needs, dockerNeed] : needs) {
    if (!(await isThere(need))) need.packages.forEach((name) => missing.add(name));
  }
  return [...missing];
}

/** Installs packages with apt-get, asking nothing. Throws `MYAAS_HOST_NOT_READY` where that can't be done. */
export async function installPackages(packages: readonly string[], signal?: AbortSignal): Promise<void> {
  const byHand = `Install them by hand (Debian's names): ${packages.join(' ')}.`;
  if (!(await findProgram('apt-get'))) {
    throw errors.hostNotReady(
      'Programs are missing, and this machine has no apt-get to install them.',
      byHand,
    );
  }
  if (process.getuid?.() !== 0) {
    throw errors.hostNotReady(
      'Programs are missing, and only root can install them.',
      `Run this as root, or: sudo apt-get install ${packages.join(' ')}`,
    );
  }
  const apt = (...args: string[]) =>
    runProgram('apt-get', ['--yes', '--quiet', ...args], {
      remedy: byHand,
      // Neither debconf nor needrestart may ask anything.
      env: { DEBIAN_FRONTEND: 'noninteractive', NEEDRESTART_MODE: 'l', LC_ALL: 'C.UTF-8' },
      signal,
    });
  // One source of many that is out of order must not keep the others from serving.
  const [update] = await Promise.allSettled([apt('update')]);
  signal?.throwIfAborted();
  try {
    await apt('install', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=300', ...packages);
  } catch (error) {
    throw update.status === 'rejected' ? update.reason : error;
  }
}
