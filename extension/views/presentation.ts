/** What nodes look like: text, icon, tooltip, accessibility label. Pure functions of what is known and the time. */
import type { Import, Instance, Template, Version } from '../../daemon/contract.ts';
import { commandIds, type NodeFlag, type NodeKind } from '../manifest.ts';
import { engine, isExpiring, left, moment, size } from './units.ts';
import type { Wording } from './wording.ts';

/** A tree node, in words of no user interface. */
export interface Look {
  readonly label: string;
  readonly description: string;
  readonly icon: Icon;
  /** Read aloud instead of label and description: whole words, and what the icon says. */
  readonly spoken: string;
  /** For `viewItem` in `when` clauses. */
  readonly contextValue: string;
}

export interface Icon {
  /** A codicon. */
  readonly name: string;
  /** A theme colour; none: as text. */
  readonly color?: string;
}

/** What is known around an instance. */
export interface InstanceSetting {
  /** Whether the daemon would let us change it. */
  readonly isOwn: boolean;
  /** Whether this workspace's `.env` points at it. */
  readonly isUsed: boolean;
  readonly engineVersion: string | undefined;
}

export function lookOfInstance(instance: Instance, setting: InstanceSetting, wording: Wording): Look {
  const { t } = wording;
  const { template, state, owner, expiresAt, name } = instance;
  const lease = state === 'failed' ? t('failed') : left(expiresAt, wording);
  const parts = [
    template,
    engine(instance.engine, setting.engineVersion),
    ...(setting.isOwn ? [] : [owner]),
    ...(stateWord(instance, wording) ?? [lease]),
    ...(instance.protected ? [t('protected')] : []),
  ];
  return {
    label: name,
    description: parts.join(' · '),
    icon: iconOfInstance(instance, wording.now),
    spoken: [
      t('Database {0}', name),
      t('template {0}', template),
      spokenState(instance, wording),
      lease,
      t('owner {0}', owner),
      ...(instance.protected ? [t('protected')] : []),
      ...(setting.isUsed ? [t('used by this workspace')] : []),
    ].join(', '),
    contextValue: contextValue('instance', {
      own: setting.isOwn,
      protected: instance.protected,
      usable: state === 'ready' || state === 'asleep',
    }),
  };
}

/** Replaces the lease while something is going on that passes. */
function stateWord({ state }: Instance, { t }: Wording): [string] | undefined {
  switch (state) {
    case 'creating':
      return [t('being made')];
    case 'resetting':
      return [t('being reset')];
    case 'deleting':
      return [t('being deleted')];
    case 'ready':
    case 'asleep':
    case 'failed':
      return undefined;
  }
}

function spokenState(instance: Instance, wording: Wording): string {
  const { t } = wording;
  switch (instance.state) {
    case 'ready':
      return isExpiring(instance.expiresAt, wording.now) ? t('ready, expires soon') : t('ready');
    case 'asleep':
      return t('asleep, the first connection wakes it');
    case 'failed':
      return t('failed: {0}', instance.failure ?? t('unknown reason'));
    case 'creating':
    case 'resetting':
    case 'deleting':
      return stateWord(instance, wording)?.[0] ?? '';
  }
}

export function iconOfInstance({ state, expiresAt }: Instance, now: Date): Icon {
  switch (state) {
    case 'creating':
    case 'deleting':
      return { name: 'loading~spin' };
    case 'resetting':
      return { name: 'sync~spin' };
    case 'failed':
      return { name: 'error', color: 'list.errorForeground' };
    case 'ready':
    case 'asleep':
      if (isExpiring(expiresAt, now)) return { name: 'warning', color: 'list.warningForeground' };
      return state === 'ready'
        ? { name: 'circle-filled', color: 'charts.green' }
        : { name: 'circle-outline', color: 'charts.green' };
  }
}

