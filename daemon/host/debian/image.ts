/**
 * `npm run image [-- NAME]`: from a built `dist`, an image that runs daemon and gate in a container. It is made of Debian
 * packages, so that it needs no registry.
 */
import { resolve } from 'node:path';
import { execa } from 'execa';
import { messageOf } from '../../errors/error.ts';
import { version } from '../../version.ts';

const packages = [
  ...[
    'libstdc++6',
    'btrfs-progs',
    'e2fsprogs',
    'mount',
    'passwd',
    'zstd',
    'xz-utils',
    'bzip2',
    'ca-certificates',
  ],
  // They build the server image where no registry answers.
  ...['mmdebstrap', 'debian-archive-keyring'],
];
const name = process.argv[2] ?? `myaas:${version}`;
/** Of the shell; mmdebstrap gives it the image's root directory as `$1`. */
const install = `'${process.execPath}' '${resolve('dist/myaas.js')}' install --no-packages --root "$1"`;
const debian = [
  ...['--quiet', '--variant=apt', `--include=${packages.join(',')}`, `--customize-hook=${install} >&2`],
  ...['doc', 'man', 'locale', 'info'].map((directory) => `--dpkgopt=path-exclude=/usr/share/${directory}/*`),
  ...['bookworm', '-'],
];
const changes = ['ENTRYPOINT ["/usr/bin/myaas"]', 'CMD ["up"]'].flatMap((change) => ['--change', change]);

try {
  await execa('mmdebstrap', debian, {
    stdin: 'ignore',
    buffer: { stdout: false },
    env: { LC_ALL: 'C.UTF-8' },
  }).pipe('docker', ['import', ...changes, '-', name]);
  console.log(name);
} catch (error) {
  console.error(messageOf(error));
  process.exitCode = 1;
}
