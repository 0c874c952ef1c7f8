/** Tells the parts of a dump apart: what makes and fills each table, and the rest. */
import { createHash, type Hash } from 'node:crypto';
import { countNewlines, type Piece } from '../bulk/pieces.ts';
import type { DumpParts } from './dump-parts.ts';
import { Places, type Position } from './places.ts';
import { RowBlocks, type Block } from './row-blocks.ts';
import { SessionState } from './session.ts';
import { kindOf, type NamedTable } from './statement-kind.ts';

interface Part {
  readonly database: string;
  readonly table: string;
  readonly all: Hash;
  readonly rows: RowBlocks;
  readonly places: Places;
  /** Of its CREATE TABLE, once that was seen. */
  structure: string | undefined;
  /** What the session was set to when its last statement was read. */
  state: string;
  /** Blocks of its rows in the former dump that may stand here as well. */
  expected: readonly Block[];
}

const sha256 = (text: string): string => createHash('sha256').update(text, 'latin1').digest('hex');
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

  /** `wanted` is the database that the dump is loaded into where it names none; `former`: what may be in it again. */
  constructor(wanted: string, systemDatabases: readonly string[], former?: DumpParts) {
    this.#wanted = wanted;
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
    this.#beginRows(part);
    return this.#nextExpected(part);
  }

  /** The expected block stands here: what would come of pushing its text. Returns the one expected next. */
  skip(block: Block, newlines: number): Block | undefined {
    const part = this.#filling;
    if (!part) throw new Error('Nothing was expected here.');
    const end = this.#after(block.sizeBytes, newlines);
    part.rows.add(block);
    part.places.add(this.#position, end);
    this.#position = end;
    return this.#nextExpected(part);
  }

  /** Something else stands here. */
  miss(): void {
    if (this.#filling) this.#filling.expected = [];
  }

  #nextExpected({ rows, expected }: Part): Block | undefined {
    return rows.next === undefined ? undefined : expected[rows.next];
  }

  #after(sizeBytes: number, newlines: number): Position {
    const { offset, lines } = this.#position;
    return { offset: offset + sizeBytes, lines: lines + newlines };
  }

  #beginRows(part: Part): void {
    if (this.#filling !== part) this.#endRows();
    this.#filling = part;
    this.#heedState(part);
    part.rows.begin();
    this.#last = part;
  }

  #endRows(): void {
    this.#filling?.rows.end();
    this.#filling = undefined;
  }

  #push(piece: Piece): void {
    if (piece.kind !== 'between' && piece.kind !== 'rows') this.#endRows();
    switch (piece.kind) {
      case 'between': {
        const commands = piece.bytes.toString('latin1').match(/^delimiter +\S+/gim);
        const delimiter = commands?.at(-1)?.split(' ').at(-1);
        if (delimiter !== undefined) this.#delimiterLength = delimiter.length;
        if (this.#filling?.rows.between(piece.bytes) === false) this.#endRows();
        break;
      }
      case 'rows': {
        const part = this.#find(piece.head);
        if (piece.hasExpressions) this.#why = 'rows that are computed';
        else if (part?.structure === undefined) this.#why = 'rows of a table that it does not make';
        else {
          if (piece.first) this.#beginRows(part);
          part.rows.rows(piece.bytes);
          this.#place(part, piece.bytes);
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
        this.#add(part, bytes);
        break;
      }
      case 'unlock':
        if (this.#last) this.#add(this.#last, bytes);
        break;
      case 'trigger': {
        const part = this.#find(statement.name);
        if (part?.structure === undefined) this.#why ??= 'a trigger of a table that it does not make';
        else this.#add(part, bytes);
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
    // Rows that were added change it, and nothing depends on it but rows.
    const lasting = text.replace(/ AUTO_INCREMENT=\d+(?=[^()]*$)/, '');
    part.structure = sha256(`${this.#state.text}\n${lasting}`);
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
      const all = createHash('sha256');
      const rows = new RowBlocks(all);
      const expected = this.#former.get(key) ?? [];
      part = { ...name, all, rows, places: new Places(), structure: undefined, state: '', expected };
      this.#parts.set(key, part);
    }
    return part;
  }

  #add(part: Part, bytes: Buffer): void {
    this.#heedState(part);
    part.all.update(bytes);
    this.#place(part, bytes);
    this.#last = part;
  }

  #heedState(part: Part): void {
    const { text } = this.#state;
    if (part.state !== text) part.all.update(`\0${text}\0`, 'latin1');
    part.state = text;
  }

  #place(part: Part, bytes: Buffer): void {
    part.places.add(this.#position, this.#after(bytes.length, countNewlines(bytes)));
    if (part.places.count > mostPlaces) this.#why = 'a table in too many pieces';
  }

  /** Undefined when only the whole dump can be loaded. To be asked once, at the end. */
  finish(): { readonly parts: DumpParts; placesOf(keys: ReadonlySet<string>): Places } | undefined {
    if (this.#why !== undefined) return undefined;
    this.#endRows();
    const tables: DumpParts['tables'] = [];
    for (const part of this.#parts.values()) {
      const { database, table, structure } = part;
      const hash = part.all.digest('hex');
      const { blocks } = part.rows;
      if (structure !== undefined)
        tables.push({ database, table, structure, hash, ...(blocks.length > 0 && { blocks }) });
      // What makes room for a view, for example.
      else this.#rest.update(`${keyOf(part)} ${hash}\n`);
    }
    return {
      parts: {
        wanted: this.#wanted,
        rest: this.#rest.digest('hex'),
        hasObjects: this.#hasObjects,
        tables,
      },
      placesOf: (keys) =>
        Places.join([
          this.#restPlaces,
          ...[...this.#parts].flatMap(([key, { structure, places }]) =>
            keys.has(key) || structure === undefined ? [places] : [],
          ),
        ]),
    };
  }
}
