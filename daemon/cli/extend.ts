import type { PatchInstance } from '../contract/instances.ts';
import { errors } from '../errors/errors.ts';
import type { Api } from './api.ts';
import type { Context } from './command.ts';
import { connect } from './connection.ts';
import { findInstance, titleOf } from './instance.ts';
import { relative } from './units.ts';

interface Options {
  readonly never?: true;
  readonly protect?: true;
  readonly unprotect?: true;
}

/** `myaas extend`: changes an instance's lease or its protection. */
export async function extend(
  context: Context,
  [reference, ttl]: readonly [string, string?],
  options: Options,
): Promise<number> {
  const { never, protect, unprotect } = options;
  if (protect && unprotect)
    throw errors.usage('--protect and --unprotect exclude each other.', 'Give one of them.');
  if (never && ttl !== undefined)
    throw errors.usage(`A lease of ${ttl} and --never exclude each other.`, 'Give one of them.');
  const api = await connect(context);
  const { id } = await findInstance(api, reference);
  const lease = never ? 'never' : (ttl ?? (protect || unprotect ? undefined : await defaultLease(api)));
  const changes: PatchInstance = {
    ...(lease !== undefined && { ttl: lease }),
    ...((protect ?? unprotect) && { protected: protect === true }),
  };
  const instance = await api.patchInstance(id, changes);
  if (context.json) {
    context.output.json(instance);
    return 0;
  }
  const { expiresAt } = instance;
  const expires = expiresAt === null ? 'never expires' : `expires ${relative(expiresAt)}`;
  context.output.line(`${titleOf(instance)} ${expires}${instance.protected ? ' and is protected' : ''}.`);
  return 0;
}

async function defaultLease(api: Api): Promise<number | 'never'> {
  return (await api.status()).defaultTtlSeconds ?? 'never';
}
