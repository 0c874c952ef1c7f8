/** Volumes of Docker, in the registry. */
import type { DatabaseSync } from 'node:sqlite';
import { insert } from './statements.ts';

export interface VolumeRow {
  /** Names its directory, and its server while it is being made. */
  readonly id: string;
  /** As Docker's users call it. */
  readonly name: string;
  readonly state: 'creating' | 'ready' | 'deleting';
  readonly template: string;
  readonly version: string;
  readonly engine: string;
  readonly databaseName: string;
  readonly username: string;
  readonly password: string;
  readonly sizeBytes: number;
  readonly createdAt: string;
}

export class VolumeStore {
  readonly #db: DatabaseSync;

  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  add(row: VolumeRow): VolumeRow {
    insert(this.#db, 'volumes', { ...row });
    return row;
  }

  byName(name: string): VolumeRow | undefined {
    return this.#db.prepare('select * from volumes where name = ?').get(name) as VolumeRow | undefined;
  }

  list(): VolumeRow[] {
    return this.#db.prepare('select * from volumes order by name').all() as unknown as VolumeRow[];
  }

  setState(id: string, state: VolumeRow['state']): void {
    this.#db.prepare('update volumes set state = ? where id = ?').run(state, id);
  }

  remove(id: string): void {
    this.#db.prepare('delete from volumes where id = ?').run(id);
  }
}
