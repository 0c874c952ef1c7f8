/** Tells the parts of a dump apart: what makes and fills each table, and the rest. */
import { createHash, type Hash } from 'node:crypto';
import type { Piece } from '../bulk/pieces.ts';
import type { DumpParts } from './dump-parts.ts';
import { Places } from './places.ts';
import { SessionState } from './session.ts';
import { kindOf, type NamedTable } from './statement-kind.ts';

interface Part {
  readonly database: string;
  readonly table: string;
  readonly all: Hash;
  readonly places: Places;
  /** Of its CREATE TABLE, once that was seen. */
  structure: string | undefined;
  /** What the session was set to when its last statement was read. */
  state: string;
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
  readonly #state = new SessionState();
  readonly #parts = new Map<string, Part>();
  readonly #rest = createHash('sha256');
  readonly #restPlaces = new Places();
  #hasObjects = false;
  #offset = 0;
  #delimiterLength = 1;
  /** The table that the statement before belongs to. */
  #last: Part | undefined;
  /** Why only the whole dump can be loaded. */
  #why: string | undefined;

  /** `wanted` is the database that the dump is loaded into where it names none. */
  constructor(wanted: string, systemDatabases: readonly string[]) {
    this.#wanted = wanted;
    this.#systemDatabases = systemDatabases;
  }

  get isUnclear(): boolean {
    return this.#why !== undefined;
  }

  push(piece: Piece): void {
    if (this.#why === undefined) this.#push(piece);
    this.#offset += piece.bytes.length;
  }

  #push(piece: Piece): void {
    switch (piece.kind) {
      case 'between': {
        const commands = piece.bytes.toString('latin1').match(/^delimiter +\S+/gim);
        const delimiter = commands?.at(-1)?.split(' ').at(-1);
        if (delimiter !== undefined) this.#delimiterLength = delimiter.length;
        break;
      }
      case 'rows': {
        const part = this.#find(piece.head);
        if (piece.hasExpressions) this.#why = 'rows that are computed';
        else if (part?.structure === undefined) this.#why = 'rows of a table that it does not make';
        else this.#add(part, piece.bytes);
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
        this.#restPlaces.add(this.#offset, bytes);
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
      part = { ...name, all, places: new Places(), structure: undefined, state: '' };
      this.#parts.set(key, part);
    }
    return part;
  }

  #add(part: Part, bytes: Buffer): void {
    const { text } = this.#state;
    if (part.state !== text) part.all.update(`\0${text}\0`, 'latin1');
    part.state = text;
    part.all.update(bytes);
    part.places.add(this.#offset, bytes);
    if (part.places.count > mostPlaces) this.#why = 'a table in too many pieces';
    this.#last = part;
  }

  /** Undefined when only the whole dump can be loaded. To be asked once, at the end. */
  finish(): { readonly parts: DumpParts; placesOf(keys: ReadonlySet<string>): Places } | undefined {
    if (this.#why !== undefined) return undefined;
    const tables: DumpParts['tables'] = [];
    for (const part of this.#parts.values()) {
      const { database, table, structure } = part;
      const hash = part.all.digest('hex');
      if (structure !== undefined) tables.push({ database, table, structure, hash });
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
