/** What databases look like: text, icon, tooltip, accessibility label. Pure functions of what is known and the time. */
import type { Instance } from '../../daemon/contract/instances.ts';
import type { Version } from '../../daemon/contract/templates.ts';
import { commandIds } from '../manifest.ts';
import { code, contextValue, plain, type Icon, type Look } from './look.ts';
import { engine, isExpiring, left, moment, size } from './units.ts';
import type { Wording } from './wording.ts';

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
    ...upgrade(instance, wording),
    ...(setting.isOwn ? [] : [owner]),
    ...(stateWord(instance, wording) ?? [lease]),
    ...(instance.disk?.full ? [t('disk full')] : []),
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
      ...(instance.disk?.full ? [t('disk full')] : []),
      ...(instance.protected ? [t('protected')] : []),
      ...(setting.isUsed ? [t('used by this workspace')] : []),
    ].join(', '),
    contextValue: contextValue('instance', {
      own: setting.isOwn,
      protected: instance.protected,
      asleep: state === 'asleep',
      usable: state === 'ready' || state === 'asleep',
      failed: state === 'failed',
    }),
  };
}

/** Where its server is not of its template's version. */
function upgrade({ upgradedFrom }: Instance, { t }: Wording): [] | [string] {
  return upgradedFrom === undefined ? [] : [t('upgraded from {0}', upgradedFrom)];
}

/** Replaces the lease while something is going on that passes. */
function stateWord({ state, progress }: Instance, { t }: Wording): [string] | undefined {
  const withProgress = (word: string): [string] => [progress === undefined ? word : `${word} (${progress})`];
  switch (state) {
    case 'creating':
      return withProgress(t('being made'));
    case 'waking':
      return [t('waking up')];
    case 'resetting':
      return withProgress(t('being reset'));
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
    case 'waking':
    case 'resetting':
    case 'deleting':
      return stateWord(instance, wording)?.[0] ?? '';
  }
}

export function iconOfInstance({ state, expiresAt }: Instance, now: Date): Icon {
  switch (state) {
    case 'creating':
    case 'waking':
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
    [
      t('Server'),
      [plain(engine(instance.engine, setting.engineVersion)), ...upgrade(instance, wording)].join(', '),
    ],
    [t('Size'), size(instance.sizeBytes)],
    ...(instance.disk
      ? [
          [
            t('Written'),
            t('{0} of {1}', size(instance.disk.usedBytes), size(instance.disk.limitBytes)),
          ] as const,
        ]
      : []),
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
