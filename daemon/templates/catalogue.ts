/** The templates and their versions. A version is what has a manifest: its directory alone is a half-made import. */
import { mkdir, open, readdir, readFile, rename, rm, rmdir } from 'node:fs/promises';
import { Type, type Static } from 'typebox';
import { Value } from 'typebox/value';
import type { Paths } from '../config.ts';
import { ImportedContents, LoadSummary } from '../contract.ts';
import { deleteSubvolume } from '../drivers/btrfs.ts';
import { engineOf } from '../engines/engines.ts';
import { errors, hasErrno, messageOf } from '../errors.ts';
import { isName } from '../names.ts';
import { DumpParts } from './parts/dump-parts.ts';
import type { Log } from '../log.ts';

const Manifest = Type.Object({
  format: Type.Literal(1),
  template: Type.String(),
  version: Type.String(),
  engine: Type.String(),
  /** Which servers open its files: "11.8". Versions of before there were several do not say. */
  engineSeries: Type.Optional(Type.String()),
  engineVersion: Type.String(),
  importedAt: Type.String(),
  sizeBytes: Type.Integer(),
  dump: Type.Object({
    file: Type.String(),
    sizeBytes: Type.Integer(),
    modifiedMs: Type.Number(),
    sha256: Type.String(),
    /** Of a directory: names, sizes and times of all its files. */
    fingerprint: Type.Optional(Type.String()),
    hookSha256: Type.Union([Type.String(), Type.Null()]),
    scriptSha256: Type.Optional(Type.Union([Type.String(), Type.Null()])),
    maskSha256: Type.Optional(Type.Union([Type.String(), Type.Null()])),
    engineSha256: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  }),
  /** The database that clients are given. */
  database: Type.String(),
  databases: Type.Array(Type.String()),
  username: Type.String(),
  contents: Type.Optional(ImportedContents),
  /** How its large tables were loaded, when it was made of a file of SQL. */
  loaded: Type.Optional(LoadSummary),
  /** What the next import is compared with, when it was made of a file of SQL whose parts can be told apart. */
  parts: Type.Optional(DumpParts),
  /** Whether its mask says that this template is never published without one. */
  maskRequired: Type.Optional(Type.Boolean()),
});
/** What a version carries with it, so that it can be shipped to another host. */
export type Manifest = Static<typeof Manifest>;

const manifestName = 'manifest.json';
const versionPattern = /^\d{8}T\d{6}Z(-\d+)?$/;

export class Catalogue {
  readonly #paths: Paths;
  readonly #log: Log;
  /** Newest version first. */
  readonly #templates = new Map<string, Manifest[]>();

  constructor(paths: Paths, log: Log) {
    this.#paths = paths;
    this.#log = log;
  }

  /** Reads what is there, and removes what imports have left half-made. */
  async load(): Promise<void> {
    this.#templates.clear();
    for (const template of await readdir(this.#paths.templates)) {
      if (!isName('template', template)) continue;
      const manifests: Manifest[] = [];
      for (const version of await readdir(`${this.#paths.templates}/${template}`)) {
        if (!versionPattern.test(version)) continue;
        const manifest = await this.#readManifest(template, version);
        if (manifest) manifests.push(manifest);
      }
      manifests.sort((a, b) => compareVersions(b.version, a.version));
      if (manifests.length > 0) this.#templates.set(template, manifests);
      else await this.#removeIfEmpty(template);
    }
  }

  async #readManifest(template: string, version: string): Promise<Manifest | undefined> {
    const directory = this.#paths.version(template, version);
    let text: string;
    try {
      text = await readFile(`${directory}/${manifestName}`, 'utf8');
    } catch {
      this.#log.info(`Removing the half-made version ${template}/${version}.`);
      await this.discard(template, version);
      return undefined;
    }
    try {
      const manifest: unknown = JSON.parse(text);
      Value.Assert(Manifest, manifest);
      engineOf(manifest.engine);
      return manifest;
    } catch (error) {
      // Not ours to delete: it may be of a newer MyAAS.
      this.#log.error(
        `${directory}/${manifestName} can't be understood, so this version is left out: ${messageOf(error)}`,
      );
      return undefined;
    }
  }

  names(): string[] {
    return [...this.#templates.keys()].sort();
  }

  /** Newest first; empty when there is no such template. */
  versions(template: string): readonly Manifest[] {
    return this.#templates.get(template) ?? [];
  }

  current(template: string): Manifest | undefined {
    return this.versions(template)[0];
  }

  /** The version asked for, or the current one. Throws `MYAAS_TEMPLATE_NOT_FOUND`, `MYAAS_VERSION_NOT_FOUND`. */
  find(template: string, version?: string): Manifest {
    const current = this.current(template);
    if (!current) throw errors.templateNotFound(template);
    if (version === undefined || version === 'latest') return current;
    const found = this.versions(template).find((manifest) => manifest.version === version);
    if (!found) throw errors.versionNotFound(template, version);
    return found;
  }

  /** A directory for a new version, and its name: the time, so that names sort by age. */
  async begin(template: string): Promise<string> {
    const stem = new Date().toISOString().replace(/[-:]|\.\d+/g, '');
    await mkdir(`${this.#paths.templates}/${template}`, { recursive: true });
    const taken = new Set(await readdir(`${this.#paths.templates}/${template}`));
    let version = stem;
    for (let n = 2; taken.has(version); n++) version = `${stem}-${String(n)}`;
    await mkdir(this.#paths.version(template, version));
    return version;
  }

  /** Publishes a finished version: the rename of its manifest is the one moment from which it is there. */
  async publish(manifest: Manifest): Promise<void> {
    const path = `${this.#paths.version(manifest.template, manifest.version)}/${manifestName}`;
    const file = await open(`${path}.new`, 'w', 0o600);
    try {
      await file.writeFile(`${JSON.stringify(manifest, null, 2)}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(`${path}.new`, path);
    this.#templates.set(manifest.template, [manifest, ...this.versions(manifest.template)]);
  }

  /** Removes a version, or what there is of it. Its manifest goes first, so that a crash leaves no broken version. */
  async discard(template: string, version: string): Promise<void> {
    const rest = this.versions(template).filter((manifest) => manifest.version !== version);
    if (rest.length > 0) this.#templates.set(template, rest);
    else this.#templates.delete(template);
    const directory = this.#paths.version(template, version);
    await rm(`${directory}/${manifestName}`, { force: true });
    await deleteSubvolume(`${directory}/datadir`);
    await rm(directory, { recursive: true, force: true });
    await this.#removeIfEmpty(template);
  }

  async #removeIfEmpty(template: string): Promise<void> {
    try {
      await rmdir(`${this.#paths.templates}/${template}`);
    } catch (error) {
      if (!hasErrno(error, 'ENOTEMPTY') && !hasErrno(error, 'ENOENT')) throw error;
    }
  }
}

function compareVersions(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}
