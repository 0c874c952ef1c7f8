/**
 * The life of a template's version, from dump to publication. The version before it serves clones all the while, and
 * stays as it was when anything fails.
 */
import { rm } from 'node:fs/promises';
import { execa } from 'execa';
import { setReadOnly, syncFilesystem } from '../drivers/btrfs.ts';
import type { Docker } from '../drivers/docker.ts';
import type { ServerImage } from '../host/images.ts';
import { messageOf } from '../errors/error.ts';
import type { Log } from '../log.ts';
import type { Manifest } from './catalogue.ts';
import { OnlyPlain } from './bulk/only-plain.ts';
import { assertDiskSpace, watchDisk } from './disk.ts';
import { hashCompanions } from './companions.ts';
import { assertUntouched, type Dump } from './dumps.ts';
import { fill } from './fill.ts';
import { isSame, planUpdate, type Update } from './parts/plan.ts';
import { readRecipe } from './recipe.ts';
import { settle, tryClone } from './rehearse.ts';
import { chooseServer, noServerFor } from './server-choice.ts';
import { ImportRun, type ImporterDeps, type ImportOrder, type OnProgress } from './run.ts';
import { fingerprint } from './formats/tree.ts';
import { isPacked } from './formats/unpack.ts';
import { isUnchanged } from './unchanged.ts';

/** By how much programs make SQL smaller, at most, as a rule. */
const usualPacking = 15;
const oneHourMs = 3_600_000;

/** Removes the containers of imports that the end of an earlier daemon cut short. */
export async function removeLeftoverImports(docker: Docker, log: Log): Promise<void> {
  for (const { containerId, role } of await docker.list()) {
    if (role === 'namespace' || role === 'server') continue;
    log.info(`Removing a left-over ${role} container.`);
    await docker.remove(containerId);
  }
}

export class Importer {
  readonly #deps: ImporterDeps;
  readonly #underWay = new Set<string>();

  constructor(deps: ImporterDeps) {
    this.#deps = deps;
  }

  /** What the containers and run directories of the imports under way are known by. */
  get underWay(): readonly string[] {
    return [...this.#underWay];
  }

  /** Whether the current version was made of exactly this dump and its companions. */
  async isUnchanged(dump: Dump, signal: AbortSignal): Promise<boolean> {
    const current = this.#deps.catalogue.current(dump.template);
    return current !== undefined && isUnchanged(current, dump, signal);
  }

  /**
   * Imports a dump as a new version and publishes it; undefined when it says the same as the current one was made of.
   * `force`: whatever the version before has. Throws `MYAAS_DUMP_BAD` where the dump is to blame.
   */
  async import(
    dump: Dump,
    signal: AbortSignal,
    onProgress: OnProgress,
    force: boolean,
  ): Promise<Manifest | undefined> {
    const { config, paths } = this.#deps;
    await assertDiskSpace(paths.templates, dump.sizeBytes + config.diskReserveBytes);
    const image = await this.#imageFor(dump, signal, onProgress);
    const order = { dump, image, signal, onProgress };
    const update = force ? undefined : await planUpdate(this.#deps, order);
    if (update && isSame(update)) {
      await this.#renew(dump, update);
      return undefined;
    }
    if (update) {
      try {
        return await this.#attempt({ ...order, bulk: true, update, loadBytes: update.loadBytes });
      } catch (error) {
        signal.throwIfAborted();
        // A full load comes out right, or tells what is the matter with the dump.
        this.#deps.log.info(`${dump.file} is loaded as a whole: ${messageOf(error)}`);
      }
    }
    const whole = { ...order, loadBytes: await textBytesOf(dump) };
    try {
      return await this.#attempt({ ...whole, bulk: true });
    } catch (error) {
      if (!(error instanceof OnlyPlain)) throw error;
      return this.#attempt({ ...whole, bulk: false });
    }
  }

  async #attempt(order: Omit<ImportOrder, 'version'>): Promise<Manifest> {
    const { catalogue, config, paths } = this.#deps;
    const { dump, signal } = order;
    const version = await catalogue.begin(dump.template);
    using disk = watchDisk(paths.templates, config.diskReserveBytes);
    const running = AbortSignal.any([signal, disk.full]);
    const run = new ImportRun(this.#deps, { ...order, version, signal: running });
    this.#underWay.add(run.id);
    try {
      const manifest = await build(run);
      await catalogue.publish(manifest);
      return manifest;
    } catch (error) {
      try {
        await run.dismantle();
        await catalogue.discard(dump.template, version);
      } catch (failure) {
        // Docker or the disk is away: `Reconciler` removes what is left. Why the import failed counts more.
        this.#deps.log.warn(`Undoing the import of ${dump.file}: ${messageOf(failure)}`);
        catalogue.abandon(dump.template, version);
      }
      running.throwIfAborted();
      throw error;
    } finally {
      this.#underWay.delete(run.id);
    }
  }

  /** The version before is of this dump as well, which is known by another time and hash. */
  async #renew(dump: Dump, { former, parts, sha256 }: Update): Promise<void> {
    await assertUntouched(dump);
    const hashes = await hashCompanions(dump.companions);
    await this.#deps.catalogue.renew({ ...former, parts, dump: { ...factsOf(dump, sha256), ...hashes } });
  }

  /** Had now, where no import has needed it before. */
  async #imageFor(dump: Dump, signal: AbortSignal, onProgress: OnProgress): Promise<ServerImage> {
    const { images } = this.#deps;
    const tell = (phase: string) =>
      onProgress({ phase, doneBytes: 0, totalBytes: dump.sizeBytes, secondsLeft: null });
    const choice = await chooseServer(dump, images, signal);
    try {
      return await images.obtain(choice, (what) => tell(`preparing the server image: ${what}`), signal);
    } catch (error) {
      signal.throwIfAborted();
      throw noServerFor(dump, choice, error);
    }
  }
}

