/** Who may see and do what. Every rule about it stands here. */
import type { Role } from './contract/status.ts';
import type { InstanceRow } from './drivers/registry.ts';
import { errors } from './errors/errors.ts';

/** From the most rights to the fewest. */
export const roles = ['admin', 'member', 'read-only'] as const satisfies readonly Role[];

export const isRole = (text: string): text is Role => (roles as readonly string[]).includes(text);

/** Who asks. */
export interface User {
  readonly name: string;
  readonly role: Role;
  /** All that exists for them; null: every template. */
  readonly templates: readonly string[] | null;
  /** What they identified themselves with; undefined for root's token and for whom the operator lets in without one. */
  readonly token?: { readonly id: string; readonly name: string | null; readonly expiresAt: string | null };
}

/** Root on this machine, who read the token file that only root can read. */
export const root: User = { name: 'root', role: 'admin', templates: null };

/** A token never gives more than its user has, and one for some templates only is not an admin's. */
export function narrowed(role: Role, tokenRole: Role | null, templates: readonly string[] | null): Role {
  const least = Math.max(roles.indexOf(role), roles.indexOf(tokenRole ?? role), templates === null ? 0 : 1);
  return roles[least] ?? 'read-only';
}

export const isAdmin = (user: User): boolean => user.role === 'admin';

export const maySee = ({ templates }: User, template: string): boolean =>
  templates === null || templates.includes(template);

const isOwnOrAdmins = (user: User, { owner }: Pick<InstanceRow, 'owner'>): boolean =>
  isAdmin(user) || (user.role === 'member' && user.name === owner);

/** Whether they are shown an instance's credentials. */
export const mayConnect = (user: User, row: Pick<InstanceRow, 'owner' | 'template'>): boolean =>
  maySee(user, row.template) && isOwnOrAdmins(user, row);

/** Throws `MYAAS_FORBIDDEN`. */
export function checkMayWrite(user: User): void {
  if (user.role === 'read-only') throw errors.forbidden(`The rights of ${user.name} here are to read only.`);
}

/** Throws `MYAAS_FORBIDDEN` unless it is the user's own, or the user an admin. */
export function checkMayChange(user: User, row: Pick<InstanceRow, 'owner' | 'template' | 'name'>): void {
  checkMayWrite(user);
  if (!isOwnOrAdmins(user, row))
    throw errors.forbidden(`Instance "${row.template}/${row.name}" belongs to ${row.owner}.`);
}

/** `what` completes "Only admins may …". Throws `MYAAS_FORBIDDEN`. */
export function checkIsAdmin(user: User, what: string): void {
  if (!isAdmin(user)) throw errors.forbidden(`Only admins may ${what}.`);
}

/** Throws `MYAAS_TEMPLATE_NOT_FOUND`: what a token is not for does not exist for it. */
export function checkMaySee(user: User, template: string): void {
  if (!maySee(user, template)) throw errors.templateNotFound(template.slice(0, 80));
}
