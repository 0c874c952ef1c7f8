/** What the daemon found where registry, Docker and disk disagreed, for `myaas status`. */
import type { Finding, Status } from '../contract/status.ts';
import { relative } from './units.ts';

const outcomes = { mended: 'mended', kept: 'left as it is', failed: 'not mended' } as const;

/** In a line. */
export function comparedText({ checkedAt, findings }: Status['reconciled']): string {
  const when = checkedAt === null ? 'not yet compared' : `compared ${relative(checkedAt)}`;
  const counts = (Object.keys(outcomes) as (keyof typeof outcomes)[]).flatMap((outcome) => {
    const { length } = findings.filter((finding) => finding.outcome === outcome);
    return length === 0 ? [] : [`${String(length)} ${outcomes[outcome]}`];
  });
  return counts.length === 0 ? `as it should be, ${when}` : `${counts.join(', ')}; ${when}`;
}

/** What somebody may want to do something about, each in a line. */
export function openFindings({ findings }: Status['reconciled']): string[] {
  return findings.filter(({ outcome }) => outcome !== 'mended').map(findingText);
}

const findingText = ({ subject, detail, remedy }: Finding): string =>
  `${subject}: ${detail} ${remedy}`.trimEnd();
