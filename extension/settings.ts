/** The settings, as what they mean. Read when needed: each folder can have its own. */
import { workspace, type ConfigurationScope } from 'vscode';
import type { EnvSettings } from './env/workspace-env.ts';
import { settingKeys, settingsSection } from './manifest.ts';

type Key = (typeof settingKeys)[keyof typeof settingKeys];

function read<T>(key: Key, scope: ConfigurationScope | undefined, absent: T): T {
  return workspace.getConfiguration(settingsSection, scope).get<T>(key) ?? absent;
}

/** The daemon's address; empty when it is to be found. */
export const daemonUrl = (): string => read(settingKeys.url, undefined, '').trim();

export const defaultTemplate = (scope?: ConfigurationScope): string =>
  read(settingKeys.defaultTemplate, scope, '');

/** The lease of a new database, such as `8h`; empty: the daemon's own. */
export const defaultTtl = (scope?: ConfigurationScope): string =>
  read(settingKeys.defaultTtl, scope, '').trim();

export const envSettings = (scope: ConfigurationScope): EnvSettings => ({
  file: read(settingKeys.envFile, scope, ''),
  variables: read<Record<string, string>>(settingKeys.envVariables, scope, {}),
});
