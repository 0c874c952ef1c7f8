/**
 * Volumes of Docker: clones of a template whose server is somebody else's. MyAAS gives the account of the data its
 * password, by a server of its own that is shut down cleanly before anybody can mount it; from then on the data directory
 * is the user's until the volume is removed. Each step is recorded before it is done, as with instances.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, rename, rm } from 'node:fs/promises';
import { execa } from 'execa';
import type { Config } from '../config.ts';
import type { Paths } from '../paths.ts';
import { deleteSubvolume } from '../drivers/btrfs.ts';
import type { VolumeRow, VolumeStore } from '../drivers/registry-volumes.ts';
import { errors } from '../errors/errors.ts';
import type { Admission } from '../instances/admission.ts';
import type { Builder, Clone } from '../instances/builder.ts';
import type { DiskLimit } from '../instances/disk-limit.ts';
import { makePassword } from '../instances/passwords.ts';
import { Locks } from '../locks.ts';
import type { Log } from '../log.ts';
import { checkName } from '../names.ts';
import type { Catalogue } from '../templates/catalogue.ts';
import { parseVolumeOptions, readPassword, type VolumeOptions } from './options.ts';

export interface VolumesDeps {
  readonly config: Pick<Config, 'dbPassword'>;
  readonly paths: Paths;
  readonly store: VolumeStore;
  readonly catalogue: Catalogue;
  readonly admission: Admission;
  readonly builder: Builder;
  readonly diskLimit: Pick<DiskLimit, 'applyOwn'>;
  /** Returns when all that was recorded so far has come to the disk. */
  readonly flush: () => Promise<void>;
  readonly log: Log;
}

const chownTimeoutMs = 600_000;

export class Volumes {
  readonly #deps: VolumesDeps;
  readonly #locks = new Locks();
  readonly #stopping = new AbortController();

  constructor(deps: VolumesDeps) {
    this.#deps = deps;
  }

  list(): VolumeRow[] {
    return this.#deps.store.list().filter(({ state }) => state === 'ready');
  }

  /** Throws `MYAAS_VOLUME_NOT_FOUND`. */
  get(name: string): VolumeRow {
    const row = this.#deps.store.byName(name);
    if (row?.state !== 'ready') throw errors.volumeNotFound(name);
    return row;
  }

  /** Where its data is on the host. */
  mountpointOf({ id }: Pick<VolumeRow, 'id'>): string {
    return `${this.#deps.paths.volume(id)}/datadir`;
  }

  /**
   * Returns when the data can be mounted. One of this name that is there already is fine: Docker asks again for what it
   * has forgotten. When it fails, nothing is left.
   */
  async create(name: string, options: Readonly<Record<string, string>>): Promise<void> {
    checkName('volume', name);
    const wanted = parseVolumeOptions(options);
    await this.#locks.run(name, async () => {
      const { store, catalogue, admission, config, log } = this.#deps;
      const there = store.byName(name);
      if (there) {
        if (there.template !== wanted.template) throw errors.volumeExists(name, there.template);
        return;
      }
      const manifest = catalogue.find(wanted.template, wanted.version);
      const password =
        wanted.passwordFile === undefined
          ? (config.dbPassword ?? makePassword())
          : await readPassword(wanted.passwordFile);
      await admission.checkDisk();
      using _ = await admission.enter();
      const row = store.add({
        id: randomBytes(6).toString('hex'),
        name,
        state: 'creating',
        template: manifest.template,
        version: manifest.version,
        engine: manifest.engine,
        databaseName: manifest.database,
        username: manifest.username,
        password,
        sizeBytes: manifest.sizeBytes,
        createdAt: new Date().toISOString(),
      });
      try {
        await this.#deps.flush();
        await this.#make({ ...row, engineSeries: manifest.engineSeries ?? '' }, wanted);
        store.setState(row.id, 'ready');
        await this.#deps.flush();
        log.info(`Volume "${name}" is a clone of ${row.template} ${row.version}.`);
      } catch (error) {
        await this.#remove(row);
        throw error;
      }
    });
  }

  async #make(
    row: VolumeRow & Pick<Clone, 'engineSeries'>,
    { owner, diskLimitBytes }: VolumeOptions,
  ): Promise<void> {
    const { builder, diskLimit, paths } = this.#deps;
    const { signal } = this.#stopping;
    const clone: Clone = { ...row };
    await builder.build(clone, signal);
    await builder.openToNetwork(clone, signal);
    await builder.stop(clone);
    if (diskLimitBytes !== undefined) await diskLimit.applyOwn(clone.id, diskLimitBytes);
    await mkdir(paths.volume(row.id), { recursive: true, mode: 0o755 });
    await rename(`${paths.instance(row.id)}/datadir`, this.mountpointOf(row));
    await builder.remove(row.id);
    if (!owner) return;
    const { uid, gid } = owner;
    await execa('chown', ['--recursive', '--no-dereference', `${uid}:${gid}`, '--', this.mountpointOf(row)], {
      timeout: chownTimeoutMs,
    });
  }

  /** Removes a volume and all its data. Docker does not ask while a container uses it. Throws `MYAAS_VOLUME_NOT_FOUND`. */
  async remove(name: string): Promise<void> {
    await this.#locks.run(name, () => this.#remove(this.get(name)));
  }

  /** Every step is fine when there is nothing to do. */
  async #remove(row: VolumeRow): Promise<void> {
    const { store, builder, paths, flush } = this.#deps;
    store.setState(row.id, 'deleting');
    await flush();
    await builder.remove(row.id);
    await deleteSubvolume(this.mountpointOf(row));
    await rm(paths.volume(row.id), { recursive: true, force: true });
    store.remove(row.id);
  }

  /** Undoes what a crash has left half-made. */
  async recover(): Promise<void> {
    const { store, log } = this.#deps;
    for (const row of store.list()) {
      if (row.state === 'ready') continue;
      log.info(`Undoing the half-made volume "${row.name}".`);
      await this.#locks.run(row.name, () => this.#remove(row));
    }
  }

  /** Cancels what is being made, and waits until that is undone. */
  async stop(): Promise<void> {
    this.#stopping.abort(errors.cancelled('The making of a volume, by the end of the daemon,'));
    await this.#locks.drained();
  }
}