/** Makes the version's data directory, read-only in the end, and its manifest. */
async function build(run: ImportRun): Promise<Manifest> {
  const { dump, deps } = run;
  const recipe = await readRecipe(run);
  const filled = await fill(run, recipe);
  // What is made with other settings is made anew when they are put back: old values have stood in it.
  if (recipe.mask) await settle(run, filled.database, run.engine.renewingFlags);
  if (recipe.mask || !filled.isSettled) await settle(run, filled.database);
  const sizeBytes = await directorySize(run.datadir);
  await rm(`${run.home}/tmp`, { recursive: true });
  await setReadOnly(run.datadir);
  await tryClone(run, filled.database);
  run.enter('publishing');
  await syncFilesystem(run.home);
  const parts = run.update?.parts ?? run.found?.parts;
  return {
    format: 1,
    template: dump.template,
    version: run.version,
    engine: run.engine.name,
    engineSeries: run.image.series,
    engineVersion: filled.engineVersion,
    importedAt: new Date().toISOString(),
    sizeBytes,
    dump: { ...factsOf(dump, filled.sha256), ...recipe.hashes },
    database: filled.database,
    databases: [...filled.databases],
    username: deps.config.dbUsername,
    contents: { ...filled.counts, sizeBytes },
    ...(recipe.mask?.required && { maskRequired: true }),
    ...(run.loaded && { loaded: run.loaded }),
    ...(parts && { parts }),
  };
}

/** How much there may be in a dump, unpacked. */
const textBytesOf = async (dump: Dump): Promise<number> =>
  dump.sizeBytes * (dump.format === 'file' && !(await isPacked(dump)) ? 1 : usualPacking);

/** By which a dump is known again. */
const factsOf = (dump: Dump, sha256: string) => ({
  file: dump.file,
  sizeBytes: dump.sizeBytes,
  modifiedMs: dump.modifiedMs,
  sha256,
  ...(dump.format !== 'file' && { fingerprint: fingerprint(dump.files) }),
});

/** Bytes of all files in a directory, by `du`. */
async function directorySize(path: string): Promise<number> {
  const { stdout } = await execa('du', ['--summarize', '--block-size=1', '--', path], { timeout: oneHourMs });
  return Number(stdout.split('\t')[0]);
}
