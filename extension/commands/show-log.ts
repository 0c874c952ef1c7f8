import type { Ctx } from '../ctx.ts';

export function showLog({ log }: Ctx) {
  return (): Promise<void> => {
    log.show();
    return Promise.resolve();
  };
}
