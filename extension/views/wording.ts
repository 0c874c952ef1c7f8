import type { l10n } from 'vscode';

/** What text depends on besides its subject. Handed in, so that the text of everything shown is a pure function. */
export interface Wording {
  /** `vscode.l10n.t`: the text in the user's language. */
  readonly t: (text: string, ...values: (string | number | boolean)[]) => ReturnType<typeof l10n.t>;
  readonly now: Date;
  readonly locale: string;
  /** Of the machine, unless given. */
  readonly timeZone?: string;
}
