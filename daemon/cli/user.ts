/** `myaas user …`: who may use this host's daemon. Works on the registry itself, whether or not the daemon runs. */
import { existsSync } from 'node:fs';
import { readConfig } from '../config.ts';
import { pathsOf } from '../paths.ts';
import type { AuditEntry } from '../contract/audit.ts';
import type { Role } from '../contract/status.ts';
import { Registry } from '../drivers/registry.ts';
import type { TokenTerms, UserWithTokens } from '../drivers/registry-users.ts';
import { errors } from '../errors/errors.ts';
import { leaseEnd, parseTtlSeconds } from '../instances/leases.ts';
import { checkName } from '../names.ts';
import { isRole, narrowed, root, roles } from '../rights.ts';
import type { Context } from './command.ts';
import { relative } from './units.ts';
import { quotaChangesOf, quotaForPrograms, quotaText, type QuotaOptions } from './user-quota.ts';

interface TokenOptions {
  readonly name?: string;
  readonly role?: string;
  readonly templates?: string;
  readonly expires?: string;
}

/** `myaas user add`: standard output gets the token alone, so that it can go straight to where it belongs. */
export async function addUser(
  context: Context,
  [name]: readonly [string],
  options: TokenOptions & QuotaOptions & { readonly admin?: true },
): Promise<number> {
  checkName('user', name);
  const role = options.admin === true ? 'admin' : (roleOf(options.role) ?? 'member');
  // Root on this machine goes by this name, and what root makes would be theirs.
  if (name === 'root' && role !== 'admin')
    throw errors.usage('The user "root" must be an admin.', 'Add --admin, or choose another name.');
  const { role: _, ...terms } = termsOf(options);
  const quota = quotaChangesOf(options);
  return withRegistry(context, 'user add', (registry) => {
    registry.users.add(name, role);
    registry.users.change(name, quota);
    showToken(context, { name, role, token: registry.users.issueToken(name, terms) });
    return deed('add', name, options);
  });
}

/** `myaas user token`: another token; those that are there stay. */
export async function issueToken(
  context: Context,
  [name]: readonly [string],
  options: TokenOptions,
): Promise<number> {
  const terms = termsOf(options);
  return withRegistry(context, 'user token', (registry) => {
    const user = registry.users.get(name);
    if (!user) throw errors.userNotFound(name);
    const role = narrowed(user.role, terms.role ?? null, terms.templates ?? null);
    showToken(context, { name, role, token: registry.users.issueToken(name, terms) });
    return deed('token', name, options);
  });
}

function termsOf({ name, role, templates, expires }: TokenOptions): TokenTerms {
  return {
    name: name === undefined ? undefined : checkName('token', name),
    role: roleOf(role),
    templates: templates
      ?.split(/[\s,]+/)
      .filter((each) => each !== '')
      .map((each) => checkName('template', each)),
    expiresAt: (expires === undefined ? null : leaseEnd(parseTtlSeconds(expires))) ?? undefined,
  };
}

function roleOf(text: string | undefined): Role | undefined {
  if (text === undefined || isRole(text)) return text;
  throw errors.usage(`"${text}" is no role.`, `There are ${roles.join(', ')}.`);
}

const roleText = (role: Role): string =>
  role === 'admin' ? ', an admin' : role === 'member' ? '' : `, ${role}`;

function showToken({ output, json }: Context, issued: { name: string; role: Role; token: string }): void {
  if (json) {
    output.json(issued);
    return;
  }
  output.note(
    `The token of ${issued.name}${roleText(issued.role)}. It is not shown again; "myaas login" asks for it.`,
  );
  output.line(issued.token);
}

/** `myaas user list`. */
export async function listUsers(context: Context): Promise<number> {
  const { output, json } = context;
  return withRegistry(context, 'user list', (registry) => {
    const users = registry.users.list();
    if (json) output.json(users.map((user) => ({ ...user, ...quotaForPrograms(user) })));
    else if (users.length === 0) output.note('There are no users. "myaas user add NAME" adds one.');
    else output.table(listHeader, users.flatMap(rowsOf));
    return undefined;
  });
}

