/**
 * What is known of the daemon, its templates and its instances. Everything shown is read from here; everything here
 * comes from the daemon. Invariant: no password and no connection URL is ever in it; commands that need them ask.
 */
import { EventEmitter } from 'node:events';
import { isDeepStrictEqual } from 'node:util';
import type { MyaasEvent } from '../daemon/contract/contract.ts';
import type { Instance } from '../daemon/contract/instances.ts';
import type { Status } from '../daemon/contract/status.ts';
import type { Job, Template } from '../daemon/contract/templates.ts';
import type { MyaasError } from '../daemon/errors/error.ts';
import type { Lifetime } from './lifetime.ts';
import type { Availability } from './manifest.ts';

export type Daemon =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'ready'; readonly status: Status }
  | {
      readonly kind: Exclude<Availability, 'unknown' | 'ready'>;
      /** Where it was looked for; empty when nobody could say where that is. */
      readonly address: string;
      readonly error: MyaasError;
    };

export type Change =
  | { readonly of: 'daemon' }
  | {
      readonly of: 'instance' | 'template';
      readonly id: string;
      readonly what: 'added' | 'changed' | 'removed';
    }
  | { readonly of: 'job'; readonly job: Job };

export interface Snapshot {
  readonly status: Status;
  readonly instances: readonly Instance[];
  readonly templates: readonly Template[];
}

export class Store {
  readonly #emitter = new EventEmitter<{ change: [readonly Change[]] }>().setMaxListeners(0);
  readonly #instances = new Map<string, Instance>();
  readonly #templates = new Map<string, Template>();
  #daemon: Daemon = { kind: 'unknown' };

  get daemon(): Daemon {
    return this.#daemon;
  }

  /** Who we are to the daemon; undefined while it is not there. */
  get user(): Status['user'] | undefined {
    return this.#daemon.kind === 'ready' ? this.#daemon.status.user : undefined;
  }

  get instances(): Instance[] {
    return [...this.#instances.values()];
  }

  /** By name. */
  get templates(): Template[] {
    return [...this.#templates.values()].sort((a, b) => a.name.localeCompare(b.name));
  }

  instance(id: string): Instance | undefined {
    return this.#instances.get(id);
  }

  template(name: string): Template | undefined {
    return this.#templates.get(name);
  }

  /** Whether the daemon would let us change it. */
  isOwn({ owner }: Pick<Instance, 'owner'>): boolean {
    return this.user !== undefined && (this.user.admin || this.user.name === owner);
  }

  /** Calls `listener` with what has changed together, once for each time. */
  onDidChange(listener: (changes: readonly Change[]) => void): Lifetime & Disposable {
    this.#emitter.on('change', listener);
    const dispose = (): void => void this.#emitter.off('change', listener);
    return { dispose, [Symbol.dispose]: dispose };
  }

  /** The daemon is there, and this is all of it. Of instances and templates, tells only what differs from what was known. */
  replace({ status, instances, templates }: Snapshot): void {
    this.#daemon = { kind: 'ready', status };
    const changes: Change[] = [{ of: 'daemon' }];
    changes.push(
      ...assign(
        'instance',
        this.#instances,
        new Map(instances.map((each) => [each.id, withoutSecrets(each)])),
      ),
      ...assign('template', this.#templates, new Map(templates.map((each) => [each.name, each]))),
    );
    this.#tell(changes);
  }

  /** The daemon is not there: nothing that was known of it counts any more. */
  lose(daemon: Exclude<Daemon, { kind: 'ready' }>): void {
    const changes: Change[] = isDeepStrictEqual(this.#daemon, daemon) ? [] : [{ of: 'daemon' }];
    this.#daemon = daemon;
    changes.push(
      ...assign('instance', this.#instances, new Map<string, Instance>()),
      ...assign('template', this.#templates, new Map<string, Template>()),
    );
    this.#tell(changes);
  }

  /** What one event of the daemon's says. */
  apply(event: MyaasEvent): void {
    switch (event.type) {
      case 'hello':
        return;
      case 'instance':
        this.putInstance(event.instance);
        return;
      case 'instance-deleted':
        this.removeInstance(event.id);
        return;
      case 'template':
        this.#tell(put('template', this.#templates, event.template.name, event.template));
        return;
      case 'template-deleted':
        if (this.#templates.delete(event.name))
          this.#tell([{ of: 'template', id: event.name, what: 'removed' }]);
        return;
      case 'job':
        this.#tell([{ of: 'job', job: event.job }]);
        return;
    }
  }

  /** Also what an answer to a command says, so that nobody waits for the event to see it. */
  putInstance(instance: Instance): void {
    this.#tell(put('instance', this.#instances, instance.id, withoutSecrets(instance)));
  }

  removeInstance(id: string): void {
    if (this.#instances.delete(id)) this.#tell([{ of: 'instance', id, what: 'removed' }]);
  }

  #tell(changes: readonly Change[]): void {
    if (changes.length > 0) this.#emitter.emit('change', changes);
  }
}

function withoutSecrets(instance: Instance): Instance {
  const { password: _password, url: _url, ...open } = instance;
  return open;
}

function put<T>(of: 'instance' | 'template', known: Map<string, T>, id: string, value: T): Change[] {
  const before = known.get(id);
  if (before !== undefined && isDeepStrictEqual(before, value)) return [];
  known.set(id, value);
  return [{ of, id, what: before === undefined ? 'added' : 'changed' }];
}

/** Makes `known` equal to `next`; returns what had to be changed. */
function assign<T>(
  of: 'instance' | 'template',
  known: Map<string, T>,
  next: ReadonlyMap<string, T>,
): Change[] {
  const changes: Change[] = [];
  for (const id of [...known.keys()]) {
    if (next.has(id)) continue;
    known.delete(id);
    changes.push({ of, id, what: 'removed' });
  }
  for (const [id, value] of next) changes.push(...put(of, known, id, value));
  return changes;
}
