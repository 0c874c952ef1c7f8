/** What clients see of templates, and what operators do with them besides importing. */
import type { Template } from '../contract/templates.ts';
import type { Registry } from '../drivers/registry.ts';
import { errors } from '../errors/errors.ts';
import type { Events } from '../events.ts';
import type { Instances } from '../instances/instances.ts';
import type { Ledger } from '../instances/ledger.ts';
import type { Pool } from '../instances/pool.ts';
import { refOf } from '../instances/view.ts';
import { checkName } from '../names.ts';
import type { Catalogue } from './catalogue.ts';
import type { ImportJobs } from './jobs.ts';

export interface TemplatesDeps {
  readonly catalogue: Catalogue;
  readonly ledger: Ledger;
  readonly instances: Instances;
  readonly pool: Pool;
  readonly registry: Registry;
  /** Comes later: jobs and templates know each other. */
  readonly jobs: () => ImportJobs;
  readonly events: Events;
  readonly keepVersions: number;
}

export class Templates {
  readonly #deps: TemplatesDeps;

  constructor(deps: TemplatesDeps) {
    this.#deps = deps;
  }

  list(): Template[] {
    const { catalogue, jobs } = this.#deps;
    const names = new Set([...catalogue.names(), ...jobs().templatesWithImports()]);
    return [...names].sort().map((name) => this.#view(name));
  }

  /** Throws `MYAAS_TEMPLATE_NOT_FOUND`. */
  get(name: string): Template {
    const { catalogue, jobs } = this.#deps;
    if (!catalogue.current(name) && !jobs().latest(name)) throw errors.templateNotFound(name.slice(0, 80));
    return this.#view(name);
  }

  isImporting(name: string): boolean {
    const state = this.#deps.jobs().latest(name)?.state;
    return state === 'running' || state === 'queued';
  }

  #view(name: string): Template {
    const { catalogue, jobs } = this.#deps;
    const versions = catalogue.versions(name);
    const current = versions[0];
    // Asked for at every change of the pool, while somebody waits for a claim.
    const users = this.#deps.registry.instancesByVersion(name);
    return {
      name,
      engine: current?.engine ?? '',
      current: current?.version ?? null,
      sizeBytes: current?.sizeBytes ?? 0,
      importedAt: current?.importedAt ?? null,
      versions: versions.map((manifest) => ({
        version: manifest.version,
        importedAt: manifest.importedAt,
        sizeBytes: manifest.sizeBytes,
        dump: manifest.dump.file,
        dumpModifiedAt: new Date(manifest.dump.modifiedMs).toISOString(),
        engineVersion: manifest.engineVersion,
        databases: manifest.databases,
        instances: users.get(manifest.version) ?? 0,
      })),
      import: jobs().latest(name),
      pool: this.#deps.pool.state(name),
    };
  }

  /** Tells whoever watches that a template changed, or is gone. */
  publish(name: string): void {
    const { catalogue, jobs, events } = this.#deps;
    const exists = catalogue.current(name) !== undefined || jobs().latest(name) !== null;
    events.publish(
      exists ? { type: 'template', template: this.#view(name) } : { type: 'template-deleted', name },
    );
  }

  /** After an import: the pool follows, and the versions beyond the newest few that no instance was cloned from go. */
  async prune(name: string): Promise<void> {
    const { catalogue, pool, registry, keepVersions } = this.#deps;
    pool.stir();
    for (const { version } of catalogue.versions(name).slice(keepVersions)) {
      // Asked anew for each: instances come and go meanwhile.
      if (registry.instancesByVersion(name).has(version)) continue;
      await pool.clear(name, version);
      await catalogue.discard(name, version);
    }
    this.publish(name);
  }

  /** Throws `MYAAS_TEMPLATE_IN_USE` while there are instances of it, unless forced: then they go with it. */
  async delete(name: string, force: boolean): Promise<void> {
    const { catalogue, ledger, instances, pool, jobs } = this.#deps;
    checkName('template', name);
    this.get(name);
    if (this.isImporting(name)) throw errors.templateBusy(name);
    const users = ledger.list().filter(({ template }) => template === name);
    if (users.length > 0 && !force) throw errors.templateInUse(name, users.map(refOf));
    await Promise.all(users.map((row) => instances.delete(row, true)));
    // The oldest first: a deletion that is cut short must not make an old version the current one.
    for (const { version } of catalogue.versions(name).toReversed()) await catalogue.discard(name, version);
    // After its versions: until they are gone the pool would make others.
    await pool.clear(name);
    jobs().forget(name);
    this.publish(name);
  }
}
