import { window, type LogOutputChannel } from 'vscode';
import type { Lifetime } from './lifetime.ts';
import { createRedactor } from './redact.ts';

/** The output channel "MyAAS". Whatever is written to it, the secrets that it was told to hide are not. */
export interface Log extends Lifetime {
  debug(message: string): void;
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
  hide(secret: string | undefined): void;
  show(): void;
}

export function openLog(): Log {
  const channel: LogOutputChannel = window.createOutputChannel('MyAAS', { log: true });
  const { redact, hide } = createRedactor();
  return {
    debug: (message) => channel.debug(redact(message)),
    info: (message) => channel.info(redact(message)),
    warn: (message) => channel.warn(redact(message)),
    error: (message) => channel.error(redact(message)),
    hide,
    show: () => channel.show(),
    dispose: () => channel.dispose(),
  };
}
