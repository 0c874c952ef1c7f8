/**
 * `npm run package:host [-- --arch arm64]`: from a built `dist`, the archive that `myaas install` installs from, and the
 * Debian package, both with the Node of the npm package for that architecture.
 */
import { chmod, copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { findProgram, runProgram } from '../../drivers/program.ts';
import { messageOf, MyaasError } from '../../errors/error.ts';
import { errors } from '../../errors/errors.ts';
import { version as ownVersion } from '../../version.ts';
import { exists } from '../files.ts';
import { layoutBelow, packaged } from '../install/layout.ts';
import { putParts } from '../install/parts.ts';
import { fillRelease, seal } from '../install/release.ts';

/** Debian's names of architectures, and npm's, which the packages with Node have in theirs. */
const architectures = { amd64: 'x64', arm64: 'arm64' } as const;
type Architecture = keyof typeof architectures;

const recipe = 'daemon/host/debian';
const maintainerScripts = ['preinst', 'postinst', 'prerm', 'postrm'];

interface Making {
  readonly architecture: Architecture;
  /** Of what is made; another than the program's tells packages for tests apart. */
  readonly version: string;
  readonly node: string;
  readonly compression: string;
  /** For files in between. */
  readonly place: string;
}

const { values } = parseArgs({
  options: {
    arch: { type: 'string', default: process.arch === 'arm64' ? 'arm64' : 'amd64' },
    version: { type: 'string', default: ownVersion },
    out: { type: 'string', default: 'dist' },
    /** As `dpkg-deb` names it; xz is small, zstd quick. */
    compression: { type: 'string', default: 'xz' },
    'deb-only': { type: 'boolean', default: false },
  },
});

const place = await mkdtemp(`${tmpdir()}/myaas-package-`);
try {
  // The modes that files are made with are meant as they are.
  process.umask(0o022);
  const architecture = architectureNamed(values.arch);
  const node = await nodeFor(architecture, place);
  const { version, compression } = values;
  const making: Making = { architecture, version, node, compression, place };
  if (!values['deb-only']) console.log(await makeArchive(making, values.out));
  console.log(await makePackage(making, values.out));
} catch (error) {
  console.error(messageOf(error));
  if (error instanceof MyaasError) console.error(error.hint);
  process.exitCode = 1;
} finally {
  await rm(place, { recursive: true });
}

function architectureNamed(name: string): Architecture {
  if (name === 'amd64' || name === 'arm64') return name;
  throw errors.usage(`There is no package for "${name}".`, 'Choose amd64 or arm64.');
}

/** npm installs the package of this machine's architecture only; another's is fetched. */
async function nodeFor(architecture: Architecture, place: string): Promise<string> {
  const name = `node-linux-${architectures[architecture]}`;
  const installed = `node_modules/${name}/bin/node`;
  if (await exists(installed)) return installed;
  const remedy = 'Is the package registry within reach?';
  const lock = JSON.parse(await readFile('package-lock.json', 'utf8')) as {
    packages: Record<string, { version: string }>;
  };
  const locked = lock.packages[`node_modules/${name}`]?.version ?? '24';
  await runProgram('npm', ['pack', '--silent', `--pack-destination=${place}`, `${name}@${locked}`], {
    remedy,
  });
  const archive = `${place}/${name}-${locked}.tgz`;
  await runProgram('tar', ['-xzf', archive, '-C', place, 'package/bin/node'], { remedy });
  return `${place}/package/bin/node`;
}

/** The archive: unpacked anywhere, `sudo ./myaas install` installs it. */
async function makeArchive({ architecture, node, place, version }: Making, out: string): Promise<string> {
  const name = `myaas-${version}-linux-${architectures[architecture]}`;
  await fillRelease({ directory: 'dist', node }, `${place}/${name}`);
  const file = `${out}/${name}.tar.gz`;
  const owner = ['--owner=0', '--group=0', '--numeric-owner', '--sort=name'];
  await runProgram('tar', ['-czf', file, ...owner, '-C', place, name], { remedy: 'Is the disk full?' });
  return file;
}

async function makePackage(
  { architecture, node, compression, place, version }: Making,
  out: string,
): Promise<string> {
  if (!(await findProgram('dpkg-deb'))) {
    throw errors.hostNotReady('There is no dpkg-deb, which makes Debian packages.', 'Install dpkg.');
  }
  const root = `${place}/deb`;
  const program = join(root, packaged.program);
  await mkdir(dirname(program), { recursive: true });
  await fillRelease({ directory: 'dist', node }, program);
  await seal(program, process.execPath);
  const layout = { ...layoutBelow(root), units: join(root, packaged.units) };
  await putParts({ directory: program, node: process.execPath }, layout, () => undefined);
  await runProgram('gzip', ['-9n', layout.manPage], { remedy: 'Is the disk full?' });
  // `dpkg` makes the link that the program is called by.
  await mkdir(dirname(layout.link), { recursive: true });
  await runProgram('ln', ['-s', '../lib/myaas/myaas', layout.link], { remedy: 'Is the disk full?' });
  await put(`${recipe}/copyright`, `${root}/usr/share/doc/myaas/copyright`);
  await put(`${recipe}/lintian-overrides`, `${root}/usr/share/lintian/overrides/myaas`);

  const size = await runProgram('du', ['-sk', root], { remedy: 'Is the disk full?' });
  const control = await readFile(`${recipe}/control`, 'utf8');
  await mkdir(`${root}/DEBIAN`);
  await writeFile(
    `${root}/DEBIAN/control`,
    control
      .replace('${version}', version)
      .replace('${architecture}', architecture)
      .replace('${installedKib}', size.split('\t')[0] ?? ''),
  );
  await put(`${recipe}/conffiles`, `${root}/DEBIAN/conffiles`);
  for (const script of maintainerScripts) await put(`${recipe}/${script}`, `${root}/DEBIAN/${script}`, 0o755);
  const file = `${out}/myaas_${version}_${architecture}.deb`;
  await runProgram('dpkg-deb', ['--root-owner-group', `-Z${compression}`, '-z3', '--build', root, file], {
    remedy: 'Is the disk full?',
  });
  return file;
}

async function put(from: string, to: string, mode = 0o644): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  await copyFile(from, to);
  await chmod(to, mode);
}
