/** `myaas install` and `myaas uninstall`. */
import { createInterface } from 'node:readline/promises';
import { isAbsolute } from 'node:path';
import { readConfig } from '../config.ts';
import { errors } from '../errors/errors.ts';
import type { Context } from './command.ts';

interface InstallOptions {
  readonly root?: string;
  readonly packages: boolean;
  readonly packaged?: true;
}

export async function installHere(
  { env, output, signal }: Context,
  _args: unknown,
  { root, packages, packaged }: InstallOptions,
): Promise<number> {
  if (root !== undefined && !isAbsolute(root))
    throw errors.usage(`"${root}" is not an absolute path.`, 'Give --root a path that begins with "/".');
  const config = readConfig(env);
  if (packaged) {
    const { configurePackage } = await import('../host/install/package.ts');
    await configurePackage(config, output.line);
    return 0;
  }
  const { install } = await import('../host/install/install.ts');
  await install(config, { root, packages, log: output.line, signal });
  return 0;
}

interface UninstallOptions {
  readonly purge?: true;
  readonly yes?: true;
  readonly packaged?: true;
}

export async function uninstallHere(
  context: Context,
  _args: unknown,
  { purge, yes, packaged }: UninstallOptions,
): Promise<number> {
  const { env, output } = context;
  const config = readConfig(env);
  if (packaged) {
    const { leavePackage } = await import('../host/install/package.ts');
    await leavePackage(config, output.line);
    return 0;
  }
  const { uninstall } = await import('../host/install/uninstall.ts');
  await uninstall(config, {
    purge: purge === true,
    confirm: (what) => (yes ? Promise.resolve(true) : ask(context, what)),
    log: output.line,
  });
  return 0;
}

async function ask({ output, signal }: Context, what: string): Promise<boolean> {
  if (!process.stdin.isTTY)
    throw errors.usage(`Nobody is here to be asked about removing ${what}.`, 'Add --yes.');
  const editor = createInterface({ input: process.stdin, output: output.stderr });
  try {
    const answer = await editor.question(`This removes ${what}. Type "yes" to go on: `, { signal });
    return answer.trim() === 'yes';
  } finally {
    editor.close();
  }
}
