/** Users, their quotas and their tokens, in the registry. */
import { createHash, randomBytes } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import type { Role } from '../contract/status.ts';
import { errors } from '../errors/errors.ts';
import type { Quota } from '../quota.ts';
import { narrowed, type User } from '../rights.ts';
import { insert, isUniqueViolation } from './statements.ts';

/** null: what the configuration says. */
export type OwnQuota = { readonly [Key in keyof Quota]: number | null };

/** What a token gives less than its user has, and for how long. */
export interface TokenTerms {
  readonly name?: string | undefined;
  readonly role?: Role | undefined;
  readonly templates?: readonly string[] | undefined;
  readonly expiresAt?: string | undefined;
}

/** All there is to know of a token but itself. */
export interface TokenRow {
  readonly id: string;
  readonly name: string | null;
  readonly role: Role | null;
  readonly templates: readonly string[] | null;
  readonly createdAt: string;
  readonly expiresAt: string | null;
  /** The day only. */
  readonly lastUsedAt: string | null;
}

export interface UserRow extends OwnQuota {
  readonly name: string;
  readonly role: Role;
  readonly createdAt: string;
}

/** Undefined: stays as it is. */
export type UserChanges = { readonly [Key in keyof Quota | 'role']?: UserRow[Key] | undefined };

export interface UserWithTokens extends UserRow {
  readonly tokens: readonly TokenRow[];
}

type StoredToken = Omit<TokenRow, 'templates'> & { readonly user: string; readonly templates: string | null };

const userColumns = 'name, role, createdAt, maxInstances, maxLeaseSeconds, maxDiskBytes';
const hashOf = (token: string): string => createHash('sha256').update(token).digest('hex');
const listOf = (templates: string | null): readonly string[] | null =>
  templates === null ? null : (JSON.parse(templates) as string[]);

/** `Registry` has one, over its database. */
export class Users {
  readonly #db: DatabaseSync;

  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  /** Throws `MYAAS_USER_EXISTS`. */
  add(name: string, role: Role): void {
    try {
      insert(this.#db, 'users', { name, role, createdAt: new Date().toISOString() });
    } catch (error) {
      if (isUniqueViolation(error)) throw errors.userExists(name);
      throw error;
    }
  }

  get(name: string): UserRow | undefined {
    const row = this.#db.prepare(`select ${userColumns} from users where name = ?`).get(name);
    return row && { ...(row as unknown as UserRow) };
  }

  list(): UserWithTokens[] {
    const users = this.#db.prepare(`select ${userColumns} from users order by name`).all();
    const tokens = this.#db
      .prepare(
        'select id, user, name, role, templates, createdAt, expiresAt, lastUsedAt from tokens order by createdAt',
      )
      .all() as unknown as StoredToken[];
    return (users as unknown as UserRow[]).map((user) => ({
      ...user,
      tokens: tokens
        .filter((token) => token.user === user.name)
        .map(({ user: _, templates, ...token }) => ({ ...token, templates: listOf(templates) })),
    }));
  }

  /** False when there is no such user. */
  change(name: string, changes: UserChanges): boolean {
    const user = this.get(name);
    if (!user) return false;
    const known = Object.fromEntries(Object.entries(changes).filter(([, change]) => change !== undefined));
    const { role, maxInstances, maxLeaseSeconds, maxDiskBytes } = { ...user, ...known };
    return (
      this.#db
        .prepare(
          'update users set role = ?, maxInstances = ?, maxLeaseSeconds = ?, maxDiskBytes = ? where name = ?',
        )
        .run(role, maxInstances, maxLeaseSeconds, maxDiskBytes, name).changes > 0
    );
  }

  /** Removes a user and all tokens; false when there is none. Instances stay, and admins see to them. */
  remove(name: string): boolean {
    return this.#db.prepare('delete from users where name = ?').run(name).changes > 0;
  }

  // Tokens

  /**
   * A new token for `user`, in plain text. Only its hash is stored: this is the one time it can be seen.
   * Throws `MYAAS_USER_NOT_FOUND`, and `MYAAS_TOKEN_EXISTS` when they have one of that name.
   */
  issueToken(user: string, { name, role, templates, expiresAt }: TokenTerms = {}): string {
    const token = `myaas_${randomBytes(24).toString('base64url')}`;
    if (!this.get(user)) throw errors.userNotFound(user);
    try {
      insert(this.#db, 'tokens', {
        id: randomBytes(4).toString('hex'),
        user,
        hash: hashOf(token),
        createdAt: new Date().toISOString(),
        name: name ?? null,
        role: role ?? null,
        templates: templates ? JSON.stringify(templates) : null,
        expiresAt: expiresAt ?? null,
      });
    } catch (error) {
      if (name !== undefined && isUniqueViolation(error)) throw errors.tokenExists(user, name);
      throw error;
    }
    return token;
  }

  /** By its id, or by `user/name`; false when there is none. */
  revokeToken(ref: string): boolean {
    const slash = ref.indexOf('/');
    const { changes } =
      slash === -1
        ? this.#db.prepare('delete from tokens where id = ?').run(ref)
        : this.#db
            .prepare('delete from tokens where user = ? and name = ?')
            .run(ref.slice(0, slash), ref.slice(slash + 1));
    return changes > 0;
  }

  /** Whether a token is still there and its time not over. */
  tokenCounts(id: string): boolean {
    const now = new Date().toISOString();
    const found = this.#db
      .prepare('select 1 from tokens where id = ? and (expiresAt is null or expiresAt > ?)')
      .get(id, now);
    return found !== undefined;
  }

  /**
   * Whose token this is, and what it gives. Looked up by its hash, so that the time it takes says nothing about the
   * token. Undefined when it is nobody's; throws `MYAAS_UNAUTHORIZED` when its time is over.
   */
  byToken(token: string): User | undefined {
    const hash = hashOf(token);
    const row = this.#db
      .prepare(
        `select tokens.id, tokens.name, tokens.role, templates, expiresAt, lastUsedAt, user, users.role as userRole
         from tokens join users on users.name = tokens.user where hash = ?`,
      )
      .get(hash) as (StoredToken & { readonly userRole: Role }) | undefined;
    if (!row) return undefined;
    const now = new Date().toISOString();
    if (row.expiresAt !== null && row.expiresAt <= now)
      throw errors.unauthorized(`The token's time was over on ${row.expiresAt}.`);
    const today = now.slice(0, 10);
    // Written once a day, not at every request.
    if (row.lastUsedAt !== today)
      this.#db.prepare('update tokens set lastUsedAt = ? where hash = ?').run(today, hash);
    const { id, name, expiresAt } = row;
    const templates = listOf(row.templates);
    const role = narrowed(row.userRole, row.role, templates);
    return { name: row.user, role, templates, token: { id, name, expiresAt } };
  }
}
