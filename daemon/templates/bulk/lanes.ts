/** Loads tables side by side, a `LOAD DATA` each, and by the plain client those that do not come out as they should. */
import { availableParallelism } from 'node:os';
import type { BulkLoading, BulkSession, BulkTable, ClientState } from '../../engines/bulk.ts';
import { inContainer } from '../../engines/engine.ts';
import { messageOf } from '../../errors/error.ts';
import type { ImportRun } from '../run.ts';
import { makeFifo, writeFifo } from './fifo.ts';
import type { InsertHead } from './insert-head.ts';
import { UnfitRows } from './row-literals.ts';
import { RowConverter } from './rows.ts';
import type { RowText } from './row-text.ts';
import type { TableTally, Tally } from './tally.ts';

/** A table whose rows are being read, or were. */
export interface TableLoad {
  readonly table: BulkTable;
  readonly state: ClientState;
  readonly head: InsertHead;
  readonly text: RowText;
  readonly tally: TableTally;
  /** Of the dump, where the rows begin. */
  readonly line: number;
}

/** Loads text as the plain client would have. */
export type LoadPlain = (load: TableLoad, lane: number) => Promise<void>;

export class Lanes implements AsyncDisposable {
  /** A session that is only asked, and so never busy. */
  readonly inspector: BulkSession;
  readonly #lanes: readonly Lane[];
  readonly #idle: Lane[];
  readonly #loading: BulkLoading;
  readonly #loadPlain: LoadPlain;
  readonly #waiting: TableLoad[] = [];
  readonly #running = new Set<Promise<void>>();
  /** Those that were not loaded yet. */
  readonly #texts = new Set<RowText>();
  readonly tally: Tally;
  /** Nothing is loaded before all is waited for. */
  #isHeld: boolean;
  #failure: { readonly error: unknown } | undefined;

  private constructor(
    lanes: readonly Lane[],
    inspector: BulkSession,
    tally: Tally,
    loading: BulkLoading,
    loadPlain: LoadPlain,
  ) {
    this.#lanes = lanes;
    this.#loading = loading;
    this.#isHeld = loading.locksOthers;
    this.tally = tally;
    this.inspector = inspector;
    this.#idle = [...lanes];
    this.#loadPlain = loadPlain;
  }

  /** As many as there are cores: loading is work for them. Connects at once, before a dump changes accounts. */
  static async open(
    run: ImportRun,
    loading: BulkLoading,
    tally: Tally,
    loadPlain: LoadPlain,
  ): Promise<Lanes> {
    const socketPath = run.deps.servers.socketOf(run.server([]));
    const openSession = () => loading.open(socketPath, run.signal);
    const lanes: Lane[] = [];
    for (let index = 0; index < availableParallelism(); index++) {
      const file = `rows-${String(index)}.fifo`;
      await makeFifo(`${run.home}/tmp/${file}`);
      const session = await openSession();
      lanes.push({
        index,
        session,
        path: `${run.home}/tmp/${file}`,
        serverPath: `${inContainer.tmp}/${file}`,
      });
    }
    return new Lanes(lanes, await openSession(), tally, loading, loadPlain);
  }

  add(load: TableLoad): void {
    this.#texts.add(load.text);
    this.#waiting.push(load);
    this.#startNext();
  }

  /** Throws what went wrong first, if anything did. */
  check(): void {
    if (this.#failure) throw this.#failure.error;
  }

  /** Waits for all tables that were added; their texts must have been closed. Throws what went wrong first. */
  async drain(): Promise<void> {
    this.#isHeld = false;
    for (const _ of this.#lanes) this.#startNext();
    while (this.#running.size > 0) await Promise.race(this.#running);
    this.#isHeld = this.#loading.locksOthers;
    this.check();
  }

  /** Ends whatever still runs. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#failure ??= { error: new Error('The lanes were closed.') };
    this.inspector.close();
    for (const { session } of this.#lanes) session.close();
    for (const text of this.#texts) text.end();
    await Promise.all(this.#running);
    for (const text of this.#texts) await text[Symbol.asyncDispose]();
  }

  #startNext(): void {
    if (this.#failure || this.#isHeld) return;
    // The largest first, so that none is left alone at the end.
    this.#waiting.sort((a, b) => b.text.sizeBytes - a.text.sizeBytes);
    const lane = this.#waiting.length > 0 ? this.#idle.pop() : undefined;
    const load = lane && this.#waiting.shift();
    if (!lane || !load) return;
    const running = this.#load(lane, load)
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .finally(() => {
        this.#running.delete(running);
        this.#idle.push(lane);
        this.#startNext();
      });
    this.#running.add(running);
  }

  async #load(lane: Lane, load: TableLoad): Promise<void> {
    const { text, table, tally } = load;
    const plainBecause = await loadInBulk(this.#loading, lane, load, this.tally);
    if (plainBecause !== undefined) {
      this.tally.addPlain(tally.name, plainBecause);
      await lane.session.empty(table);
      await this.#loadPlain(load, lane.index);
    }
    this.#texts.delete(text);
    await text[Symbol.asyncDispose]();
    this.tally.done(tally);
  }
}

interface Lane {
  readonly index: number;
  readonly session: BulkSession;
  /** Of its FIFO, for us and for the server. */
  readonly path: string;
  readonly serverPath: string;
}

/** Why it must be done again, by the plain client, when not exactly the rows that were read came in, and silently. */
async function loadInBulk(
  { takesReturns }: BulkLoading,
  lane: Lane,
  load: TableLoad,
  tally: Tally,
): Promise<string | undefined> {
  const { table, state, head } = load;
  const converter = new RowConverter(head.bytes, table.columns, takesReturns);
  const loading = lane.session.load(table, lane.serverPath, state);
  const outcome = loading.then(
    ({ rows, warnings, hasGenerated }) => {
      if (rows !== converter.rows) return `${String(rows)} rows came in of ${String(converter.rows)}`;
      if (warnings > 0) return `the server had ${String(warnings)} warnings`;
      return hasGenerated ? 'the server numbered its rows' : undefined;
    },
    (error: unknown) => `the server said: ${messageOf(error)}`,
  );
  try {
    await writeFifo(lane.path, convert(converter, load, tally), outcome);
  } catch (error) {
    await outcome;
    if (!(error instanceof UnfitRows)) throw error;
    return error.message;
  }
  return outcome;
}

async function* convert(
  converter: RowConverter,
  load: TableLoad,
  tally: Tally,
): AsyncGenerator<readonly Buffer[]> {
  for await (const text of load.text.read()) {
    yield converter.push(text);
    tally.advance(load.tally, text.length, converter.rows);
  }
  yield converter.end();
  tally.advance(load.tally, 0, converter.rows);
}
