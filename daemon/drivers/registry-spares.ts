/** Clones that no instance has, in the registry: those of the pool, and those that are to be removed. */
import type { DatabaseSync } from 'node:sqlite';
import { errors } from '../errors/errors.ts';
import { inTransaction } from './registry-schema.ts';
import { insert } from './statements.ts';

/** A clone that no instance has yet: one of the pool, or one that a reset is making. */
export interface SpareRow {
  readonly id: string;
  readonly state: 'making' | 'ready';
  readonly template: string;
  readonly version: string;
  /** What its server was made with; one of another recipe is of no use. */
  readonly recipe: string;
  readonly engine: string;
  readonly engineSeries: string;
  readonly databaseName: string;
  readonly username: string;
  readonly password: string;
  readonly sizeBytes: number;
  readonly createdAt: string;
}

/** `Registry` has one, over its database. */
export class Spares {
  readonly #db: DatabaseSync;

  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  add(row: SpareRow): void {
    insert(this.#db, 'spares', { ...row });
  }

  setReady(id: string): void {
    this.#db.prepare("update spares set state = 'ready' where id = ?").run(id);
  }

  list(): SpareRow[] {
    return this.#db.prepare('select * from spares order by createdAt').all() as unknown as SpareRow[];
  }

  has(id: string): boolean {
    return this.#db.prepare('select 1 from spares where id = ?').get(id) !== undefined;
  }

  /** From now on it is an instance's. Throws when there is no such spare. */
  take(id: string): void {
    const { changes } = this.#db.prepare('delete from spares where id = ?').run(id);
    if (changes !== 1) throw errors.notFound(`Spare ${id}`);
  }

  /** Strikes a spare off that turned out to be somebody's. Nothing of it is removed. */
  forget(id: string): void {
    this.#db.prepare('delete from spares where id = ?').run(id);
  }

  /** Says of a spare, or of what is left of one, that it is to be removed. */
  discard(clone: string): void {
    inTransaction(this.#db, () => {
      this.#db.prepare('delete from spares where id = ?').run(clone);
      this.noteDiscarded(clone);
    });
  }

  /** Says of a clone that is nobody's that it is to be removed. */
  noteDiscarded(clone: string): void {
    this.#db.prepare('insert or ignore into discarded (clone) values (?)').run(clone);
  }

  /** Clones of which something may be left to remove. */
  discarded(): string[] {
    return this.#db
      .prepare('select clone from discarded')
      .all()
      .map((row) => row['clone'] as string);
  }

  removeDiscarded(clone: string): void {
    this.#db.prepare('delete from discarded where clone = ?').run(clone);
  }
}
