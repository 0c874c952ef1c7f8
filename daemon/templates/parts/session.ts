/** What a dump has set its session to, as far as that decides what becomes of its rows. Text is latin1. */

/** Whatever they are, rows and tables come out the same. */
const irrelevant =
  /^(?:sql_notes|note_verbosity|information_schema_stats_expiry|character_set_results|sql_log_bin|net_\w+_timeout|insert_id)$/;
const namesVariables = ['character_set_client', 'character_set_connection', 'character_set_results'];
const assignment = /^(?:session\s+|local\s+|@@(?:session\.|local\.)?)?(@?[\w$]+)\s*:?=\s*(.+)$/is;
const reference = /@@(?:session\.|local\.)?([\w$]+)|(@[\w$]+)/gi;
const list = /(?:[^,'"()]|'[^'\\]*'|"[^"\\]*"|\([^()]*\))+/g;

/**
 * Follows assignments without knowing any value: a variable that is put back to what it was saved as is what it was. So
 * two dumps that say different things, and come to the same, are the same.
 */
export class SessionState {
  /** What variables are set to; those that are as they were at the beginning are not in it. User variables have an "@". */
  readonly #values = new Map<string, string>();
  #text: string | undefined;

  /** All that matters, as text. */
  get text(): string {
    this.#text ??= [...this.#values]
      .filter(([name]) => !name.startsWith('@') && !irrelevant.test(name))
      .map(([name, value]) => `${name}=${value}`)
      .sort()
      .join('\n');
    return this.#text;
  }

  get(name: string): string | undefined {
    return this.#values.get(name);
  }

  set(name: string, value: string): void {
    this.#text = undefined;
    if (value === initial(name)) this.#values.delete(name);
    else this.#values.set(name, value);
  }

  /** Takes in what follows the word SET. False when nobody knows what it does. */
  apply(assignments: string): boolean {
    const names = /^names\s+'?(\w+)'?(?:\s+collate\s+'?(\w+)'?)?$/i.exec(assignments);
    if (names) {
      const [, characterSet = '', collation = 'default'] = names;
      for (const name of namesVariables) this.set(name, characterSet.toLowerCase());
      this.set('collation_connection', `${characterSet} ${collation}`.toLowerCase());
      return true;
    }
    const all = assignments.match(list) ?? [];
    if (all.join(',').length !== assignments.length) return false;
    return all.every((each) => this.#assign(each.trim()));
  }

  #assign(text: string): boolean {
    const [, variable, expression] = assignment.exec(text) ?? [];
    if (variable === undefined || expression === undefined) return false;
    const name = variable.toLowerCase();
    const isPlain = /^(?:[-+\w.$@]+|'[^'\\]*'|ifnull\(@\w+,\s*\w+\))$/i.test(expression.trim());
    if (!isPlain || name === 'global' || /@@global\./i.test(expression)) return irrelevant.test(name);
    const value = expression
      .trim()
      .replace(reference, (_, system: string | undefined, user: string | undefined) =>
        this.#valueOf((system ?? user ?? '').toLowerCase()),
      );
    // The character set of a connection goes with its collation.
    if (name === 'collation_connection' || name === 'character_set_connection')
      for (const each of ['character_set_connection', 'collation_connection'])
        if (each !== name) this.set(each, `${initial(each)} for ${value}`);
    this.set(name, value);
    return true;
  }

  #valueOf(name: string): string {
    return this.#values.get(name) ?? initial(name);
  }
}

const initial = (name: string): string => `(${name})`;
