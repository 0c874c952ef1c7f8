/** Names come from users and end in paths, labels and SQL: nothing else is let in. */
import { errors } from './errors/errors.ts';

const patterns = {
  // No dot: "shop.after-import.sql" belongs to "shop".
  template: /^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/,
  instance: /^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/,
  user: /^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/,
  // As Docker has them: compose puts the project's name before them.
  volume: /^[A-Za-z0-9][A-Za-z0-9_.-]{0,254}$/,
  token: /^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/,
} as const;

export const isName = (kind: keyof typeof patterns, name: string): boolean => patterns[kind].test(name);

/** Throws `MYAAS_BAD_NAME`. */
export function checkName(kind: keyof typeof patterns, name: string): string {
  if (!isName(kind, name)) throw errors.badName(kind, name);
  return name;
}
