/**
 * `myaas install`: the running program becomes this machine's MyAAS. Done twice it changes nothing; done with a newer
 * program it upgrades, and every connection to a database outlives that, for the gate goes on. A run that was cut off
 * is finished by the next.
 */
import { mkdir, readdir, readlink, rename, rm, symlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Config } from '../../config.ts';
import { pathsOf } from '../../paths.ts';
import { hasErrno } from '../../errors/error.ts';
import { errors } from '../../errors/errors.ts';
import { ensureAccounts } from '../accounts.ts';
import { isSystemdRunning } from '../dockerd.ts';
import { exists } from '../files.ts';
import { installPackages, missingPackages } from '../packages.ts';
import { layoutBelow, packaged, type Layout } from './layout.ts';
import { putParts } from './parts.ts';
import {
  askForFacts,
  type Facts,
  factsOf,
  makeRelease,
  nameFor,
  runningProgram,
  type Source,
} from './release.ts';
import { adoptUnits, isActive, startServices } from './systemd.ts';

type Log = (line: string) => void;

export interface InstallOptions {
  /** Below which directory files are put, and nothing else is done: for an image of another machine. */
  readonly root?: string | undefined;
  /** Debian packages that are missing are installed, unless it is false. */
  readonly packages: boolean;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/**
 * Throws `MYAAS_NEEDS_ROOT`, `MYAAS_OLDER_RELEASE`, `MYAAS_DISK_FULL`, and `MYAAS_HOST_NOT_READY` where a Debian
 * package of MyAAS is installed or the program is not a built one.
 */
export async function install(config: Config, options: InstallOptions): Promise<void> {
  const { root = '/', log, signal } = options;
  if (process.getuid?.() !== 0) throw errors.needsRoot('install');
  process.umask(0o022);
  const layout = layoutBelow(root);
  if (await exists(join(root, packaged.program))) {
    throw errors.hostNotReady(
      'MyAAS is installed as a Debian package.',
      'Upgrade that ("apt-get install ./myaas_….deb"), or remove it first ("apt-get remove myaas", the data stays).',
    );
  }
  const source = await runningProgram();
  const facts = await askForFacts(source);
  const former = await formerRelease(layout);
  if (former && isOlder(facts.version, former.facts.version)) {
    throw errors.olderRelease(facts.version, former.facts.version);
  }
  if (root === '/' && options.packages) await completePackages(log, signal);
  const release = await placeRelease(source, facts, layout, log);
  await putParts({ directory: release, node: join(release, 'node') }, layout, log);
  signal.throwIfAborted();
  await switchTo(release, layout);
  await removeOldReleases(layout, [release, former?.directory ?? release]);
  log(former ? `program: ${layout.link} leads to it` : `program: ${layout.link} leads there`);
  if (root !== '/') return;
  await configure(config, { former: former?.facts, facts, isNew: former?.directory !== release, log });
}

/** What files alone don't do: accounts, services. The Debian package, whose files dpkg puts in place, needs it too. */
export async function configure(
  config: Config,
  change: { former: Facts | undefined; facts: Facts; isNew: boolean; log: Log },
): Promise<void> {
  const { former, facts, isNew, log } = change;
  const made = await ensureAccounts();
  log(made.length === 0 ? 'accounts: there' : `accounts: made ${made.join(', ')}`);
  await adoptUnits({ first: former === undefined });
  const isPrepared = (await exists(pathsOf(config).registry)) || (await exists(`${config.baseDir}.btrfs`));
  if (!(await isSystemdRunning())) {
    log(
      'services: no systemd runs here, so start them by other means: "myaas serve" and "myaas gate", both as root;',
    );
    log('  and have "myaas update" run every night.');
    if (!isPrepared) log('next: "myaas init" prepares the machine');
    return;
  }
  if (!isPrepared) {
    log('next: "sudo myaas init" prepares the machine and starts the services');
    return;
  }
  const gateStays = former?.gateProtocol === facts.gateProtocol && (await isActive('myaas-gate.service'));
  await startServices({
    restart: [...(gateStays ? [] : ['myaas-gate.service']), ...(isNew ? ['myaas.service'] : [])],
  });
  log(isNew ? 'daemon: restarted' : 'daemon: runs');
  log(
    gateStays
      ? 'gate: goes on, with all connections (systemctl restart myaas-gate ends them, and gives it the new program)'
      : 'gate: restarted',
  );
}

async function completePackages(log: Log, signal: AbortSignal): Promise<void> {
  const missing = await missingPackages('docker needed');
  if (missing.length === 0) return;
  log(`installing Debian packages: ${missing.join(' ')}`);
  await installPackages(missing, signal);
}

/** What the link in the program path leads to. */
export async function formerRelease(
  layout: Layout,
): Promise<{ readonly directory: string; readonly facts: Facts } | undefined> {
  try {
    const directory = dirname(await readlink(layout.link));
    const place = join(layout.releases, basename(directory));
    const facts = await factsOf(place);
    return facts && { directory: place, facts };
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return undefined;
    if (!hasErrno(error, 'EINVAL')) throw error;
    throw errors.hostNotReady(
      `${layout.link} is a file of somebody else's.`,
      'Remove it, then start the installation again.',
    );
  }
}

/** The directory of the release, which is made unless it is there. */
async function placeRelease(source: Source, facts: Facts, layout: Layout, log: Log): Promise<string> {
  const release = join(layout.releases, await nameFor(source, facts));
  if (await factsOf(release)) {
    log(`program: ${release} is there already`);
    return release;
  }
  await makeRelease(source, release);
  log(`program: version ${facts.version}, in ${release}`);
  return release;
}

/** In one step: whoever calls `myaas` meanwhile gets the former release or this one. */
async function switchTo(release: string, layout: Layout): Promise<void> {
  const unfinished = `${layout.link}.unfinished`;
  await rm(unfinished, { force: true });
  await mkdir(dirname(layout.link), { recursive: true });
  // As it will be called on the machine, whatever the directory it is put below now.
  await symlink(join(layoutBelow('/').releases, basename(release), 'myaas'), unfinished);
  await rename(unfinished, layout.link);
}

/** The former release stays: the gate that goes on runs from it. */
async function removeOldReleases(layout: Layout, kept: readonly string[]): Promise<void> {
  for (const name of await readdir(layout.releases)) {
    const directory = join(layout.releases, name);
    if (!kept.includes(directory)) await rm(directory, { recursive: true });
  }
}

/** Whether version `a` comes before `b`; both are of the form `1.2.3`. */
export function isOlder(a: string, b: string): boolean {
  const [left, right] = [a, b].map((version) => version.split(/[.-]/).map(Number));
  for (const [at, number] of (left ?? []).entries()) {
    const other = right?.[at] ?? 0;
    if (number !== other) return number < other;
  }
  return false;
}