/** Markdown. Never the password. `version`: the one it was cloned from, when it is known. */
export function tooltipOfInstance(
  instance: Instance,
  setting: InstanceSetting,
  version: Version | undefined,
  wording: Wording,
): string {
  const { t } = wording;
  const { createMs, state, failure, expiresAt } = instance;
  const made = instance.from === 'pool' ? t('from the pool') : t('from a snapshot');
  const rows: (readonly [string, string])[] = [
    [t('Address'), code(`${instance.host}:${instance.port}`)],
    [t('Database'), code(instance.database)],
    [
      t('Template'),
      version
        ? t('{0}, data of {1}', plain(instance.template), moment(version.dumpModifiedAt, wording))
        : plain(instance.template),
    ],
    [t('Server'), plain(engine(instance.engine, setting.engineVersion))],
    [t('Size'), size(instance.sizeBytes)],
    [t('Owner'), plain(instance.owner)],
    [
      t('Lease'),
      expiresAt === null
        ? left(null, wording)
        : `${left(expiresAt, wording)} (${moment(expiresAt, wording)})`,
    ],
    [
      t('Made'),
      [
        moment(instance.createdAt, wording),
        made,
        ...(createMs === null ? [] : [t('in {0} ms', createMs)]),
      ].join(', '),
    ],
  ];
  const title = `**${plain(instance.name)}** — ${plain(spokenState(instance, wording).split(/[,:]/)[0] ?? state)}`;
  return [
    setting.isUsed ? `${title}  \n$(check) ${t('used by this workspace')}` : title,
    ...(failure === undefined ? [] : [`$(error) ${plain(failure)}`]),
    ['| | |', '|:--|:--|', ...rows.map(([name, value]) => `| ${name} | ${value} |`)].join('\n'),
    linksOf(instance, setting, wording).join(' · '),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

/** At most three of the commands that the tooltip offers; only these may be run from it. */
export const tooltipCommands = [commandIds.useInWorkspace, commandIds.openShell, commandIds.copyUrl] as const;

function linksOf({ id, state }: Instance, { isOwn }: InstanceSetting, { t }: Wording): string[] {
  if (!isOwn || !(state === 'ready' || state === 'asleep')) return [];
  const argument = encodeURIComponent(JSON.stringify([{ kind: 'instance', id }]));
  const titles = [t('Use in This Workspace'), t('Open Shell'), t('Copy Connection URL')];
  return tooltipCommands.map((command, index) => `[${titles[index] ?? ''}](command:${command}?${argument})`);
}

export function lookOfTemplate(template: Template, wording: Wording): Look {
  const { t } = wording;
  const { name, importedAt, sizeBytes, versions, import: latest } = template;
  const version = versions[0];
  const refreshed = importedAt === null ? undefined : t('refreshed {0}', moment(importedAt, wording));
  const steady = refreshed === undefined ? [t('not imported yet')] : [size(sizeBytes), refreshed];
  const parts = latest ? (importWords(latest, wording) ?? steady) : steady;
  return {
    label: name,
    description: parts.join(' · '),
    icon: iconOfTemplate(template),
    spoken: [
      t('Template {0}', name),
      engine(template.engine, version?.engineVersion),
      ...steady,
      ...(parts === steady ? [] : parts),
    ].join(', '),
    contextValue: contextValue('template', { usable: template.current !== null }),
  };
}

/** What an import has to say; undefined when it is over and went well. */
function importWords(latest: Import, { t }: Wording): string[] | undefined {
  switch (latest.state) {
    case 'queued':
      return [t('import waits')];
    case 'running':
      return progressWords(latest, t);
    case 'failed':
      return [t('import failed'), firstLine(latest.error?.message ?? t('unknown reason'))];
    case 'imported':
    case 'unchanged':
    case 'cancelled':
      return undefined;
  }
}

/** What an import does and how far it is: `loading tables`, `42 %`. */
export function progressWords({ progress }: Pick<Import, 'progress'>, t: Wording['t']): string[] {
  if (!progress) return [t('importing')];
  return [progress.phase, t('{0} %', percentOf(progress))];
}

export function percentOf({ doneBytes, totalBytes }: { doneBytes: number; totalBytes: number }): number {
  return totalBytes === 0 ? 100 : Math.floor((100 * Math.min(doneBytes, totalBytes)) / totalBytes);
}

function iconOfTemplate({ import: latest, current }: Template): Icon {
  if (latest?.state === 'running' || latest?.state === 'queued') return { name: 'sync~spin' };
  if (latest?.state === 'failed') return { name: 'error', color: 'list.errorForeground' };
  return current === null ? { name: 'circle-slash' } : { name: 'layers' };
}

/** Markdown. */
export function tooltipOfTemplate(template: Template, wording: Wording): string {
  const { t } = wording;
  const { name, versions, import: latest } = template;
  const version = versions[0];
  const rows = version && [
    [t('Server'), plain(engine(template.engine, version.engineVersion))],
    [t('Size'), size(version.sizeBytes)],
    [t('Dump'), t('{0} of {1}', code(version.dump), moment(version.dumpModifiedAt, wording))],
    [t('Refreshed'), moment(version.importedAt, wording)],
    [t('Databases'), version.databases.map(code).join(', ')],
    [t('Versions'), String(versions.length)],
    [t('Clones'), String(versions.reduce((sum, { instances }) => sum + instances, 0))],
  ];
  const failure = latest?.state === 'failed' ? latest.error : null;
  return [
    `**${plain(name)}**`,
    ...(failure ? [`$(error) ${plain(failure.message)}`, plain(failure.hint)] : []),
    ...(rows ? [['| | |', '|:--|:--|', ...rows.map((row) => `| ${row.join(' | ')} |`)].join('\n')] : []),
  ].join('\n\n');
}

export function lookOfVersion(version: Version, isCurrent: boolean, wording: Wording): Look {
  const { t } = wording;
  const label = t('data of {0}', moment(version.dumpModifiedAt, wording));
  const parts = [
    size(version.sizeBytes),
    ...(isCurrent ? [t('current')] : []),
    ...(version.instances > 0
      ? [version.instances === 1 ? t('1 database') : t('{0} databases', version.instances)]
      : []),
  ];
  return {
    label,
    description: parts.join(' · '),
    icon: { name: isCurrent ? 'tag' : 'history' },
    spoken: [t('Version {0}', label), ...parts].join(', '),
    contextValue: contextValue('version', { usable: true }),
  };
}

function contextValue(kind: NodeKind, flags: Partial<Record<NodeFlag, boolean>>): string {
  return [kind, ...Object.entries(flags).flatMap(([flag, isSet]) => (isSet ? [flag] : []))].join(' ');
}

function firstLine(text: string): string {
  return text.split('\n')[0] ?? '';
}

/** Text that Markdown, a table's cells and icons in it mean nothing special to. */
function plain(text: string): string {
  return text.replaceAll(/[\\`*_{}[\]()#+\-.!|<>~$&]/g, '\\$&').replaceAll(/\s*\n\s*/g, ' ');
}

function code(text: string): string {
  return `\`${text.replaceAll(/[`|\n]/g, ' ')}\``;
}
