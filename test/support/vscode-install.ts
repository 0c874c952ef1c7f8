/**
 * The VS Code that tests run in: the one of the npm package code-server (VS Code's own server, web workbench and
 * extension host) under this Node, and Debian's Chromium for a window. Kept in the user's cache, since it is large.
 */
import { createHash } from 'node:crypto';
import { access, cp, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { hasErrno } from '../../daemon/errors/error.ts';
import { runProgram } from '../../daemon/drivers/program.ts';
import { ensureChromium } from './chromium.ts';

/** What belongs to the installation, with exact versions; a change of any of it makes a new one. */
const recipe = fileURLToPath(new URL('../vscode/host/', import.meta.url));
/** Packages for VS Code's own AI features, a third of all bytes. */
const unneeded = ['@github/copilot-sdk', '@microsoft/mxc-sdk', '@devcontainers/cli'];
/** Packages with native code that npm would have to compile, and what takes their place. */
const standIns = { '@vscode/spdlog': 'spdlog.mjs', '@vscode/native-watchdog': 'native-watchdog.mjs' };
const npmFlags = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];

export interface VscodeInstallation {
  /** The script that is VS Code's server. Node 24 runs it. */
  readonly serverMain: string;
  readonly chromium: string;
}

/** Installs what is missing: seconds when npm's cache has it, else as long as 200 MB take to fetch. */
export async function installVscode(
  log: (line: string) => void,
  signal: AbortSignal,
): Promise<VscodeInstallation> {
  const chromium = await ensureChromium(log, signal);
  const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'myaas-vscode');
  const directory = join(cache, await fingerprint());
  if (!(await exists(directory))) {
    log(`installing VS Code for the tests in ${directory}`);
    await mkdir(cache, { recursive: true });
    await install(await mkdtemp(`${directory}.`), directory, signal);
  }
  return { serverMain: join(directory, serverPath, 'out/server-main.js'), chromium };
}

const serverPath = 'node_modules/code-server/lib/vscode';

async function fingerprint(): Promise<string> {
  const hash = createHash('sha256');
  for (const file of [
    ...(await readdir(recipe)).sort().map((name) => join(recipe, name)),
    import.meta.filename,
  ]) {
    hash.update(await readFile(file));
  }
  return hash.digest('hex').slice(0, 12);
}

/** Installs in `place` and renames it to `directory`, so that a half-made installation is never taken for a whole. */
async function install(place: string, directory: string, signal: AbortSignal): Promise<void> {
  try {
    for (const name of ['package.json', 'package-lock.json']) await cp(join(recipe, name), join(place, name));
    await npm(place, ['ci'], signal);
    const server = join(place, serverPath);
    await dropDependencies(join(server, 'package.json'));
    await npm(server, ['install', '--omit=dev'], signal);
    for (const [name, file] of Object.entries(standIns)) {
      const module = join(server, 'node_modules', name);
      await rm(module, { recursive: true, force: true });
      await mkdir(module, { recursive: true });
      await cp(join(recipe, file), join(module, file));
      await writeFile(join(module, 'package.json'), JSON.stringify({ name, type: 'module', main: file }));
    }
    await execa(process.execPath, [join(server, 'out/server-main.js'), '--version'], {
      cancelSignal: signal,
    });
    await rename(place, directory);
  } catch (error) {
    await rm(place, { recursive: true, force: true });
    // Somebody else has installed the same meanwhile.
    if (!hasErrno(error, 'ENOTEMPTY') && !hasErrno(error, 'EEXIST')) throw error;
  }
}

async function npm(directory: string, args: readonly string[], signal: AbortSignal): Promise<void> {
  await runProgram('npm', ['--prefix', directory, ...args, ...npmFlags], {
    remedy: 'Look whether the npm registry can be reached, and start again.',
    signal,
  });
}

async function dropDependencies(manifest: string): Promise<void> {
  const content = JSON.parse(await readFile(manifest, 'utf8')) as { dependencies: Record<string, string> };
  for (const name of unneeded) Reflect.deleteProperty(content.dependencies, name);
  await writeFile(manifest, JSON.stringify(content, null, 2));
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
