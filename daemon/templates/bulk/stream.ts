/**
 * The text of a dump on its way to the plain client, with the rows of large tables taken out: those go to the lanes,
 * which load them beside it. Line breaks stay, so that the client tells the right lines in its errors. What has to do
 * with tables that are still being loaded waits for them.
 */
import type { BulkLoading, ClientState } from '../../engines/bulk.ts';
import { ClientQuestion } from './client-state.ts';
import { ClientText } from './client-text.ts';
import { areLiterals, commits, effectOf, looksBack, mayBegin, namesIn, undoes } from './effects.ts';
import type { InsertHead } from './insert-head.ts';
import type { Lanes, TableLoad } from './lanes.ts';
import { OnlyPlain } from './only-plain.ts';
import { countNewlines, isBlank, type Piece } from './pieces.ts';
import { StatementReader } from './statements.ts';
import { Extents } from './extents.ts';
import { Spool } from './spool.ts';
import type { DumpReading } from '../formats/reader.ts';
import type { RowText } from './row-text.ts';
import type { PartReader } from '../parts/part-reader.ts';

/** Tables with less are not worth the question whether they can be loaded in bulk. */
const worthwhileBytes = 2 ** 18;

type Rows = Extract<Piece, { kind: 'rows' }>;

export interface BulkStreamDeps {
  readonly loading: BulkLoading;
  readonly lanes: Lanes;
  /** Where rows are put that can't be read again at `path`. */
  readonly directory: string;
  /** Of the dump. */
  readonly path: string;
  /** Is told all that is loaded. */
  readonly parts?: PartReader | undefined;
}

/** Statements that follow each other and have the same head. */
type Run =
  /** Too few rows yet to decide. */
  | { readonly kind: 'held'; readonly head: InsertHead; readonly pieces: Piece[]; sizeBytes: number }
  | { readonly kind: 'bulk'; readonly head: InsertHead; readonly load: TableLoad }
  | { readonly kind: 'plain'; readonly head: InsertHead };

/** Whether text between statements may be more than comments and white space. */
const isCommand = (between: Buffer): boolean => /delimiter/i.test(between.toString('latin1'));

function hold(run: Extract<Run, { kind: 'held' }>, piece: Piece): void {
  run.pieces.push({ ...piece, bytes: Buffer.from(piece.bytes) });
  run.sizeBytes += piece.bytes.length;
}

export class BulkStream {
  readonly #deps: BulkStreamDeps;
  readonly #reader = new StatementReader();
  readonly #out = new ClientText();
  readonly #question: ClientQuestion;
  #run: Run | undefined;
  #isMidRows = false;
  /** Folded names of the tables that were given to the lanes since they were last waited for. */
  readonly #loading = new Set<string>();
  /** Names that triggers are about: an INSERT into such a table may do anything. */
  readonly #triggering = new Set<string>();
  #state: ClientState | undefined;
  #isUncommitted = false;
  /** As far as the dump says. */
  #mayHaveBegun = false;
  /** How many tables were taken out. */
  #taken = 0;
  #originOf: DumpReading['originOf'];
  /** Of the dump's text. */
  scannedBytes = 0;

  constructor(deps: BulkStreamDeps) {
    this.#deps = deps;
    this.#question = new ClientQuestion(deps.loading);
  }

  /** What the client prints. */
  onOutput(chunk: Buffer): void {
    this.#question.onOutput(chunk);
  }

  onExit(): void {
    this.#question.onExit();
  }

