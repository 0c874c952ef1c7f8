/** `myaas user …`: who may use this host's daemon. Works on the registry itself, whether or not the daemon runs. */
import { existsSync } from 'node:fs';
import { pathsOf, readConfig } from '../config.ts';
import type { Role } from '../contract.ts';
import { Registry } from '../drivers/registry.ts';
import type { TokenTerms, UserWithTokens } from '../drivers/registry-users.ts';
import { errors } from '../errors.ts';
import { leaseEnd, parseTtlSeconds } from '../instances/leases.ts';
import { checkName } from '../names.ts';
import { isRole, narrowed, roles } from '../rights.ts';
import type { Context } from './command.ts';
import { relative } from './units.ts';

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
  options: TokenOptions & { readonly admin?: true },
): Promise<number> {
  checkName('user', name);
  const role = options.admin === true ? 'admin' : (roleOf(options.role) ?? 'member');
  // Root on this machine goes by this name, and what root makes would be theirs.
  if (name === 'root' && role !== 'admin')
    throw errors.usage('The user "root" must be an admin.', 'Add --admin, or choose another name.');
  const { role: _, ...terms } = termsOf(options);
  return withRegistry(context, 'user add', (registry) => {
    registry.users.add(name, role);
    showToken(context, { name, role, token: registry.users.issueToken(name, terms) });
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
    if (json) {
      output.json(users);
      return;
    }
    if (users.length === 0) {
      output.note('There are no users. "myaas user add NAME" adds one.');
      return;
    }
    const header = ['USER', 'ROLE', 'TOKEN ID', 'NAME', 'RIGHTS', 'MADE', 'LAST USED', 'ENDS'];
    output.table(header, users.flatMap(rowsOf));
  });
}

function rowsOf(user: UserWithTokens): string[][] {
  const own = [user.name, user.role];
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

/** `myaas user set`: another role, for all their tokens. */
export async function changeUser(
  context: Context,
  [name]: readonly [string],
  options: { readonly role?: string },
): Promise<number> {
  const role = roleOf(options.role);
  if (role === undefined) throw errors.usage('There is nothing to change.', 'Give --role.');
  const { output, json } = context;
  return withRegistry(context, 'user set', (registry) => {
    if (!registry.users.change(name, { role })) throw errors.userNotFound(name);
    if (json) output.json(registry.users.get(name));
    else output.line(`${name}: ${role}`);
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
  });
}

function withRegistry(
  { env }: Context,
  command: string,
  work: (registry: Registry) => void,
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
    work(registry);
  } finally {
    registry.close();
  }
  return Promise.resolve(0);
}
