/** Tells the parts of a dump apart: what makes and fills each table, and the rest. */
import { createHash } from 'node:crypto';
import { countNewlines, type Piece } from '../bulk/pieces.ts';
import type { InsertHead } from '../bulk/insert-head.ts';
import type { DumpParts } from './dump-parts.ts';
import type { KeyColumn } from '../../engines/bulk.ts';
import { Part, type RowsPlace } from './part.ts';
import { Places, type Position } from './places.ts';
import type { Block } from './row-blocks.ts';
import { SessionState } from './session.ts';
import { kindOf, type NamedTable } from './statement-kind.ts';

/** The one run of rows of a table. */
export interface Rows {
  readonly place: RowsPlace;
  /** Of those behind what says the same as in the former dump. */
  readonly tailHash: string;
  /** Where rows can be told from each other by it. */
  readonly key: KeyColumn | undefined;
}

export interface Found {
  readonly parts: DumpParts;
  /** By the keys of their tables. */
  readonly rows: ReadonlyMap<string, Rows>;
  /**
   * Where in the text tables stand, and what belongs to none. Of those in `tails` the rows behind what says the same as in
   * the former dump are left out of it.
   */
  readonly placesOf: (tables: ReadonlySet<string>, tails?: ReadonlySet<string>) => Places;
}

const utf8 = /^utf8(?:mb[34])?$/;
/** Of one table: with a comment between any two rows there would be as many as rows, and all are in memory. */
const mostPlaces = 10_000;
/** The client's own, unless the dump says otherwise: see `loadCommand`. */
const clientCharset = 'utf8mb4';

export const keyOf = ({ database, table }: { database: string; table: string }): string =>
  JSON.stringify([database, table]);

export class PartReader {
  readonly #wanted: string;
  readonly #systemDatabases: readonly string[];
  readonly #former: ReadonlyMap<string, readonly Block[]>;
  readonly #tails: ReadonlySet<string>;
  readonly #state = new SessionState();
  readonly #parts = new Map<string, Part>();
  readonly #rest = createHash('sha256');
  readonly #restPlaces = new Places();
  #hasObjects = false;
  #position: Position = { offset: 0, lines: 0 };
  #delimiterLength = 1;
  /** The table that the statement before belongs to, and the one whose run of rows this is. */
  #last: Part | undefined;
  #filling: Part | undefined;
  /** Why only the whole dump can be loaded. */
  #why: string | undefined;

  /**
   * `wanted` is the database that the dump is loaded into where it names none; `former`: what may be in it again; `tails`:
   * tables of which only the last rows are in it.
   */
  constructor(
    wanted: string,
    systemDatabases: readonly string[],
    { former, tails = new Set() }: { former?: DumpParts; tails?: ReadonlySet<string> } = {},
  ) {
    this.#wanted = wanted;
    this.#tails = tails;
    this.#systemDatabases = systemDatabases;
    this.#former = new Map(former?.tables.map((table) => [keyOf(table), table.blocks ?? []]));
  }

  get isUnclear(): boolean {
    return this.#why !== undefined;
  }

  /** Where the next piece begins. */
  get offset(): number {
    return this.#position.offset;
  }

  push(piece: Piece): void {
    if (this.#why === undefined) this.#push(piece);
    this.#position = this.#after(piece.bytes.length, countNewlines(piece.bytes));
  }

  /** The block of rows that began with this piece in the former dump, as far as that is known. */
  expected(piece: Piece): Block | undefined {
    if (piece.kind !== 'rows' || !piece.first) return undefined;
    const part = this.#find(piece.head);
    if (part?.structure === undefined) return undefined;
    this.#beginRows(part, piece.head);
    return part.expected;
  }

  /** The expected block stands here: what would come of pushing its text. Returns the one expected next. */
  skip(block: Block, newlines: number): Block | undefined {
    const part = this.#filling;
    if (!part) throw new Error('Nothing was expected here.');
    const end = this.#after(block.sizeBytes, newlines);
    part.skip(block, end);
    part.places.add(this.#position, end);
    this.#position = end;
    return part.expected;
  }

  /** Something else stands here. */
  miss(): void {
    this.#filling?.miss();
  }

  #after(sizeBytes: number, newlines: number): Position {
    const { offset, lines } = this.#position;
    return { offset: offset + sizeBytes, lines: lines + newlines };
  }

  #beginRows(part: Part, head: InsertHead): void {
    const isRun = this.#filling !== part;
    if (isRun) this.#endRows();
    this.#filling = part;
    part.beginRows(isRun, this.#state.text, head, this.#position);
    this.#last = part;
  }

  #endRows(): void {
    this.#filling?.endRows();
    this.#filling = undefined;
  }

