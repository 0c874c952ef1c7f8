/** Who did what, in the registry. */
import type { DatabaseSync } from 'node:sqlite';
import type { AuditEntry } from '../contract/audit.ts';
import { inTransaction } from './registry-schema.ts';
import { insert } from './statements.ts';

export interface AuditFilter {
  readonly user?: string | undefined;
  readonly action?: string | undefined;
  /** An instance's id, name, or `template/name`. */
  readonly instance?: string | undefined;
  readonly since?: string | undefined;
  readonly until?: string | undefined;
  readonly limit: number;
}

/** What is kept at most, so that the registry does not grow without end. */
const maxEntries = 200_000;

/** `Registry` has one, over its database. */
export class AuditLog {
  readonly #db: DatabaseSync;

  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  add(entries: readonly AuditEntry[]): void {
    inTransaction(this.#db, () => {
      for (const entry of entries) insert(this.#db, 'audit', { ...entry });
    });
  }

  /** The newest first. */
  find({ user, action, instance, since, until, limit }: AuditFilter): AuditEntry[] {
    const rows = this.#db
      .prepare(
        `select at, user, token, address, action, template, name, instance, status, code from audit
         where (:user is null or user = :user) and (:action is null or action = :action)
           and (:instance is null or :instance in (instance, name, template || '/' || name))
           and at >= :since and at <= :until
         order by id desc limit :limit`,
      )
      .all({
        user: user ?? null,
        action: action ?? null,
        instance: instance ?? null,
        since: since ?? '',
        until: until ?? '9999',
        limit,
      });
    return rows.map((row) => ({ ...(row as unknown as AuditEntry) }));
  }

  /** Forgets what is older than `before`, and the oldest of too many. */
  prune(before: string): void {
    this.#db.prepare('delete from audit where at < ?').run(before);
    this.#db.prepare('delete from audit where id <= (select max(id) from audit) - ?').run(maxEntries);
  }
}
