import { DatabaseSync, type StatementSync } from 'node:sqlite';

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
