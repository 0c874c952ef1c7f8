/** An image of a Debian with systemd and everything that the package of MyAAS depends on; built once, then kept. */
import { createHash } from 'node:crypto';
import { execa } from 'execa';

const packages = [
  ...['systemd', 'systemd-sysv', 'dbus', 'kmod', 'iptables', 'docker.io', 'btrfs-progs', 'e2fsprogs'],
  ...['mmdebstrap', 'mariadb-client', 'zstd', 'xz-utils', 'bzip2', 'lintian'],
];
const recipe = [
  '--quiet',
  '--variant=apt',
  `--include=${packages.join(',')}`,
  ...['doc', 'locale', 'info'].map((directory) => `--dpkgopt=path-exclude=/usr/share/${directory}/*`),
  'bookworm',
  '-',
];

/** Its name. It takes one to two minutes to build, and 0.5 GB. */
export async function prepareSystemdImage(log: (line: string) => void): Promise<string> {
  const hash = createHash('sha256').update(recipe.join('\n')).digest('hex').slice(0, 12);
  const reference = `myaas/test-systemd:${hash}`;
  const { exitCode } = await execa('docker', ['image', 'inspect', reference], { reject: false });
  if (exitCode === 0) return reference;
  log(`building ${reference} from Debian packages`);
  const debian = execa('mmdebstrap', recipe, {
    stdin: 'ignore',
    buffer: { stdout: false },
    env: { LC_ALL: 'C.UTF-8' },
  });
  // Under another name until it is known to be whole.
  const unfinished = `${reference}-unfinished`;
  await debian.pipe('docker', ['import', '--change', 'CMD ["/sbin/init"]', '-', unfinished]);
  await execa('docker', ['tag', unfinished, reference]);
  await execa('docker', ['rmi', unfinished]);
  return reference;
}
