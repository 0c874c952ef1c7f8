/** Users and their tokens, in the registry. */
import { createHash, randomBytes } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import { errors } from '../errors.ts';

export interface User {
  readonly name: string;
  readonly admin: boolean;
}

const hashOf = (token: string): string => createHash('sha256').update(token).digest('hex');
/** SQLITE_CONSTRAINT_UNIQUE and SQLITE_CONSTRAINT_PRIMARYKEY of sqlite3.h. */
const uniqueViolations = new Set([2067, 1555]);

function isUniqueViolation(thrown: unknown): boolean {
  return thrown instanceof Error && 'errcode' in thrown && uniqueViolations.has(Number(thrown.errcode));
}

/** `Registry` has one, over its database. */
export class Users {
  readonly #db: DatabaseSync;

  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  add(name: string, admin: boolean): void {
    try {
      this.#db
        .prepare('insert into users (name, admin, createdAt) values (?, ?, ?)')
        .run(name, Number(admin), new Date().toISOString());
    } catch (error) {
      if (isUniqueViolation(error)) throw errors.userExists(name);
      throw error;
    }
  }

  /** A new token for `user`, in plain text. Only its hash is stored: this is the one time it can be seen. */
  issueToken(user: string): string {
    const token = `myaas_${randomBytes(24).toString('base64url')}`;
    if (!this.get(user)) throw errors.notFound(`User "${user}"`);
    this.#db
      .prepare('insert into tokens (id, user, hash, createdAt) values (?, ?, ?, ?)')
      .run(randomBytes(4).toString('hex'), user, hashOf(token), new Date().toISOString());
    return token;
  }

  get(name: string): User | undefined {
    const row = this.#db.prepare('select name, admin from users where name = ?').get(name) as
      { name: string; admin: number } | undefined;
    return row && { name: row.name, admin: row.admin === 1 };
  }

  list() {
    const tokens = this.#db
      .prepare('select id, user, createdAt, lastUsedAt from tokens order by createdAt')
      .all() as {
      id: string;
      user: string;
      createdAt: string;
      lastUsedAt: string | null;
    }[];
    const users = this.#db.prepare('select name, admin, createdAt from users order by name').all() as {
      name: string;
      admin: number;
      createdAt: string;
    }[];
    return users.map(({ name, admin, createdAt }) => ({
      name,
      admin: admin === 1,
      createdAt,
      tokens: tokens.filter((token) => token.user === name).map(({ user: _, ...token }) => token),
    }));
  }

  /** Removes a user and all tokens; false when there is none. Instances stay, and admins see to them. */
  remove(name: string): boolean {
    return this.#db.prepare('delete from users where name = ?').run(name).changes > 0;
  }

  revokeToken(id: string): boolean {
    return this.#db.prepare('delete from tokens where id = ?').run(id).changes > 0;
  }

  /** Whose token this is. Looked up by its hash, so that the time it takes says nothing about the token. */
  byToken(token: string): User | undefined {
    const hash = hashOf(token);
    const row = this.#db
      .prepare(
        'select name, admin, lastUsedAt from tokens join users on users.name = tokens.user where hash = ?',
      )
      .get(hash) as { name: string; admin: number; lastUsedAt: string | null } | undefined;
    if (!row) return undefined;
    const today = new Date().toISOString().slice(0, 10);
    // Written once a day, not at every request.
    if (row.lastUsedAt !== today)
      this.#db.prepare('update tokens set lastUsedAt = ? where hash = ?').run(today, hash);
    return { name: row.name, admin: row.admin === 1 };
  }
}
