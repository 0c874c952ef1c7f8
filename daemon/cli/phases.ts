/** What an instance is at, told while a command waits for it. */
import type { Instance } from '../contract/instances.ts';
import type { Api } from './api.ts';
import type { Context } from './command.ts';
import { subscribe } from './events.ts';
import { titleOf } from './instance.ts';

/** Does the work, and says meanwhile what the instances that `isMeant` are at, where the daemon says so. */
export async function withPhases<T>(
  { output, signal }: Pick<Context, 'output' | 'signal'>,
  api: Api,
  isMeant: (instance: Instance) => boolean,
  work: () => Promise<T>,
): Promise<T> {
  const over = new AbortController();
  const events = await subscribe(api.client, AbortSignal.any([signal, over.signal]));
  const telling = (async () => {
    for await (const event of events) {
      if (event.type !== 'instance' || !isMeant(event.instance)) continue;
      const { progress } = event.instance;
      if (progress !== undefined) output.note(`${titleOf(event.instance)}: ${progress}`);
    }
  })();
  // However the telling ends, what becomes of the work counts.
  telling.catch(() => undefined);
  try {
    return await work();
  } finally {
    over.abort();
  }
}
