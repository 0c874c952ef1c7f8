import type { Pool } from '../contract/templates.ts';

/** What a pool holds, for people: `2 ready, 1 being made`. */
export function poolText({ ready, making }: Pick<Pool, 'ready' | 'making'>): string {
  if (ready + making === 0) return 'empty';
  return making === 0 ? `${ready} ready` : `${ready} ready, ${making} being made`;
}