  /** What the client is to read. Throws `OnlyPlain`. */
  async *text({
    text,
    originOf,
  }: Pick<DumpReading<AsyncIterable<Buffer>>, 'text' | 'originOf'>): AsyncGenerator<Buffer> {
    const { parts } = this.#deps;
    this.#originOf = originOf;
    const pieces = async function* (this: BulkStream) {
      for await (const chunk of text) {
        this.scannedBytes += chunk.length;
        yield* this.#reader.push(chunk);
      }
      yield* this.#reader.end();
    };
    for await (const piece of pieces.call(this)) {
      parts?.push(piece);
      yield* this.#take(piece);
    }
    yield* this.#endRun();
    if (this.#isUncommitted) throw new OnlyPlain('it leaves a transaction open');
    await this.#wait();
    yield* this.#out.payNewline();
  }

  async *#take(piece: Piece): AsyncGenerator<Buffer> {
    this.#deps.lanes.check();
    switch (piece.kind) {
      case 'between':
        yield* this.#takeBetween(piece);
        break;
      case 'rows':
        yield* this.#takeRows(piece);
        break;
      case 'statement':
        yield* this.#endRun();
        yield* this.#takeStatement(piece.bytes);
        break;
      case 'long':
        yield* this.#endRun();
        if (piece.first) await this.#wait();
        yield* this.#out.send(piece.bytes);
        break;
      case 'rest':
        if (this.#isMidRows && this.#run?.kind === 'bulk')
          throw new OnlyPlain('its rows are no plain values');
        if (this.#isUncommitted) throw new OnlyPlain('it may undo a transaction');
        yield* this.#endRun();
        await this.#wait();
        yield* this.#out.send(piece.bytes);
        break;
    }
  }

  async *#takeBetween(piece: Piece): AsyncGenerator<Buffer> {
    switch (this.#run?.kind) {
      case 'held':
        hold(this.#run, piece);
        break;
      case 'bulk':
        yield* this.#out.leaveOut(piece.bytes);
        await this.#appendBetween(this.#run.load.text, piece);
        break;
      case 'plain':
      case undefined:
        // A question of ours at the end of a comment's line would be a part of the comment.
        if (isCommand(piece.bytes)) {
          yield* this.#out.send(piece.bytes);
          yield* this.#out.payNewline();
        } else {
          yield* this.#out.leaveOut(piece.bytes);
        }
        break;
    }
  }

  /** As it stands, where it is as good as line breaks: then it is one with the rows around it. */
  async #appendBetween(text: RowText, { bytes, offset }: Piece): Promise<void> {
    const originOf = this.#originOf ?? ((at: number) => at);
    const origin = originOf(offset);
    const isWhole = originOf(offset + bytes.length - 1) === origin + bytes.length - 1;
    if (isWhole && isBlank(bytes)) await text.append(bytes, origin);
    else await text.appendNewlines(countNewlines(bytes));
  }

  async *#takeRows(piece: Rows): AsyncGenerator<Buffer> {
    if (this.#run && !this.#run.head.bytes.equals(piece.head.bytes)) yield* this.#endRun();
    this.#run ??= { kind: 'held', head: piece.head, pieces: [], sizeBytes: 0 };
    this.#isMidRows = !piece.last;
    switch (this.#run.kind) {
      case 'held':
        hold(this.#run, piece);
        if (this.#run.sizeBytes >= worthwhileBytes) yield* this.#decide(this.#run);
        break;
      case 'bulk':
        yield* this.#out.leaveOut(piece.bytes);
        await this.#run.load.text.append(piece.bytes, this.#originOf?.(piece.offset) ?? piece.offset);
        this.#run.load.tally.sizeBytes = this.#run.load.text.sizeBytes;
        break;
      case 'plain':
        yield* this.#out.send(piece.bytes);
        break;
    }
  }

  /** Now that a run of rows is known to be long. */
  async *#decide({ head, pieces }: Extract<Run, { kind: 'held' }>): AsyncGenerator<Buffer> {
    const load = yield* this.#begin(head, pieces[0]?.line ?? 1);
    if (load) {
      this.#run = { kind: 'bulk', head, load };
    } else {
      await this.#wait();
      this.#run = { kind: 'plain', head };
    }
    for (const piece of pieces) yield* this.#take(piece);
  }

  /** Has a table loaded in bulk, if it can be. */
  async *#begin(head: InsertHead, line: number): AsyncGenerator<Buffer, TableLoad | undefined> {
    const { lanes, loading, directory, path } = this.#deps;
    const why = this.#whyNot(head);
    if (why !== undefined) {
      lanes.tally.addPlain(head.table, why);
      return undefined;
    }
    // Its line ends where the one before would have.
    this.#out.owesNewline = false;
    const state = yield* this.#question.ask();
    if (!state) return undefined;
    const table = await lanes.inspector.inspect(head, head.columns, state);
    if ('why' in table) {
      lanes.tally.addPlain(head.table, table.why);
      return undefined;
    }
    this.#state = state;
    this.#taken++;
    const text = this.#originOf
      ? new Extents(path)
      : await Spool.create(`${directory}/rows-${String(this.#taken)}.zst`);
    const tally = lanes.tally.add(`${table.name.database}.${table.name.table}`);
    const load = { table, state, head, text, tally, line };
    this.#loading.add(head.table.toLowerCase());
    this.#isUncommitted ||= !state.commitsItself || (this.#mayHaveBegun && !loading.tellsTransactions);
    lanes.add(load);
    return load;
  }

  /** Why a table is not even asked for. */
  #whyNot({ table }: InsertHead): string | undefined {
    if (this.#question.hasLeft) return 'the client has left';
    if (this.#loading.has(table.toLowerCase())) return 'more of its rows, after others';
    return this.#out.owesNewline ? undefined : 'no line of its own';
  }

  async *#endRun(): AsyncGenerator<Buffer> {
    const run = this.#run;
    this.#run = undefined;
    if (run?.kind === 'bulk') await run.load.text.close();
    if (run?.kind !== 'held') return;
    if (this.#loading.size > 0 && !this.#canGoBeside(run.head, run.pieces)) await this.#wait();
    for (const { bytes } of run.pieces) yield* this.#out.send(bytes);
  }

  #canGoBeside({ table, bytes: head }: InsertHead, pieces: readonly Piece[]): boolean {
    const name = table.toLowerCase();
    if (this.#loading.has(name) || this.#triggering.has(name) || this.#state?.checksForeignKeys) return false;
    const text = Buffer.concat(pieces.map(({ bytes }) => bytes)).toString('latin1');
    return areLiterals(text.replaceAll(head.toString('latin1'), ''));
  }

  async *#takeStatement(bytes: Buffer): AsyncGenerator<Buffer> {
    const text = bytes.toString('latin1');
    if (/^[^'"]{0,100}\bTRIGGER\b/i.test(text)) {
      for (const name of namesIn(text.slice(0, text.search(/\bfor\s+each\b/i)))) this.#triggering.add(name);
    }
    if (this.#taken > 0 && looksBack(text)) throw new OnlyPlain('it asks what the statement before did');
    if (this.#isUncommitted && undoes(text)) throw new OnlyPlain('it undoes a transaction');
    if (commits(text)) this.#isUncommitted = this.#mayHaveBegun = false;
    if (mayBegin(text)) this.#mayHaveBegun = true;
    switch (effectOf(text, this.#loading)) {
      case 'void':
        yield* this.#out.leaveOut(bytes);
        return;
      case 'after':
        await this.#wait();
        break;
      case 'beside':
        break;
    }
    yield* this.#out.send(bytes);
  }

  /** Until all tables that were taken out are there. */
  async #wait(): Promise<void> {
    if (this.#loading.size === 0) return;
    await this.#deps.lanes.drain();
    this.#loading.clear();
  }
}
