/** The table of contents of pg_dump's archives: custom, directory (toc.dat) and tar (src/bin/pg_dump/pg_backup_archiver.c). */
import { rolesOf } from './postgres-roles.ts';

export interface ArchiveContents {
  /** Of the pg_dump that made it: "17.2". */
  readonly dumpVersion: string;
  /** Everybody who owns something in it, or may do something with it. UTF-8. */
  readonly roles: readonly string[];
}

/** What archives begin with: of the custom format, and in a toc.dat. */
export const archiveStart = 'PGDMP';

/** What can't be told of a beginning that is too short. */
export class MoreNeeded extends Error {}

const tarBlockBytes = 512;
/** Formats of archives: custom 1, tar 3, directory 5. */
const customFormat = 1;

/** Numbers and texts as pg_dump writes them. */
class Reader {
  readonly #bytes: Buffer;
  #at: number;
  #intBytes = 4;

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes;
    this.#at = at;
  }

  set intBytes(bytes: number) {
    this.#intBytes = bytes;
  }

  #need(bytes: number): number {
    const at = this.#at;
    if (bytes < 0 || at + bytes > this.#bytes.length) throw new MoreNeeded('The archive goes on.');
    this.#at += bytes;
    return at;
  }

  skip(bytes: number): void {
    this.#need(bytes);
  }

  byte(): number {
    return this.#bytes.readUInt8(this.#need(1));
  }

  /** A sign, and then as many bytes as the archive says. */
  int(): number {
    const isNegative = this.byte() !== 0;
    const value = this.#bytes.readUIntLE(this.#need(this.#intBytes), this.#intBytes);
    return isNegative ? -value : value;
  }

  text(): string | undefined {
    const length = this.int();
    if (length < 0) return undefined;
    const at = this.#need(length);
    return this.#bytes.toString('utf8', at, at + length);
  }
}

/** Where the table of contents begins, which in a tar archive is the first file. */
const startOfToc = (head: Buffer): number =>
  head.toString('latin1', 0, archiveStart.length) === archiveStart ? 0 : tarBlockBytes;

/** Throws `MoreNeeded` when `head` does not hold all of it, and another error for what is no such archive. */
export function readArchiveContents(head: Buffer): ArchiveContents {
  const start = startOfToc(head);
  if (head.length < start + 64) throw new MoreNeeded('The archive goes on.');
  if (head.toString('latin1', start, start + archiveStart.length) !== archiveStart)
    throw new Error('it is no archive of pg_dump');
  const reader = new Reader(head, start + archiveStart.length);
  const version = reader.byte() * 100 + reader.byte();
  reader.skip(1);
  if (version < 112 || version >= 200) throw new Error('it is of a pg_dump that is too old');
  const intBytes = reader.byte();
  const offsetBytes = reader.byte();
  const format = reader.byte();
  if (intBytes < 1 || intBytes > 6) throw new Error('it is damaged');
  reader.intBytes = intBytes;
  if (version >= 115) reader.skip(1);
  else reader.int();
  // When it was made: seven numbers. Then the database, and the server's version.
  for (let index = 0; index < 7; index++) reader.int();
  reader.text();
  reader.text();
  const dumpVersion = reader.text() ?? '';
  const roles = new Set<string>();
  // From 1.17 on nobody knows what an entry is made of; its pg_dump is too new, and is told so by its version.
  if (version > 116) return { dumpVersion, roles: [] };
  for (let left = reader.int(); left > 0; left--) {
    const entry = readEntry(reader, version);
    if (format === customFormat) reader.skip(1 + offsetBytes);
    else reader.text();
    if (entry.owner !== '') roles.add(entry.owner);
    for (const role of rolesIn(entry)) roles.add(role);
  }
  return { dumpVersion, roles: [...roles] };
}

interface Entry {
  readonly kind: string;
  readonly definition: string;
  readonly owner: string;
}

function readEntry(reader: Reader, version: number): Entry {
  // Its number, whether it has data, and what it is in the server's catalogues.
  reader.int();
  reader.int();
  reader.text();
  reader.text();
  reader.text();
  const kind = reader.text() ?? '';
  reader.int();
  const definition = reader.text() ?? '';
  // How it is dropped and copied, its schema and tablespace, its access method, its kind.
  for (let index = 0; index < 4; index++) reader.text();
  if (version >= 114) reader.text();
  if (version >= 116) reader.int();
  const owner = reader.text() ?? '';
  // Whether it has OIDs, then what it depends on.
  reader.text();
  while (reader.text() !== undefined);
  return { kind, definition, owner };
}

/** An entry may be several statements. */
const rolesIn = ({ kind, definition }: Entry): string[] =>
  ['ACL', 'DEFAULT ACL', 'POLICY', 'SCHEMA', 'USER MAPPING'].includes(kind)
    ? definition
        .split(/;\n/)
        .flatMap((statement) => rolesOf(Buffer.from(statement.trim(), 'utf8').toString('latin1')))
        .map((role) => Buffer.from(role, 'latin1').toString('utf8'))
    : [];
