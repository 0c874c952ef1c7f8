import type { AuditEntry } from '../contract/audit.ts';
import type {
  CreateInstance,
  Instance,
  PatchInstance,
  ResetInstance,
  Volume,
} from '../contract/instances.ts';
import type { Status } from '../contract/status.ts';
import type { Job, RefreshTemplates, Template } from '../contract/templates.ts';
import type { Client, Method } from './client.ts';

/** The daemon's API, one method a call. An `instance` is an id or `template/name`. */
export class Api {
  readonly client: Client;
  readonly #signal: AbortSignal | undefined;

  /** Every call is given up when `signal` aborts. */
  constructor(client: Client, signal?: AbortSignal) {
    this.client = client;
    this.#signal = signal;
  }

  /** The same API with other patience: work that undoes something goes on when the command itself was stopped. */
  withSignal(signal?: AbortSignal): Api {
    return new Api(this.client, signal);
  }

  async status(): Promise<Status> {
    return (await this.#call('GET', '/v1/status')) as Status;
  }

  /** The newest first. */
  async audit(filter: Record<string, string>): Promise<AuditEntry[]> {
    const path = `/v1/audit?${new URLSearchParams(filter).toString()}`;
    return ((await this.#call('GET', path)) as { entries: AuditEntry[] }).entries;
  }

  async templates(): Promise<Template[]> {
    const { templates } = (await this.#call('GET', '/v1/templates')) as { templates: Template[] };
    return templates;
  }

  async template(name: string): Promise<Template> {
    return (await this.#call('GET', `/v1/templates/${encodeURIComponent(name)}`)) as Template;
  }

  async refreshTemplates(body: RefreshTemplates): Promise<Job> {
    return (await this.#call('POST', '/v1/templates/refresh', body)) as Job;
  }

  async job(id: string): Promise<Job> {
    return (await this.#call('GET', `/v1/jobs/${encodeURIComponent(id)}`)) as Job;
  }

  async cancelJob(id: string): Promise<Job> {
    return (await this.#call('DELETE', `/v1/jobs/${encodeURIComponent(id)}`)) as Job;
  }

  async instances(filter: { owner?: string; template?: string } = {}): Promise<Instance[]> {
    const query = new URLSearchParams(filter).toString();
    const path = `/v1/instances${query === '' ? '' : `?${query}`}`;
    const { instances } = (await this.#call('GET', path)) as { instances: Instance[] };
    return instances;
  }

  async createInstance(body: CreateInstance): Promise<Instance> {
    return (await this.#call('POST', '/v1/instances', body)) as Instance;
  }

  async instance(instance: string): Promise<Instance> {
    return (await this.#call('GET', instancePath(instance))) as Instance;
  }

  async patchInstance(instance: string, body: PatchInstance): Promise<Instance> {
    return (await this.#call('PATCH', instancePath(instance), body)) as Instance;
  }

  /** With `force`, also when it is protected. */
  async deleteInstance(instance: string, force = false): Promise<void> {
    await this.#call('DELETE', `${instancePath(instance)}${force ? '?force=1' : ''}`);
  }

  async resetInstance(instance: string, body: ResetInstance): Promise<Instance> {
    return (await this.#call('POST', `${instancePath(instance)}/reset`, body)) as Instance;
  }

  async sleepInstance(instance: string): Promise<Instance> {
    return (await this.#call('POST', `${instancePath(instance)}/sleep`)) as Instance;
  }

  async wakeInstance(instance: string): Promise<Instance> {
    return (await this.#call('POST', `${instancePath(instance)}/wake`)) as Instance;
  }

  async instanceLogs(instance: string): Promise<string> {
    const { log } = (await this.#call('GET', `${instancePath(instance)}/logs`)) as { log: string };
    return log;
  }

  async volumes(): Promise<Volume[]> {
    const { volumes } = (await this.#call('GET', '/v1/volumes')) as { volumes: Volume[] };
    return volumes;
  }

  async #call(method: Method, path: string, body?: unknown): Promise<unknown> {
    return this.client.request(method, path, { body, ...(this.#signal && { signal: this.#signal }) });
  }
}

function instancePath(instance: string): string {
  return `/v1/instances/${encodeURIComponent(instance)}`;
}
