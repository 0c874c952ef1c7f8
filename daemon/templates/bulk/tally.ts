/** How far the tables of an import are, and what became of them. */
import type { LoadSummary, TablesProgress } from '../../contract/templates.ts';

/** A table's rows on their way in. */
export interface TableTally {
  readonly name: string;
  sizeBytes: number;
  doneBytes: number;
  rows: number;
  state: 'waiting' | 'loading';
}

/** A summary names so many tables that were loaded by the plain client. */
const namedTables = 100;

export class Tally {
  readonly #open = new Set<TableTally>();
  readonly #onChange: () => void;
  readonly #startedMs = performance.now();
  readonly #plain: { table: string; why: string }[] = [];
  #tables = 0;
  #rows = 0;
  #bytes = 0;

  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  add(name: string): TableTally {
    const table: TableTally = { name, sizeBytes: 0, doneBytes: 0, rows: 0, state: 'waiting' };
    this.#open.add(table);
    this.#onChange();
    return table;
  }

  /** A table came further. */
  advance(table: TableTally, bytes: number, rows: number): void {
    table.state = 'loading';
    table.doneBytes += bytes;
    table.rows = rows;
    this.#onChange();
  }

  done(table: TableTally): void {
    this.#open.delete(table);
    this.#tables++;
    this.#rows += table.rows;
    this.#bytes += table.sizeBytes;
    this.#onChange();
  }

  /** A large table that was, or is to be, loaded by the plain client. */
  addPlain(table: string, why: string): void {
    if (this.#plain.length < namedTables) this.#plain.push({ table, why });
  }

  /** Of text that was read, and is not in a table yet. */
  get backlogBytes(): number {
    let bytes = 0;
    for (const { sizeBytes, doneBytes } of this.#open) bytes += sizeBytes - doneBytes;
    return bytes;
  }

  get progress(): TablesProgress {
    const open = [...this.#open];
    const loading = open.filter(({ state }) => state === 'loading');
    return {
      done: this.#tables,
      waiting: open.length - loading.length,
      loading: loading.map(({ name, rows }) => ({ name, rows })),
    };
  }

  get summary(): LoadSummary {
    return {
      tables: this.#tables,
      rows: this.#rows,
      bytes: this.#bytes,
      seconds: Math.round((performance.now() - this.#startedMs) / 100) / 10,
      plain: [...this.#plain],
    };
  }
}
