import { commands } from 'vscode';
import type { Ctx } from '../ctx.ts';
import { viewIds } from '../manifest.ts';

/** Looks for the daemon anew, where a login may have put it meanwhile. What is found, or is not, the view tells. */
export function retry({ daemon }: Ctx) {
  return async (): Promise<void> => {
    daemon.reconnect();
    await commands.executeCommand(`${viewIds.databases}.focus`);
  };
}
