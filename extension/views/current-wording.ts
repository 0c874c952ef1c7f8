import { env, l10n } from 'vscode';
import type { Wording } from './wording.ts';

/** The user's language, now. */
export function currentWording(): Wording {
  return { t: l10n.t, now: new Date(), locale: env.language };
}
