import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { errors } from '../errors/errors.ts';

/**
 * A database that compiles each statement once. Every compiled one holds memory that the garbage collector does not
 * see, so making them anew for each request lets the process grow. Throws `MYAAS_REGISTRY_BUSY` when another process
 * has it locked for longer than its `timeout`, `MYAAS_NO_ROOM` and `MYAAS_DISK_FAILED`.
 */
export class CachingDatabase extends DatabaseSync {
  readonly #statements = new Map<string, StatementSync>();

  override prepare(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known) return known;
    const statement = tellingWhy(sayWhy(() => super.prepare(sql)));
    this.#statements.set(sql, statement);
    return statement;
  }

  override exec(sql: string): void {
    sayWhy(() => super.exec(sql));
  }
}

function tellingWhy(statement: StatementSync): StatementSync {
  const run = statement.run.bind(statement);
  const get = statement.get.bind(statement);
  const all = statement.all.bind(statement);
  return Object.assign(statement, {
    run: (...values: Parameters<typeof run>) => sayWhy(() => run(...values)),
    get: (...values: Parameters<typeof get>) => sayWhy(() => get(...values)),
    all: (...values: Parameters<typeof all>) => sayWhy(() => all(...values)),
  });
}

/** Of sqlite3.h; extended codes have them in their low byte. */
const primary = { busy: 5, readOnly: 8, ioError: 10, full: 13 } as const;

function sayWhy<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof Error) || !('errcode' in error)) throw error;
    switch (Number(error.errcode) & 0xff) {
      case primary.busy:
        throw errors.registryBusy(error);
      case primary.full:
        throw errors.noRoom(error);
      case primary.readOnly:
      case primary.ioError:
        throw errors.diskFailed(`the registry has "${error.message}"`, error);
      default:
        throw error;
    }
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
