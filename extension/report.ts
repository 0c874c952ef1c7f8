import { commands, l10n, window } from 'vscode';
import { MyaasError, messageOf } from '../daemon/errors/error.ts';
import { ReportedError } from './errors.ts';
import type { Log } from './log.ts';
import { commandIds } from './manifest.ts';

/** Tells what failed, why, and what to do; `step` says what did not happen. What the user cancelled is no failure. */
export function reportFailure(log: Log, step: string, thrown: unknown): void {
  if (thrown instanceof MyaasError && thrown.code === 'MYAAS_CANCELLED') {
    log.info(thrown.message);
    return;
  }
  const isOurs = thrown instanceof MyaasError;
  const request = thrown instanceof ReportedError ? l10n.t('(request {0})', thrown.requestId) : '';
  const words = [`${step}:`, messageOf(thrown), isOurs ? thrown.hint : '', request];
  const message = words.filter((part) => part !== '').join(' ');
  log.error(isOurs || !(thrown instanceof Error) ? message : `${message}\n${thrown.stack ?? ''}`);
  const remedy = isOurs ? remedies[thrown.code] : undefined;
  const actions = [...(remedy ? [{ title: remedy.title(), command: remedy.command }] : []), showLogAction()];
  // Not waited for: the command is over, whenever the user reads this.
  void window.showErrorMessage(message, ...actions).then((chosen) => {
    if (chosen) void commands.executeCommand(chosen.command);
  });
}

const showLogAction = () => ({ title: l10n.t('Show Log'), command: commandIds.showLog as string });

const connect = { title: () => l10n.t('Connect…'), command: commandIds.connect as string };

/** The one command that helps, by the failure's code. */
const remedies: Readonly<Record<string, { readonly title: () => string; readonly command: string }>> = {
  MYAAS_DAEMON_UNREACHABLE: connect,
  MYAAS_NOT_LOGGED_IN: connect,
  MYAAS_UNAUTHORIZED: connect,
  MYAAS_SOCKET_FORBIDDEN: connect,
  MYAAS_MEMORY_FULL: {
    title: () => l10n.t('Put a Database to Sleep'),
    command: commandIds.putToSleep,
  },
  MYAAS_NOT_TRUSTED: {
    title: () => l10n.t('Manage Workspace Trust'),
    command: 'workbench.trust.manage',
  },
};
