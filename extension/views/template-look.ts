/** What templates and their versions look like. Pure functions of what is known and the time. */
import type { Import, Template, Version } from '../../daemon/contract/templates.ts';
import { code, contextValue, firstLine, plain, type Icon, type Look } from './look.ts';
import { engine, moment, size } from './units.ts';
import type { Wording } from './wording.ts';

export function lookOfTemplate(template: Template, wording: Wording): Look {
  const { t } = wording;
  const { name, importedAt, sizeBytes, versions, import: latest } = template;
  const version = versions[0];
  const refreshed = importedAt === null ? undefined : t('refreshed {0}', moment(importedAt, wording));
  const steady =
    refreshed === undefined
      ? [t('not imported yet')]
      : [size(sizeBytes), refreshed, ...poolWords(template, wording)];
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

/** How many can be had without waiting. That others are being made is nothing to wait for. */
function poolWords({ pool: { ready } }: Template, { t }: Wording): string[] {
  return ready === 0 ? [] : [t('{0} ready at once', ready)];
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

function iconOfTemplate({ import: latest, current, pool }: Template): Icon {
  if (latest?.state === 'running' || latest?.state === 'queued') return { name: 'sync~spin' };
  if (latest?.state === 'failed') return { name: 'error', color: 'list.errorForeground' };
  if (current === null) return { name: 'circle-slash' };
  return { name: pool.ready > 0 ? 'layers-active' : 'layers' };
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
    [t('Pool'), poolWords(template, wording)[0] ?? t('empty')],
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
  const parts = [size(version.sizeBytes), ...(isCurrent ? [t('current')] : [])];
  return {
    label,
    description: parts.join(' · '),
    icon: { name: isCurrent ? 'tag' : 'history' },
    spoken: [t('Version {0}', label), ...parts].join(', '),
    contextValue: contextValue('version', { usable: true }),
  };
}
