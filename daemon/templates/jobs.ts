/** Import jobs: so many imports at a time, each failing for itself, all seen by whoever watches. */
import { randomBytes } from 'node:crypto';
import type { Failure, Import, Job, JobState, Progress } from '../contract/templates.ts';
import type { Registry } from '../drivers/registry.ts';
import { messageOf, MyaasError } from '../errors/error.ts';
import { errors } from '../errors/errors.ts';
import type { Log } from '../log.ts';
import { checkName } from '../names.ts';
import { Slots } from '../slots.ts';
import type { Catalogue } from './catalogue.ts';
import { listDumps, refreshDump, type BadDump, type Dump } from './dumps.ts';
import type { Importer } from './import.ts';

interface Work {
  /** Replaced as a whole at every change; `dump` is absent for a file that cannot be one. */
  import: Import;
  readonly dump: Dump | undefined;
}

interface RunningJob {
  readonly id: string;
  readonly startedAt: string;
  readonly work: readonly Work[];
  readonly cancelling: AbortController;
  readonly done: Promise<void>;
  state: JobState;
  finishedAt: string | null;
}

export interface ImportJobsDeps {
  readonly dumpsDirectory: string;
  readonly importer: Importer;
  readonly catalogue: Catalogue;
  readonly registry: Registry;
  readonly log: Log;
  readonly importsAtATime: number;
  readonly onJob: (job: Job) => void;
  readonly onTemplate: (template: string) => void;
  /** Removes the versions of a template that nobody needs any more. */
  readonly prune: (template: string) => Promise<void>;
}

/** Jobs that have ended are kept for those who ask later. */
const keptJobs = 50;

export class ImportJobs {
  readonly #deps: ImportJobsDeps;
  readonly #jobs = new Map<string, RunningJob>();
  /** The last import of each template: running, or how it ended. */
  readonly #latest: Map<string, Import>;
  /** All imports of all jobs, in the order they came. */
  readonly #slots: Slots;
  /** A template is made by one import at a time. */
  readonly #templateSlots = new Map<string, Slots>();

  constructor(deps: ImportJobsDeps) {
    this.#deps = deps;
    this.#slots = new Slots(deps.importsAtATime);
    this.#latest = deps.registry.failedImports() as Map<string, Import>;
  }

