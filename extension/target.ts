/** What a command is about: the node it was called on, the selection, or what the user picks. */
import type { Instance } from '../daemon/contract/instances.ts';
import type { Ctx } from './ctx.ts';
import { isNode } from './views/nodes.ts';
import { pickInstance } from './prompts.ts';

/** The instances that were clicked, or selected when a key was pressed; none when it came from the palette. */
export function instancesOf({ store, databases }: Ctx, args: readonly unknown[]): Instance[] {
  const [node, selected] = args;
  const nodes = node === 'selection' ? databases.selection : Array.isArray(selected) ? selected : [node];
  return nodes
    .filter((each) => isNode(each))
    .flatMap((each) => (each.kind === 'instance' ? (store.instance(each.id) ?? []) : []));
}

/** The instance that was clicked, else one that the user picks among those that `suits`. */
export async function oneInstance(
  ctx: Ctx,
  args: readonly unknown[],
  placeHolder: string,
  suits: (instance: Instance) => boolean = (instance) => ctx.store.isOwn(instance),
): Promise<Instance | undefined> {
  const [clicked] = instancesOf(ctx, args);
  return clicked ?? pickInstance(candidates(ctx, suits), placeHolder);
}

/** Those used by this workspace first. */
export function candidates(
  { store, usage }: Ctx,
  suits: (instance: Instance) => boolean = (instance) => store.isOwn(instance),
): Instance[] {
  return store.instances
    .filter(suits)
    .sort((a, b) => Number(usage.isUsed(b.id)) - Number(usage.isUsed(a.id)) || a.name.localeCompare(b.name));
}

export const isUsable = ({ state }: Instance): boolean => state === 'ready' || state === 'asleep';
