/** Names of databases: what is offered, and what the daemon takes. */

const longest = 63;

/** `<folder>-<branch>` as a name that the daemon takes and that is not among `taken`; `database` when nothing is left. */
export function offerName(
  { folder, branch }: { readonly folder?: string | undefined; readonly branch?: string | undefined },
  taken: ReadonlySet<string>,
): string {
  const whole = [folder, branch].map((part) => clean(part ?? '')).filter((part) => part !== '');
  const base =
    clean(whole.join('-'))
      .slice(0, longest)
      .replace(/[-.]+$/, '') || 'database';
  if (!taken.has(base)) return base;
  for (let number = 2; ; number++) {
    const suffix = `-${number}`;
    const name = base.slice(0, longest - suffix.length) + suffix;
    if (!taken.has(name)) return name;
  }
}

/** As readable as it can be in letters, digits and hyphens: `feat/Überblick` becomes `feat-uberblick`. */
function clean(text: string): string {
  return text
    .normalize('NFKD')
    .replaceAll(/\p{Mark}/gu, '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9_.]+/g, '-')
    .replaceAll(/^[^a-z0-9]+|[-.]+$/g, '');
}

export type NameProblem = 'empty' | 'too-long' | 'first-character' | 'character' | 'taken';

/** What is wrong with `name`; undefined when the daemon would take it. */
export function problemOf(name: string, taken: ReadonlySet<string>): NameProblem | undefined {
  if (name === '') return 'empty';
  if (name.length > longest) return 'too-long';
  if (!/^[A-Za-z0-9]/.test(name)) return 'first-character';
  if (!/^[A-Za-z0-9_.-]+$/.test(name)) return 'character';
  return taken.has(name) ? 'taken' : undefined;
}
