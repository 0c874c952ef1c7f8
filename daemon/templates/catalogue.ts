/** The templates and their versions. A version is what has a manifest: its directory alone is a half-made import. */
import { mkdir, open, readdir, readFile, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { Type, type Static } from 'typebox';
import { Value } from 'typebox/value';
import type { Paths } from '../paths.ts';
import { ImportedContents, LoadSummary } from '../contract/templates.ts';
import { deleteSubvolume } from '../drivers/btrfs.ts';
import { engineOf } from '../engines/engines.ts';
import { hasErrno, messageOf } from '../errors/error.ts';
import { errors } from '../errors/errors.ts';
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
/** In a version that is being made or removed. What has neither this nor a manifest is not of our making. */
const unfinishedName = 'unfinished';
const versionPattern = /^\d{8}T\d{6}Z(-\d+)?$/;

export class Catalogue {
  readonly #paths: Paths;
  readonly #log: Log;
  /** Newest version first. */
  readonly #templates = new Map<string, Manifest[]>();
  /** Versions that are being made or removed: `template/version`. */
  readonly #inWork = new Set<string>();

  constructor(paths: Paths, log: Log) {
    this.#paths = paths;
    this.#log = log;
  }

  /** Reads what is there, and removes what imports have left half-made. */
  async load(): Promise<void> {
    this.#templates.clear();
    for (const { name: template } of await this.#templateDirectories()) {
      const manifests: Manifest[] = [];
      const entries = await readdir(`${this.#paths.templates}/${template}`, { withFileTypes: true });
      for (const { name: version } of entries.filter((entry) => entry.isDirectory())) {
        if (!versionPattern.test(version)) continue;
        const manifest = await this.#readManifest(template, version);
        if (manifest) manifests.push(manifest);
      }
      manifests.sort((a, b) => compareVersions(b.version, a.version));
      if (manifests.length > 0) this.#templates.set(template, manifests);
      else await this.#removeIfEmpty(template);
    }
  }

  async #templateDirectories() {
    const entries = await readdir(this.#paths.templates, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory() && isName('template', entry.name));
  }

  async #readManifest(template: string, version: string): Promise<Manifest | undefined> {
    const directory = this.#paths.version(template, version);
    let text: string;
    try {
      text = await readFile(`${directory}/${manifestName}`, 'utf8');
    } catch (error) {
      if (!hasErrno(error, 'ENOENT')) throw error;
      await this.#clearAway(template, version);
      return undefined;
    }
    for (const left of [unfinishedName, `${manifestName}.new`])
      await rm(`${directory}/${left}`, { force: true });
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

  /** A version without a manifest goes when it was begun or half removed by us, and stays when somebody else put it there. */
  async #clearAway(template: string, version: string): Promise<void> {
    const entries = await readdir(this.#paths.version(template, version));
    if (entries.length > 0 && !entries.includes(unfinishedName)) {
      this.#log.warn(`${template}/${version} is no version and not of our making: it is left alone.`);
      return;
    }
    this.#log.info(`Removing the half-made version ${template}/${version}.`);
    await this.discard(template, version);
  }

  /**
   * What lies among the templates and is no version: `ours` is left of something unfinished that nobody works on, and
   * `strange` is of a newer MyAAS, or somebody else's.
   */
  async leftovers(): Promise<{ ours: { template: string; version: string }[]; strange: string[] }> {
    const templates = (await this.#templateDirectories()).map(({ name }) => name);
    const strange = (await readdir(this.#paths.templates)).filter((name) => !templates.includes(name));
    const ours: { template: string; version: string }[] = [];
    for (const template of templates) {
      // What is removed meanwhile was ours.
      for (const version of await readdir(`${this.#paths.templates}/${template}`).catch(() => [])) {
        const entries = await readdir(this.#paths.version(template, version)).catch((): string[] => []);
        // Asked last: it may have been published during the look.
        if (this.#inWork.has(`${template}/${version}`)) continue;
        if (this.versions(template).some((manifest) => manifest.version === version)) continue;
        if (entries.includes(unfinishedName)) ours.push({ template, version });
        else if (entries.length > 0) strange.push(`${template}/${version}`);
      }
    }
    return { ours, strange };
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
    await mkdir(`${this.#paths.templates}/${template}`, { recursive: true });
    const taken = await readdir(`${this.#paths.templates}/${template}`);
    const version = versionAfter(new Date(), [...taken, this.current(template)?.version ?? '']);
    const directory = this.#paths.version(template, version);
    this.#inWork.add(`${template}/${version}`);
    await mkdir(directory);
    await writeFile(`${directory}/${unfinishedName}`, '');
    return version;
  }

  /** Publishes a finished version: the rename of its manifest is the one moment from which it is there. */
  async publish(manifest: Manifest): Promise<void> {
    await this.#write(manifest);
    this.#templates.set(manifest.template, [manifest, ...this.versions(manifest.template)]);
    this.abandon(manifest.template, manifest.version);
  }

  /** Has a version that is there say otherwise what it was made of. */
  async renew(manifest: Manifest): Promise<void> {
    await this.#write(manifest);
    const versions = this.versions(manifest.template);
    const isOf = ({ version }: Manifest) => version === manifest.version;
    this.#templates.set(
      manifest.template,
      versions.map((each) => (isOf(each) ? manifest : each)),
    );
  }

  async #write(manifest: Manifest): Promise<void> {
    const directory = this.#paths.version(manifest.template, manifest.version);
    const path = `${directory}/${manifestName}`;
    const file = await open(`${path}.new`, 'w', 0o600);
    try {
      await file.writeFile(`${JSON.stringify(manifest, null, 2)}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(`${path}.new`, path);
    await rm(`${directory}/${unfinishedName}`, { force: true });
    await syncDirectory(directory);
  }

  /** Removes a version, or what there is of it. It ceases to be one first, so that a crash leaves no broken version. */
  async discard(template: string, version: string): Promise<void> {
    const rest = this.versions(template).filter((manifest) => manifest.version !== version);
    if (rest.length > 0) this.#templates.set(template, rest);
    else this.#templates.delete(template);
    const directory = this.#paths.version(template, version);
    this.#inWork.add(`${template}/${version}`);
    try {
      await this.#removeVersion(directory);
    } finally {
      this.abandon(template, version);
    }
    await this.#removeIfEmpty(template);
  }

  /** Nobody works on this version any more: what is left of it, if it is unfinished, is for `leftovers`. */
  abandon(template: string, version: string): void {
    this.#inWork.delete(`${template}/${version}`);
  }

  async #removeVersion(directory: string): Promise<void> {
    try {
      await rename(`${directory}/${manifestName}`, `${directory}/${unfinishedName}`);
    } catch (error) {
      if (!hasErrno(error, 'ENOENT')) throw error;
    }
    await deleteSubvolume(`${directory}/datadir`);
    // Last the mark that all this is ours to remove.
    for (const name of await readdir(directory).catch(() => [])) {
      if (name !== unfinishedName) await rm(`${directory}/${name}`, { recursive: true, force: true });
    }
    await rm(directory, { recursive: true, force: true });
  }

  async #removeIfEmpty(template: string): Promise<void> {
    try {
      await rmdir(`${this.#paths.templates}/${template}`);
    } catch (error) {
      if (!hasErrno(error, 'ENOTEMPTY') && !hasErrno(error, 'ENOENT')) throw error;
    }
  }
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/** The name of a version made at `now`: newer than all that are there, also when the clock has been set back. */
export function versionAfter(now: Date, taken: readonly string[]): string {
  const stem = now.toISOString().replace(/[-:]|\.\d+/g, '');
  const newest = taken
    .filter((name) => versionPattern.test(name))
    .sort(compareVersions)
    .at(-1);
  if (newest === undefined || compareVersions(newest, stem) < 0) return stem;
  const [base = stem, ordinal = '1'] = newest.split('-');
  return `${base}-${String(Number(ordinal) + 1)}`;
}

function compareVersions(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}
