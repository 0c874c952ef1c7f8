import type { CreateInstance, Instance, PatchInstance, ResetInstance } from '../daemon/contract/instances.ts';
import type { Status } from '../daemon/contract/status.ts';
import type { Job, RefreshTemplates, Template } from '../daemon/contract/templates.ts';
import type { Client } from './client.ts';
import { hasCode } from './errors.ts';

/** The calls of the daemon's API that the extension makes. An instance is named by its id. */
export class Api {
  readonly client: Client;

  constructor(client: Client) {
    this.client = client;
  }

  async status(signal?: AbortSignal): Promise<Status> {
    return (await this.client.request('GET', '/v1/status', { signal })) as Status;
  }

  async templates(signal?: AbortSignal): Promise<Template[]> {
    const answer = await this.client.request('GET', '/v1/templates', { signal });
    return (answer as { templates: Template[] }).templates;
  }

  async instances(signal?: AbortSignal): Promise<Instance[]> {
    const answer = await this.client.request('GET', '/v1/instances', { signal });
    return (answer as { instances: Instance[] }).instances;
  }

  /** With credentials, when they are ours to know. */
  async instance(id: string, signal?: AbortSignal): Promise<Instance> {
    return (await this.client.request('GET', pathOf(id), { signal })) as Instance;
  }

  /** Aborted, the connection is closed, and the daemon undoes what it has made so far. */
  async createInstance(body: CreateInstance, signal: AbortSignal): Promise<Instance> {
    return (await this.client.request('POST', '/v1/instances', { body, signal })) as Instance;
  }

  async patchInstance(id: string, body: PatchInstance): Promise<Instance> {
    return (await this.client.request('PATCH', pathOf(id), { body })) as Instance;
  }

  async resetInstance(id: string, body: ResetInstance = {}): Promise<Instance> {
    return (await this.client.request('POST', `${pathOf(id)}/reset`, { body })) as Instance;
  }

  /** Refused while something runs in it. */
  async sleepInstance(id: string): Promise<Instance> {
    return (await this.client.request('POST', `${pathOf(id)}/sleep`)) as Instance;
  }

  async wakeInstance(id: string): Promise<Instance> {
    return (await this.client.request('POST', `${pathOf(id)}/wake`)) as Instance;
  }

  /** With `force`, also when it is protected. One that is not there any more is deleted, too. */
  async deleteInstance(id: string, force: boolean): Promise<void> {
    try {
      await this.client.request('DELETE', `${pathOf(id)}${force ? '?force=1' : ''}`);
    } catch (error) {
      if (!hasCode(error, 'MYAAS_INSTANCE_NOT_FOUND')) throw error;
    }
  }

  async serverLog(id: string): Promise<string> {
    return ((await this.client.request('GET', `${pathOf(id)}/logs`)) as { log: string }).log;
  }

  async refreshTemplates(body: RefreshTemplates, signal?: AbortSignal): Promise<Job> {
    return (await this.client.request('POST', '/v1/templates/refresh', { body, signal })) as Job;
  }

  async job(id: string, signal?: AbortSignal): Promise<Job> {
    return (await this.client.request('GET', `/v1/jobs/${encodeURIComponent(id)}`, { signal })) as Job;
  }

  /** Resolves when what the job was doing is undone. */
  async cancelJob(id: string): Promise<Job> {
    return (await this.client.request('DELETE', `/v1/jobs/${encodeURIComponent(id)}`)) as Job;
  }
}

function pathOf(id: string): string {
  return `/v1/instances/${encodeURIComponent(id)}`;
}