  #push(piece: Piece): void {
    if (piece.kind !== 'between' && piece.kind !== 'rows') this.#endRows();
    switch (piece.kind) {
      case 'between': {
        const commands = piece.bytes.toString('latin1').match(/^delimiter +\S+/gim);
        const delimiter = commands?.at(-1)?.split(' ').at(-1);
        if (delimiter !== undefined) this.#delimiterLength = delimiter.length;
        if (this.#filling?.between(piece.bytes) === false) this.#endRows();
        break;
      }
      case 'rows': {
        const part = this.#find(piece.head);
        if (piece.hasExpressions) this.#why = 'rows that are computed';
        else if (part?.structure === undefined) this.#why = 'rows of a table that it does not make';
        else {
          if (piece.first) this.#beginRows(part, piece.head);
          part.rows(piece.bytes, this.#place(part, piece.bytes));
        }
        break;
      }
      case 'statement':
        this.#pushStatement(piece.bytes);
        break;
      case 'long':
      case 'rest':
        this.#why = 'statements that are not understood';
        break;
    }
  }

  #pushStatement(bytes: Buffer): void {
    const text = bytes.toString('latin1');
    const statement = kindOf(text, this.#delimiterLength);
    switch (statement.kind) {
      case 'set':
        if (!this.#state.apply(statement.assignments)) this.#why = 'settings that are not understood';
        break;
      case 'use':
        this.#state.set('database', statement.database);
        this.#rest.update(text, 'latin1');
        break;
      case 'repeatable':
        this.#rest.update(text, 'latin1');
        break;
      case 'table': {
        const part = this.#find(statement.name);
        if (!part) break;
        if (statement.creates) this.#create(part, text);
        this.#add(part, bytes, statement.creates);
        break;
      }
      case 'unlock':
        if (this.#last) this.#add(this.#last, bytes);
        break;
      case 'trigger': {
        const part = this.#find(statement.name);
        if (part?.structure === undefined) this.#why ??= 'a trigger of a table that it does not make';
        else {
          part.hasTrigger = true;
          this.#add(part, bytes);
        }
        this.#addObject(text);
        break;
      }
      case 'object':
        this.#addObject(text);
        this.#restPlaces.add(this.#position, this.#after(bytes.length, countNewlines(bytes)));
        break;
      case 'other':
        this.#why = 'statements that are not understood';
        break;
    }
  }

  #addObject(text: string): void {
    this.#hasObjects = true;
    this.#rest.update(`${this.#state.text}\n${text}\n`, 'latin1');
  }

  #create(part: Part, text: string): void {
    if (part.structure !== undefined) this.#why = 'a table that it makes twice';
    // Else a row may be refused for what another table has.
    if (/\bREFERENCES\b/i.test(text) && this.#state.get('foreign_key_checks') !== '0')
      this.#why = 'foreign keys that are looked at';
    part.create(text, this.#state.text);
  }

  #find({ database, table }: NamedTable): Part | undefined {
    const charset = this.#state.get('character_set_client') ?? clientCharset;
    const decode = (name: string): string => {
      if (!/[\x80-\xff]/.test(name)) return name;
      if (!utf8.test(charset)) this.#why = 'names in another character set';
      return Buffer.from(name, 'latin1').toString();
    };
    const own = decode(database ?? this.#state.get('database') ?? '');
    const name = { database: own === '' ? this.#wanted : own, table: decode(table) };
    if (this.#systemDatabases.includes(name.database.toLowerCase())) this.#why = 'tables of the server';
    if (this.#why !== undefined) return undefined;
    const key = keyOf(name);
    let part = this.#parts.get(key);
    if (!part) {
      part = new Part(name, this.#former.get(key) ?? []);
      if (this.#tails.has(key)) part.structure = '';
      this.#parts.set(key, part);
    }
    return part;
  }

  #add(part: Part, bytes: Buffer, creates = false): void {
    part.add(bytes, creates, this.#state.text);
    this.#place(part, bytes);
    this.#last = part;
  }

  /** Returns where it ends. */
  #place(part: Part, bytes: Buffer): Position {
    const end = this.#after(bytes.length, countNewlines(bytes));
    part.places.add(this.#position, end);
    if (part.places.count > mostPlaces) this.#why = 'a table in too many pieces';
    return end;
  }

  /** Undefined when only the whole dump can be loaded. To be asked once, at the end. */
  finish(): Found | undefined {
    if (this.#why !== undefined) return undefined;
    this.#endRows();
    const tables: DumpParts['tables'] = [];
    const rows = new Map<string, Rows>();
    for (const [name, part] of this.#parts) {
      const { database, table, structure } = part;
      const { hash, frame, blocks, ...own } = part.finish();
      // What makes room for a view, for example.
      if (structure === undefined) this.#rest.update(`${name} ${hash}\n`);
      else
        tables.push({
          database,
          table,
          structure,
          hash,
          ...(frame !== undefined && { frame }),
          ...(blocks.length > 0 && { blocks }),
        });
      if (own.rows) rows.set(name, own.rows);
    }
    return {
      parts: {
        wanted: this.#wanted,
        rest: this.#rest.digest('hex'),
        hasObjects: this.#hasObjects,
        tables,
      },
      rows,
      placesOf: (keys, tails) =>
        Places.join([
          this.#restPlaces,
          ...[...this.#parts].flatMap(([key, { structure, places }]) => {
            const place = tails?.has(key) === true ? rows.get(key)?.place : undefined;
            if (place) return [places.without(place.same, place.end)];
            return keys.has(key) || structure === undefined ? [places] : [];
          }),
        ]),
    };
  }
}
