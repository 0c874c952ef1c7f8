/** Mends what registry, Docker and disk disagree about, and remembers what it found. */
import { rm } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { Finding, Status } from '../contract/status.ts';
import { messageOf } from '../errors/error.ts';
import type { Log } from '../log.ts';
import type { Catalogue } from '../templates/catalogue.ts';
import { cloneOf, type Builder } from './builder.ts';
import type { Instances } from './instances.ts';
import type { Ledger } from './ledger.ts';
import type { Discrepancy } from './reconcile.ts';
import { survey, type SurveyDeps } from './survey.ts';
import type { Upkeep } from './upkeep.ts';
import { refOf } from './view.ts';

export interface ReconcilerDeps extends SurveyDeps {
  readonly catalogue: Catalogue;
  readonly ledger: Ledger;
  readonly instances: Instances;
  readonly builder: Builder;
  readonly upkeep: Pick<Upkeep, 'revive'>;
  readonly log: Log;
}

const intervalMs = 60_000;
/** A server that nobody knows may hold data that somebody wants: it may end cleanly. */
const shutdownGraceSeconds = 60;
/** Of what was mended; what is left as it is, is told as long as it is there. */
const rememberedFindings = 50;

export class Reconciler {
  readonly #deps: ReconcilerDeps;
  readonly #mended: Finding[] = [];
  /** What was found last and is as it was found: left alone, or not to be mended yet. */
  #open: readonly Finding[] = [];
  #checked: { readonly checkedAt: string; readonly durationMs: number } | undefined;
  #run: Promise<void> = Promise.resolve();

  constructor(deps: ReconcilerDeps) {
    this.#deps = deps;
  }

  /** When all was compared last, and what was found; the newest last. */
  get report(): Status['reconciled'] {
    const { checkedAt = null, durationMs = null } = this.#checked ?? {};
    return { checkedAt, durationMs, findings: [...this.#mended, ...this.#open] };
  }

  /**
   * Compares everything and mends it. `start`: what is half-made was left so by an earlier daemon, and servers that are
   * to run come up `later`. Throws when Docker or the disk is away.
   */
  async reconcile(occasion: 'start' | 'later'): Promise<void> {
    const run = this.#run.then(
      () => this.#reconcile(occasion),
      () => this.#reconcile(occasion),
    );
    this.#run = run;
    return run;
  }

  /** Compares now and then, until the signal aborts: much happens to a host that nobody tells. */
  async keepUp(signal: AbortSignal): Promise<void> {
    for (;;) {
      await delay(intervalMs, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      await this.reconcileSafely();
    }
  }

  /** As `reconcile`, later; what is in its way is logged. */
  async reconcileSafely(): Promise<void> {
    await this.reconcile('later').catch((error: unknown) =>
      this.#deps.log.warn(`Registry, Docker and disk could not be compared: ${messageOf(error)}`),
    );
  }

  async #reconcile(occasion: 'start' | 'later'): Promise<void> {
    const startedMs = performance.now();
    const found = await survey(this.#deps);
    const findings = await Promise.all(found.map((each) => this.#mend(each, occasion)));
    const told = findings.filter((finding) => finding !== undefined);
    for (const finding of told) this.#tell(finding);
    this.#mended.push(...told.filter(({ outcome }) => outcome === 'mended'));
    this.#mended.splice(0, this.#mended.length - rememberedFindings);
    this.#open = told.filter(({ outcome }) => outcome !== 'mended');
    this.#checked = {
      checkedAt: new Date().toISOString(),
      durationMs: Math.round(performance.now() - startedMs),
    };
    // Whose server and run directory it has is found when it is no spare any more.
    if (found.some(({ kind }) => kind === 'spare-in-use')) await this.#reconcile(occasion);
  }

  #tell({ outcome, subject, detail, remedy }: Finding): void {
    const { log } = this.#deps;
    const known = this.#open.some((each) => each.subject === subject && each.detail === detail);
    if (outcome !== 'mended' && known) return;
    const text = `${subject}: ${detail} ${remedy}`.trimEnd();
    if (outcome === 'mended') log.info(text);
    else log.warn(text);
  }

  /** What came of it; undefined when there was nothing to it after all. */
  async #mend(found: Discrepancy, occasion: 'start' | 'later'): Promise<Finding | undefined> {
    const finding = describe(found);
    const now = { ...finding, kind: found.kind, at: new Date().toISOString() };
    if (isLeftAlone(found)) return { ...now, outcome: 'kept' };
    try {
      return (await this.#heal(found, occasion)) ? { ...now, remedy: '', outcome: 'mended' } : undefined;
    } catch (error) {
      return { ...now, detail: `${finding.detail} ${messageOf(error)}`, outcome: 'failed' };
    }
  }

  /** False when it turned out that there is nothing to do. */
  async #heal(found: Exclude<Discrepancy, LeftAlone>, occasion: 'start' | 'later'): Promise<boolean> {
    const { docker, registry, paths, catalogue, instances, builder, upkeep } = this.#deps;
    switch (found.kind) {
      case 'half-made':
        // Later, somebody is at work on it, or `Upkeep.expire` tries again.
        if (occasion === 'later') return false;
        await instances.delete(found.row, true);
        return true;
      case 'data-gone':
        return this.#giveUp(found);
      case 'server-gone':
        // At the start nobody waits for this: it follows when the daemon serves.
        return occasion === 'later' && upkeep.revive(found.row);
      case 'server-adrift':
        return occasion === 'later' && this.#restart(found);
      case 'awake':
        return this.#sendBack(found);
      case 'spare-in-use':
        registry.spares.forget(found.spare.id);
        return true;
      case 'stray-server':
        // Its data may be somebody's: see "unknown-data".
        if (await builder.hasData(found.clone)) await docker.stop(found.containerId, shutdownGraceSeconds);
        await docker.remove(found.containerId);
        return true;
      case 'stray-import':
        await docker.remove(found.containerId);
        return true;
      case 'stray-run-directory':
        await rm(paths.run(found.name), { recursive: true, force: true });
        return true;
      case 'unfinished-version':
        await catalogue.discard(found.template, found.version);
        return true;
    }
  }

  /** Without its data there is no instance; but its owner is to know what became of it. */
  async #giveUp({ row }: Found<'data-gone'>): Promise<boolean> {
    const { ledger, builder, instances, paths } = this.#deps;
    return ledger.exclusively(row.id, async (current) => {
      const isStill = current?.clone === row.clone && current.state === row.state;
      if (!isStill || (await builder.hasData(row.clone))) return false;
      await builder.stop(cloneOf(current));
      await instances.fail(
        current,
        `Its data, ${paths.instance(row.clone)}, is not there any more: somebody or something removed it. Reset it for fresh data, or delete it.`,
      );
      return true;
    });
  }

