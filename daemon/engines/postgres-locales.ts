/** Locales of the dump's server that ours does not have. */

/** What every system has; letters beyond ASCII are none to it. It goes with every encoding. */
const always = 'C';
const createDatabase = /^create\s+database\s/i;
const setting = /\b(locale|lc_collate|lc_ctype)(\s*=\s*)'((?:[^']|'')*)'/gi;

/** "de_DE.UTF-8" and "de_DE.utf8" are the same. */
const normalize = (locale: string): string => locale.toLowerCase().replaceAll('-', '');

/**
 * A `CREATE DATABASE` with those locales that are not among `known` replaced: its text then sorts as bytes do. Undefined
 * when there is nothing to replace.
 */
export function withKnownLocales(statement: string, known: readonly string[]): string | undefined {
  if (!createDatabase.test(statement)) return undefined;
  const names = new Set(known.map(normalize));
  // Every system has "C.UTF-8", and where its encoding is UTF-8 that knows all letters.
  const isUtf8 = /\bencoding\s*=\s*'utf-?8'/i.test(statement);
  const changed = statement.replaceAll(setting, (whole, name: string, is: string, locale: string) => {
    if (/^(?:c|posix)$/i.test(locale) || names.has(normalize(locale))) return whole;
    return `${name}${is}'${isUtf8 && locale.length >= 7 ? 'C.UTF-8' : always}'`;
  });
  return changed === statement ? undefined : changed;
}
