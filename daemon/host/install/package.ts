/** What the Debian package's maintainer scripts leave to the program, so that it is written once. */
import { rm } from 'node:fs/promises';
import type { Config } from '../../config.ts';
import { configure } from './install.ts';
import { packaged } from './layout.ts';
import { askForFacts, factsOf } from './release.ts';
import { stopEverything, unmountDisk } from './uninstall.ts';

/** Where the package's preinst keeps what the former program has said of itself, before dpkg replaces it. */
const former = '/run/myaas-former';

/** After dpkg has put the files in place. */
export async function configurePackage(config: Config, log: (line: string) => void): Promise<void> {
  const facts = await askForFacts({ directory: packaged.program, node: process.execPath });
  await configure(config, { former: await factsOf(former), facts, isNew: true, log });
  await rm(former, { recursive: true, force: true });
}

/** Before dpkg removes the files. */
export async function leavePackage(config: Config, log: (line: string) => void): Promise<void> {
  await stopEverything(config, log);
  if (await unmountDisk(config)) log(`disk: unmounted; all data stays in ${config.baseDir}.btrfs`);
}