  /**
   * Starts a job for the named templates, or all dumps there are. Throws `MYAAS_BAD_NAME`, and `MYAAS_DUMP_NOT_FOUND`
   * when a named template has no dump.
   */
  async start(request: {
    templates?: readonly string[] | undefined;
    force?: boolean | undefined;
  }): Promise<Job> {
    const names = request.templates?.map((name) => checkName('template', name));
    const { dumps, bad } = await listDumps(this.#deps.dumpsDirectory);
    const wanted = ({ template }: { template: string }) => names?.includes(template) ?? true;
    const found = [...dumps, ...bad].filter(wanted);
    for (const name of names ?? []) {
      if (!found.some(({ template }) => template === name))
        throw errors.dumpNotFound(name, this.#deps.dumpsDirectory);
    }
    const work: Work[] = [...dumps.filter(wanted).map(workOf), ...bad.filter(wanted).map(badWorkOf)];
    const cancelling = new AbortController();
    const job: RunningJob = {
      id: randomBytes(6).toString('hex'),
      startedAt: new Date().toISOString(),
      work,
      cancelling,
      state: 'running',
      finishedAt: null,
      // Not before the job is known to all.
      done: Promise.resolve().then(() => this.#run(job, request.force ?? false)),
    };
    if (!names) this.#forgetVanished(new Set(found.map(({ template }) => template)));
    this.#jobs.set(job.id, job);
    for (const [id, { state }] of this.#jobs)
      if (this.#jobs.size > keptJobs && state !== 'running') this.#jobs.delete(id);
    this.#deps.onJob(viewOf(job));
    return viewOf(job);
  }

  job(id: string): Job {
    return viewOf(this.#find(id));
  }

  #find(id: string): RunningJob {
    const job = this.#jobs.get(id);
    if (!job) throw errors.jobNotFound(id);
    return job;
  }

  /** Cancels a job and waits until what it was doing is undone; what only waited does not keep it. */
  async cancel(id: string): Promise<Job> {
    const job = this.#find(id);
    job.cancelling.abort(errors.cancelled(`Import job ${id}`));
    await job.done;
    return viewOf(job);
  }

  /** Cancels everything and waits. */
  async stop(): Promise<void> {
    const running = [...this.#jobs.values()].filter(({ state }) => state === 'running');
    await Promise.all(running.map(({ id }) => this.cancel(id)));
  }

  /** Whether anything is being imported, or waits for it. */
  get isRunning(): boolean {
    return [...this.#jobs.values()].some(({ state }) => state === 'running');
  }

  /** The running or last import of a template; null when the last one went well long ago. */
  latest(template: string): Import | null {
    return this.#latest.get(template) ?? null;
  }

  /** Templates that have an import to show, and perhaps no version yet. */
  templatesWithImports(): string[] {
    return [...this.#latest.keys()];
  }

  forget(template: string): void {
    this.#latest.delete(template);
    this.#deps.registry.clearFailedImport(template);
  }

  /** A failed import is shown until its dump is mended, or taken away. */
  #forgetVanished(present: ReadonlySet<string>): void {
    for (const [template, { state }] of this.#latest) {
      if (state !== 'failed' || present.has(template)) continue;
      this.forget(template);
      this.#deps.onTemplate(template);
    }
  }

  async #run(job: RunningJob, force: boolean): Promise<void> {
    try {
      await this.#runAll(job, force);
    } catch (error) {
      // Only what is wrong with the daemon itself gets here; the next job must run all the same.
      this.#deps.log.error(
        `Import job ${job.id}: ${error instanceof Error ? (error.stack ?? '') : messageOf(error)}`,
      );
      job.state = 'failed';
      job.finishedAt = new Date().toISOString();
    }
    this.#deps.onJob(viewOf(job));
  }

  async #runAll(job: RunningJob, force: boolean): Promise<void> {
    await Promise.all(job.work.map((work) => this.#runOne(job, work, force)));
    const states = new Set(job.work.map((work) => work.import.state));
    job.state = states.has('cancelled') ? 'cancelled' : states.has('failed') ? 'failed' : 'succeeded';
    job.finishedAt = new Date().toISOString();
  }

  async #runOne(job: RunningJob, work: Work, force: boolean): Promise<void> {
    const { signal } = job.cancelling;
    if (!work.dump) {
      this.#settle(job, work);
      return;
    }
    const turn = await this.#takeTurn(work.dump.template, signal);
    if (!turn) {
      this.#change(job, work, { state: 'cancelled' });
      return;
    }
    using _ = turn;
    await this.#import(job, work, work.dump, force, signal);
  }

  /** Waits until this template may be imported; undefined when the signal aborts first. */
  async #takeTurn(template: string, signal: AbortSignal): Promise<Disposable | undefined> {
    const own = this.#templateSlots.get(template) ?? new Slots(1);
    this.#templateSlots.set(template, own);
    using turn = new DisposableStack();
    try {
      turn.use(await own.take(signal));
      turn.use(await this.#slots.take(signal));
    } catch (error) {
      if (signal.aborted) return undefined;
      throw error;
    }
    return turn.move();
  }

  async #import(
    job: RunningJob,
    work: Work,
    listed: Dump,
    force: boolean,
    signal: AbortSignal,
  ): Promise<void> {
    const { importer, log } = this.#deps;
    const startedMs = performance.now();
    const seconds = () => Math.round((performance.now() - startedMs) / 100) / 10;
    try {
      const dump = await refreshDump(this.#deps.dumpsDirectory, listed);
      // A dump that failed is tried again, though it be the same: the reason may have been elsewhere.
      const isSame = !force && (await importer.isUnchanged(dump, signal));
      if (!isSame) this.#change(job, work, { state: 'running' });
      const onProgress = (progress: Progress) => this.#change(job, work, { progress });
      const manifest = isSame ? undefined : await importer.import(dump, signal, onProgress, force);
      if (!manifest) {
        this.#change(job, work, { state: 'unchanged', progress: null });
        this.forget(dump.template);
        this.#deps.onTemplate(dump.template);
        return;
      }
      const { version, contents, loaded } = manifest;
      this.#change(job, work, {
        state: 'imported',
        version,
        ...(contents && { contents }),
        ...(loaded && { summary: loaded }),
        seconds: seconds(),
      });
      log.info(`Imported ${dump.file} as ${dump.template}/${version} in ${String(seconds())} s.`);
    } catch (error) {
      if (signal.aborted) this.#change(job, work, { state: 'cancelled', seconds: seconds() });
      else this.#change(job, work, { state: 'failed', error: failureOf(error), seconds: seconds() });
      if (!(error instanceof MyaasError))
        log.error(
          `Import of ${listed.file}: ${error instanceof Error ? (error.stack ?? '') : messageOf(error)}`,
        );
    }
    this.#settle(job, work);
    await this.#deps.prune(listed.template);
  }

  /** Keeps how an import ended where a restart does not lose it. */
  #settle(job: RunningJob, work: Work): void {
    const { registry, log } = this.#deps;
    const { template, state, error } = work.import;
    if (state === 'failed') {
      log.error(`Import of template ${template} failed: ${error?.message ?? ''}`);
      registry.setFailedImport(template, work.import);
    } else {
      registry.clearFailedImport(template);
    }
    this.#change(job, work, {});
  }

  #change(job: RunningJob, work: Work, changes: Partial<Import>): void {
    work.import = { ...work.import, ...changes };
    if (work.import.state !== 'queued') this.#latest.set(work.import.template, work.import);
    this.#deps.onJob(viewOf(job));
    this.#deps.onTemplate(work.import.template);
  }
}

function workOf(dump: Dump): Work {
  return { dump, import: { ...blank, template: dump.template, dump: dump.file } };
}

function badWorkOf({ template, file, error }: BadDump): Work {
  return {
    dump: undefined,
    import: { ...blank, template, dump: file, state: 'failed', error: failureOf(error) },
  };
}

const blank = {
  state: 'queued',
  progress: null,
  error: null,
  version: null,
  seconds: null,
} as const;

function failureOf(thrown: unknown): Failure {
  const { code, message, hint } = thrown instanceof MyaasError ? thrown : errors.internal(thrown);
  return { code, message, hint };
}

function viewOf({ id, state, startedAt, finishedAt, work }: RunningJob): Job {
  return { id, state, startedAt, finishedAt, imports: work.map((each) => each.import) };
}