const listHeader = [
  'USER',
  'ROLE',
  'QUOTA',
  'TOKEN ID',
  'NAME',
  'RIGHTS',
  'MADE',
  'LAST USED',
  'ENDS',
] as const;

function rowsOf(user: UserWithTokens): string[][] {
  const own = [user.name, user.role, quotaText(user)];
  if (user.tokens.length === 0) return [[...own, '-', '-', '-', '-', '-', '-']];
  return user.tokens.map(({ id, name, role, templates, createdAt, lastUsedAt, expiresAt }) => [
    ...own,
    id,
    name ?? '-',
    [...(role === null ? [] : [role]), ...(templates ?? [])].join(', ') || '-',
    relative(createdAt),
    // The registry notes the day only.
    lastUsedAt ?? 'never',
    expiresAt === null ? 'never' : relative(expiresAt),
  ]);
}

/** `myaas user set`: another role, for all their tokens, and how much they may have. */
export async function changeUser(
  context: Context,
  [name]: readonly [string],
  options: QuotaOptions & { readonly role?: string },
): Promise<number> {
  const changes = { role: roleOf(options.role), ...quotaChangesOf(options) };
  if (Object.values(changes).every((change) => change === undefined))
    throw errors.usage('There is nothing to change.', 'Give --role, --instances, --lease or --disk.');
  const { output, json } = context;
  return withRegistry(context, 'user set', (registry) => {
    registry.users.change(name, changes);
    const user = registry.users.get(name);
    if (!user) throw errors.userNotFound(name);
    if (json) output.json({ ...user, ...quotaForPrograms(user) });
    else output.line(`${name}: ${user.role}; quota: ${quotaText(user)}`);
    return deed('set', name, options);
  });
}

/** `myaas user revoke`: a user with all tokens, or else the token with that id or "user/name". */
export async function revoke(context: Context, [subject]: readonly [string]): Promise<number> {
  const { output, json } = context;
  return withRegistry(context, 'user revoke', (registry) => {
    const user = registry.users.remove(subject);
    if (!user && !registry.users.revokeToken(subject)) throw errors.userNotFound(subject);
    if (json) output.json({ revoked: subject, kind: user ? 'user' : 'token' });
    else output.line(user ? `${subject} and all their tokens are gone.` : `Token ${subject} is gone.`);
    return deed('revoke', subject, {});
  });
}

/** What was done, as the audit log is to have it. Options were checked by then, and no secret is among them. */
function deed(verb: string, subject: string, options: object): string {
  const given = Object.entries(options).filter(([name]) => name !== 'json');
  return [
    verb,
    subject,
    ...given.map(([name, value]) => (value === true ? name : `${name}=${String(value)}`)),
  ].join(' ');
}

/** `work` returns what it has done, for the audit log; undefined: nothing. */
function withRegistry(
  { env }: Context,
  command: string,
  work: (registry: Registry) => string | undefined,
): Promise<number> {
  if (process.getuid?.() !== 0) throw errors.needsRoot(command);
  const { registry: file } = pathsOf(readConfig(env));
  if (!existsSync(file)) {
    throw errors.hostNotReady(
      `There is no registry ${file}.`,
      'Run "myaas init" first, or set MYAAS_BASE_DIR as for the daemon.',
    );
  }
  const registry = Registry.open(file);
  try {
    const done = work(registry);
    if (done !== undefined) registry.audit.add([entryOf(done)]);
  } finally {
    registry.close();
  }
  return Promise.resolve(0);
}

function entryOf(name: string): AuditEntry {
  const from = { at: new Date().toISOString(), user: root.name, token: null, address: null };
  return { ...from, action: 'user', template: null, name, instance: null, status: 200, code: null };
}
