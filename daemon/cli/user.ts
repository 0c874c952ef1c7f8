/** `myaas user …`: who may use this host's daemon. Works on the registry itself, whether or not the daemon runs. */
import { existsSync } from 'node:fs';
import { pathsOf, readConfig } from '../config.ts';
import { Registry } from '../drivers/registry.ts';
import { errors } from '../errors.ts';
import { checkName } from '../names.ts';
import type { Context } from './command.ts';
import { relative } from './units.ts';

/** `myaas user add`: standard output gets the token alone, so that it can go straight to where it belongs. */
export async function addUser(
  context: Context,
  [name]: readonly [string],
  options: { admin?: true },
): Promise<number> {
  checkName('user', name);
  const admin = options.admin === true;
  // Root on this machine goes by this name, and what root makes would be theirs.
  if (name === 'root' && !admin)
    throw errors.usage('The user "root" must be an admin.', 'Add --admin, or choose another name.');
  return withRegistry(context, 'user add', (registry) => {
    registry.users.add(name, admin);
    showToken(context, { name, admin, token: registry.users.issueToken(name) });
  });
}

/** `myaas user token`: another token; those that are there stay. */
export async function issueToken(context: Context, [name]: readonly [string]): Promise<number> {
  return withRegistry(context, 'user token', (registry) => {
    const user = registry.users.get(name);
    if (!user) throw errors.userNotFound(name);
    showToken(context, { ...user, token: registry.users.issueToken(name) });
  });
}

function showToken({ output, json }: Context, issued: { name: string; admin: boolean; token: string }): void {
  if (json) {
    output.json(issued);
    return;
  }
  output.note(
    `The token of ${issued.name}${issued.admin ? ', an admin' : ''}. It is not shown again; "myaas login" asks for it.`,
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
    const rows = users.flatMap(({ name, admin, tokens }) => {
      const role = admin ? 'admin' : 'user';
      if (tokens.length === 0) return [[name, role, '-', '-', '-']];
      return tokens.map((token) => [
        name,
        role,
        token.id,
        relative(token.createdAt),
        lastUse(token.lastUsedAt),
      ]);
    });
    output.table(['USER', 'ROLE', 'TOKEN ID', 'MADE', 'LAST USED'], rows);
  });
}

/** The registry notes the day only. */
function lastUse(lastUsedAt: string | null): string {
  return lastUsedAt === null ? 'never' : lastUsedAt.slice(0, 10);
}

/** `myaas user revoke`: a user with all tokens, or else the token with that id. */
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
