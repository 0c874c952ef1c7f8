import { commands } from 'vscode';
import { contextKeys } from '../manifest.ts';
import type { Lifetime } from '../lifetime.ts';
import type { Store } from '../store.ts';

/** Tells VS Code what the `when` clauses of menus and welcome views ask. */
export function keepContextKeys(store: Store): Lifetime {
  const told = new Map<string, unknown>();
  const tell = (key: string, value: unknown): void => {
    if (told.get(key) === value) return;
    told.set(key, value);
    void commands.executeCommand('setContext', key, value);
  };
  const tellAll = (): void => {
    tell(contextKeys.daemon, store.daemon.kind);
    tell(contextKeys.admin, store.user?.admin ?? false);
    tell(
      contextKeys.hasTemplates,
      store.templates.some(({ current }) => current !== null),
    );
  };
  tellAll();
  return store.onDidChange(tellAll);
}
