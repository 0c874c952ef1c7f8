import type { Ctx } from '../ctx.ts';

/** Looks for the daemon now; the welcome views' button. */
export function retry({ daemon }: Ctx) {
  return async (): Promise<void> => {
    await daemon.during(() => Promise.resolve());
  };
}
