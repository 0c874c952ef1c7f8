import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';

/**
 * A database that compiles each statement once. Every compiled one holds memory that the garbage collector does not
 * see, so making them anew for each request lets the process grow.
 */
export class CachingDatabase extends DatabaseSync {
  readonly #statements = new Map<string, StatementSync>();

  override prepare(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known) return known;
    const statement = super.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }
}

/** SQLITE_CONSTRAINT_UNIQUE and SQLITE_CONSTRAINT_PRIMARYKEY of sqlite3.h. */
const uniqueViolations = new Set([2067, 1555]);

export function isUniqueViolation(thrown: unknown): boolean {
  return thrown instanceof Error && 'errcode' in thrown && uniqueViolations.has(Number(thrown.errcode));
}

/** Adds a row. Table and columns are names of the code, never of a user. */
export function insert(db: DatabaseSync, table: string, columns: Record<string, SQLInputValue>): void {
  const names = Object.keys(columns);
  const values = names.map((name) => `:${name}`);
  db.prepare(`insert into ${table} (${names.join(', ')}) values (${values.join(', ')})`).run(columns);
}
