/**
 * Seeds: data directories of empty servers. Making one takes a server seconds and comes out the same each time, so it is
 * done once for each product, image and command, and imports begin with a snapshot. A seed is whole when it has its name:
 * it is made under another. Nothing in it is anybody's secret: keys and accounts are each template's own.
 */
import { createHash } from 'node:crypto';
import { chown, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import type { Paths } from '../paths.ts';
import { createSubvolume, deleteSubvolume, setReadOnly, snapshot, syncFilesystem } from '../drivers/btrfs.ts';
import { inContainer } from '../engines/engine.ts';
import { hasErrno } from '../errors/error.ts';
import { errors } from '../errors/errors.ts';
import type { Images, ServerImage } from '../host/images.ts';
import { Locks } from '../locks.ts';
import type { ImportRun } from './run.ts';

const unfinished = '.unfinished';

/** Which servers' data directories it is like: those of the very image that is called so now. */
const stemOf = ({ engine, series, id }: ServerImage): string =>
  `${engine}-${series}-${createHash('sha256').update(id).digest('hex').slice(0, 12)}`;

function nameOf({ image, deps }: ImportRun, command: readonly string[]): string {
  const made = createHash('sha256')
    .update(JSON.stringify([command, deps.servers.owner]))
    .digest('hex');
  return `${stemOf(image)}-${made.slice(0, 12)}`;
}

export class Seeds {
  readonly #paths: Paths;
  readonly #images: Pick<Images, 'list'>;
  /** None is made twice, or removed by one import while another takes it. */
  readonly #locks = new Locks();

  constructor(paths: Paths, images: Pick<Images, 'list'>) {
    this.#paths = paths;
    this.#images = images;
  }

  /** Makes the data directory of an import: what the product's `command` makes of an empty one. */
  async plant(run: ImportRun, command: readonly string[]): Promise<void> {
    const name = nameOf(run, command);
    await this.#locks.run('seeds', async () => {
      run.signal.throwIfAborted();
      const names = await this.#names();
      if (!names.includes(name)) {
        await this.#removeOutdated(names);
        await this.#make(run, command, name);
      }
      await snapshot(`${this.#homeOf(name)}/datadir`, run.datadir);
    });
    for (const file of run.engine.identityFiles ?? []) await rm(`${run.datadir}/${file}`);
  }

  /** Removes what is half-made, and what was made of images that are gone. */
  async tidy(): Promise<void> {
    await this.#locks.run('seeds', async () => this.#removeOutdated(await this.#names()));
  }

  #homeOf(name: string): string {
    return `${this.#paths.seeds}/${name}`;
  }

  async #names(): Promise<string[]> {
    try {
      return await readdir(this.#paths.seeds);
    } catch (error) {
      if (hasErrno(error, 'ENOENT')) return [];
      throw error;
    }
  }

  async #removeOutdated(names: readonly string[]): Promise<void> {
    const current = this.#images.list().map(stemOf);
    for (const name of names) {
      const isCurrent = current.some((stem) => name.startsWith(`${stem}-`));
      if (!isCurrent || name.endsWith(unfinished)) await this.#remove(name);
    }
  }

  async #remove(name: string): Promise<void> {
    await deleteSubvolume(`${this.#homeOf(name)}/datadir`);
    await rm(this.#homeOf(name), { recursive: true, force: true });
  }

  async #make(run: ImportRun, command: readonly string[], name: string): Promise<void> {
    const { uid, gid } = run.deps.servers.owner;
    const home = this.#homeOf(name + unfinished);
    await mkdir(`${home}/tmp`, { recursive: true });
    try {
      await createSubvolume(`${home}/datadir`);
      for (const directory of ['datadir', 'tmp']) await chown(`${home}/${directory}`, uid, gid);
      await initialise(run, command, home);
      await rm(`${home}/tmp`, { recursive: true });
      await setReadOnly(`${home}/datadir`);
      await syncFilesystem(home);
      await rename(home, this.#homeOf(name));
    } catch (error) {
      await run.deps.servers.dismantle(run.id);
      await this.#remove(name + unfinished);
      throw error;
    }
  }
}

/** Has the product fill the empty data directory in `home`. */
async function initialise(run: ImportRun, command: readonly string[], home: string): Promise<void> {
  const { docker, servers, config } = run.deps;
  const { uid, gid } = servers.owner;
  // initdb wants to know by what name it runs, and images know no name of an account of ours.
  const users = `${home}/passwd`;
  await writeFile(users, `root:x:0:0::/:/bin/sh\nmyaas:x:${String(uid)}:${String(gid)}::/:/bin/false\n`);
  const containerId = await docker.create({
    role: 'initialise',
    id: run.id,
    // What the seed is called by, though another be called so meanwhile.
    image: run.image.id,
    command,
    user: servers.owner,
    mounts: [
      { source: home, target: inContainer.home },
      { source: users, target: '/etc/passwd', readOnly: true },
    ],
    memoryBytes: config.memoryLimitBytes,
  });
  const exitCode = await run.runToEnd(containerId);
  if (exitCode !== 0) {
    throw errors.serverFailed(
      `The data directory could not be initialised (exit code ${String(exitCode)}).`,
      await servers.lastWords(containerId),
    );
  }
  await docker.remove(containerId);
  await rm(users);
}