  /** Stops a server that cannot be reached, and starts it where it can. */
  async #restart({ row }: Found<'server-adrift'>): Promise<boolean> {
    const { ledger, builder, instances } = this.#deps;
    return ledger.exclusively(row.id, async (current) => {
      if (current?.clone !== row.clone || current.state !== 'ready') return false;
      const server = await builder.container(row.clone);
      if (!server?.running || builder.isReachable(cloneOf(current), server)) return false;
      await builder.stop(cloneOf(current));
      await instances.revive(current);
      return true;
    });
  }

  /**
   * It was being woken, and nobody saw to the end of that: whether it answers, and that it can write nothing but its data.
   * Whoever connects wakes it properly.
   */
  async #sendBack({ row }: Found<'awake'>): Promise<boolean> {
    const { ledger, builder, docker } = this.#deps;
    return ledger.exclusively(row.id, async (current) => {
      if (current?.state !== 'asleep') return false;
      const server = await builder.container(current.clone);
      // A start may be under way still that a daemon asked for that has been killed since.
      if (!server || !(await docker.isRunning(server.containerId))) return false;
      await builder.kill(current.clone);
      return true;
    });
  }
}

type Found<K extends Discrepancy['kind']> = Extract<Discrepancy, { kind: K }>;
/** Nothing of this is known to be ours, or it is somebody's data: people decide what becomes of it. */
type LeftAlone = Found<'unknown-data' | 'foreign-file' | 'unknown-version'>;

function isLeftAlone(found: Discrepancy): found is LeftAlone {
  return found.kind === 'unknown-data' || found.kind === 'foreign-file' || found.kind === 'unknown-version';
}

/** For people: what it is, what is wrong with it, and what they can do. */
function describe(found: Discrepancy): { subject: string; detail: string; remedy: string } {
  switch (found.kind) {
    case 'half-made':
      return told(refOf(found.row), 'the end of the daemon cut short its making or deletion; undone.');
    case 'data-gone':
      return told(refOf(found.row), 'its data is gone; given up.');
    case 'server-gone':
      return told(refOf(found.row), 'its server did not run; started.');
    case 'server-adrift':
      return told(refOf(found.row), 'its server could not be reached where it is to be; started anew.');
    case 'awake':
      return told(
        refOf(found.row),
        'is asleep, and its server ran: a start that nobody has finished; stopped.',
      );
    case 'spare-in-use':
      return told(
        `clone ${found.spare.id}`,
        `the registry has it in the pool, and it is ${found.holder}: the registry is older than the data; not handed out.`,
      );
    case 'stray-server':
      return told(
        `container ${short(found.containerId)}`,
        `the server of ${found.clone}, which nobody has; removed.`,
      );
    case 'stray-import':
      return told(
        `container ${short(found.containerId)}`,
        `"${found.role}" of an import that has ended; removed.`,
      );
    case 'stray-run-directory':
      return told(`run directory ${found.name}`, 'nobody has it; removed.');
    case 'unfinished-version':
      return told(`data/templates/${found.template}/${found.version}`, 'nobody will finish it; removed.');
    case 'unknown-data':
      return told(
        `data/instances/${found.clone}`,
        `data${found.holder === undefined ? '' : ` of ${found.holder}`} that the registry does not know, as after an old registry was put back; kept.`,
        'Put the right registry back, or remove it: "btrfs subvolume delete" on its datadir, then "rm -r".',
      );
    case 'foreign-file':
      return told(`data/instances/${found.name}`, 'not of our making; left alone.', 'Move it elsewhere.');
    case 'unknown-version':
      return told(
        `data/templates/${found.name}`,
        'neither a version nor of our making; left alone.',
        'Move it elsewhere, or upgrade MyAAS if it is of a newer one.',
      );
  }
}

const told = (subject: string, detail: string, remedy = '') => ({ subject, detail, remedy });
const short = (containerId: string): string => containerId.slice(0, 12);
