/** How dumps of a product are told from others, read, and loaded. */
import type { Transform } from 'node:stream';
import type { AdminSession } from './engine.ts';

/** Why the load client gave up. */
export interface LoadFailure {
  readonly line: number | undefined;
  /** The beginning of the statement that failed, where the client tells it. */
  readonly statement: string | undefined;
  readonly message: string;
  /** A `CREATE DATABASE` found its database there. */
  readonly databaseExists: boolean;
}

/** The client program that loads a dump from its standard input, as the import's administrator. */
export interface LoadClient {
  /** Into `database`, unless the dump names another. */
  command(database: string | undefined): readonly string[];
  /** What it meant when it ended with `exitCode`, not 0. */
  parseError(stderr: string, exitCode: number): LoadFailure;
}

/** Directories of several files that are one dump. */
export type DirectoryKind = 'mydumper' | 'tab' | 'backup' | 'archive';

/** What the text of a dump passes through on its way to the client. Refuses, with `MYAAS_DUMP_BAD`, what must not get there. */
export interface TextFilter extends Transform {
  /** Why the text that has passed is not all that its author wanted to write; undefined when nothing says so. */
  whyIncomplete(): string | undefined;
}

/** What a text comes from and goes to. */
export interface TextSurroundings {
  /** Its name, for people. */
  readonly file: string;
  /** Of the server. */
  readonly series: string;
  readonly ensureRole?: AdminSession['ensureRole'];
  readonly locales?: readonly string[];
}

export interface ArchiveDescription {
  readonly roles: readonly string[];
  /** Whether several connections may load it from its path. */
  readonly isParallel: boolean;
}

/** Dumps that a program of the product reads, which may do so with several connections. */
export interface ArchiveTool {
  /** Whether a file is one, by what it begins with, latin1. */
  recognises(head: string): boolean;
  /** The file that tells of the others where it is a directory. */
  readonly directoryFile: string;
  /**
   * What it is to be loaded with, by what it, or its `directoryFile`, begins with; undefined when that is not enough of it.
   * Throws `MYAAS_DUMP_BAD` for one that this series can't read.
   */
  describe(head: Buffer, surroundings: TextSurroundings): ArchiveDescription | undefined;
  /** Loads it from `path`, or from its standard input. */
  command(
    database: string,
    from: { readonly path: string; readonly jobs: number } | undefined,
  ): readonly string[];
}

/** How dumps of a product are told from others, and loaded. */
export interface DumpSupport {
  /** What names of dumps that are one file end with, before the ending of a packer: "sql". */
  readonly endings: readonly string[];
  readonly directories: readonly DirectoryKind[];
  /** Undefined: as dumps of MySQL's family are read. */
  filter?(surroundings: TextSurroundings): TextFilter;
  readonly archive?: ArchiveTool;
  /** Whether a dump is of this product for certain, by what it begins with, unpacked, latin1. */
  recognises(head: string): boolean;
  /** "client": through that program. "data file": put in the data directory before the server's first start. */
  readonly loading:
    | { readonly kind: 'client'; readonly client: LoadClient }
    | { readonly kind: 'data file'; readonly name: string };
}
