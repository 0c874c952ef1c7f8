/** Import jobs, followed by the event stream to their end. */
import type { Job } from '../daemon/contract/templates.ts';
import type { Api } from './api.ts';
import type { Store } from './store.ts';

export interface JobWatch extends Disposable {
  /** Resolves with the job when it has ended; tells `onProgress` of every change until then. */
  ended(id: string, api: Pick<Api, 'job'>, onProgress: (job: Job) => void): Promise<Job>;
}

/** To be called before a job is begun, so that no news of it is missed. */
export function watchJobs(store: Store): JobWatch {
  const latest = new Map<string, Job>();
  let onNews: ((wasReadAnew: boolean) => void) | undefined;
  const listener = store.onDidChange((changes) => {
    for (const change of changes) if (change.of === 'job') latest.set(change.job.id, change.job);
    onNews?.(changes.some(({ of }) => of === 'daemon') && store.daemon.kind === 'ready');
  });
  return {
    async ended(id, api, onProgress) {
      return new Promise((resolve, reject) => {
        const look = (job: Job | undefined): void => {
          if (job?.state === 'running') onProgress(job);
          else if (job) resolve(job);
        };
        onNews = (wasReadAnew) => {
          look(latest.get(id));
          // The stream was broken meanwhile, and what it would have said is lost.
          if (wasReadAnew) api.job(id).then(look, reject);
        };
        onNews(false);
      });
    },
    [Symbol.dispose]: () => listener[Symbol.dispose](),
  };
}
