/** What MyAAS must know of one database product. Everything else is the same for all of them. */

/** Where a server finds its files in its container. */
export const inContainer = {
  /** The instance's own directory: `datadir/` and `tmp/`. */
  home: '/var/lib/myaas',
  datadir: '/var/lib/myaas/datadir',
  tmp: '/var/lib/myaas/tmp',
  /** The run directory, shared with the host: socket and start-up file. */
  run: '/run/myaas',
} as const;

/** An account of the database server. */
export interface Account {
  readonly username: string;
  readonly password: string;
}

/** What an import has made, read from the server. */
export interface Contents {
  readonly databases: readonly string[];
  /** Tables, views and routines in all of them. */
  readonly objectCount: number;
}

export interface TableCounts {
  readonly tables: number;
  /** As the server estimates them. */
  readonly rows: number;
}

/** Why the load client gave up. */
export interface LoadFailure {
  readonly line: number | undefined;
  /** The beginning of the statement that failed, where the client tells it. */
  readonly statement: string | undefined;
  readonly message: string;
  /** A `CREATE DATABASE` found its database there. */
  readonly databaseExists: boolean;
}

/** What becomes of the values of a column. All but "fixed" follow from the value, so that what is equal stays equal. */
export type MaskRule =
  | { readonly kind: 'null' | 'hash' | 'e-mail' | 'name' | 'first name' | 'last name' | 'phone' }
  | { readonly kind: 'fixed'; readonly value: string | number | boolean };

export interface MaskedColumn {
  readonly database: string;
  readonly table: string;
  readonly column: string;
  readonly rule: MaskRule;
}

/** Rows as `SELECT … INTO OUTFILE` writes them by default. */
export interface RowsFile {
  readonly database: string;
  readonly table: string;
  /** In the server's container. */
  readonly file: string;
  /** How many fields its rows have: some tools leave out generated columns. */
  readonly fieldCount: number;
  /** Of its timestamps. */
  readonly timeZone: string | undefined;
}

/** A connection of the administrator to an import's server. It must survive a dump that replaces the accounts. */
export interface AdminSession {
  /** The server's version, as it tells it. */
  version(): Promise<string>;
  createDatabase(name: string): Promise<void>;
  dropDatabase(name: string): Promise<void>;
  contents(): Promise<Contents>;
  /** The tables of a database that keep rows of their own: no views, and nothing that is only a way to other tables. */
  tablesWithRows(database: string): Promise<string[]>;
  loadRows(rows: RowsFile): Promise<void>;
  /** Whether a database holds nothing at all. */
  isEmpty(database: string): Promise<boolean>;
  /**
   * Locks every account that is there, since every client of an instance comes by its local socket, and makes the
   * one that instances are used by, locked until a clone gives it its password. Accounts that objects of the dump
   * are defined by, and that the dump did not bring, are made, locked as well.
   */
  secureAccounts(username: string): Promise<void>;
  /** All that stands in the way of masking these columns, in words. */
  findMaskProblems(columns: readonly MaskedColumn[]): Promise<string[]>;
  /**
   * Replaces the values of columns that `findMaskProblems` has nothing against, by values that follow from them and the
   * key. What the data itself has against it, in words, or undefined.
   */
  mask(columns: readonly MaskedColumn[], key: Buffer, signal: AbortSignal): Promise<string | undefined>;
  /** Refreshes the optimizer's statistics. */
  analyze(signal: AbortSignal): Promise<void>;
  countTables(): Promise<TableCounts>;
  /** Asks for a clean shutdown; the container's exit tells when it is done. */
  shutdown(): Promise<void>;
  /** Whether the server still answers this session. */
  isAlive(): Promise<boolean>;
  close(): void;
}

/** What a physical backup says of itself, in the files of its program. */
export interface BackupDescription {
  readonly checkpoints: string;
  readonly info: string;
  /** The server's options that it can't be opened without. */
  readonly options: string;
}

/** The product's program for physical backups. */
export interface BackupTool {
  /** What a stream of it begins with. */
  readonly streamStart: Buffer;
  /** Tells the server's version. */
  readonly versionCommand: readonly string[];
  /** Unpacks a stream from standard input into the data directory. */
  readonly extractCommand: readonly string[];
  /** Makes what was copied from a running server a consistent data directory. */
  prepareCommand(memoryBytes: number): readonly string[];
  /** "11.8" of what `versionCommand` tells; servers open the files of their own series. */
  seriesOfServer(version: string): string | undefined;
  seriesOfBackup(description: BackupDescription): string | undefined;
  /** Removes what is left of former pages in the data directory of a server that was shut down. */
  wipeRemnants(datadir: string): Promise<void>;
  /** Why a backup can't become a template, whatever its version; undefined when nothing is in the way. */
  whyUnusable(description: BackupDescription): string | undefined;
}

export interface Engine {
  readonly name: 'mariadb';
  readonly backup: BackupTool;
  /** The server's own. */
  readonly systemDatabases: readonly string[];
  /** Name of the server's socket in the run directory. */
  readonly socketName: string;
  /** Name of the file in the run directory that the server executes before it lets anybody in. */
  readonly startupFileName: string;
  /** Environment variables of its programs. */
  readonly environment: Readonly<Record<string, string>>;
  /** The command that fills an empty data directory. */
  initialiseCommand(): readonly string[];
  /** The server of an instance, sized so that it stays within the memory of its container. */
  serveCommand(container: { readonly memoryBytes: number }): readonly string[];
  /** Flags that a server gives up the files of former versions of rows for, to make new ones. */
  readonly renewingFlags: readonly string[];
  /** The server of an import: bulk settings, nothing durable before the shutdown. */
  importCommand(memoryBytes: number): readonly string[];
  /** The server of an import over the data directory of another server. It executes `adoptFileName` in `home` first. */
  adoptCommand(memoryBytes: number): readonly string[];
  readonly adoptFileName: string;
  /** Lets the import's administrator in, and takes out what would be in the way of instances. */
  readonly adoptStatements: string;
  /** The client that loads a dump from its standard input, into `database` unless the dump names another. */
  loadCommand(database: string | undefined): readonly string[];
  /** A file in the home directory by which client programs find the import's server, as its administrator. */
  readonly clientFile: { readonly name: string; readonly text: string };
  /** What the start-up file says: gives the account its password, in a form that tells nobody the password. */
  startupStatements(account: Account): string;
  /** Files, besides its own, that the data directory needs to be served. */
  extraFiles(): Promise<readonly { readonly name: string; readonly text: string }[]>;
  /** Logs in through the socket and has one query answered. */
  login(socketPath: string, account: Account, database: string, signal: AbortSignal): Promise<void>;
  /**
   * What the server of an instance is busy with, in words: a statement that runs, a transaction that is open; undefined
   * when stopping it loses nobody's work.
   */
  work(socketPath: string, account: Account, signal: AbortSignal): Promise<string | undefined>;
  /** Gives the account, as which it logs in, another password. */
  changePassword(socketPath: string, account: Account, password: string, signal: AbortSignal): Promise<void>;
  /** Lets the account, as which it logs in, in from other hosts as well: the data goes to a server with a network. */
  openToNetwork(socketPath: string, account: Account, signal: AbortSignal): Promise<void>;
  /** Like `login`, and asks for a clean shutdown. */
  loginAndShutDown(
    socketPath: string,
    account: Account,
    database: string,
    signal: AbortSignal,
  ): Promise<void>;
  admin(socketPath: string): Promise<AdminSession>;
  /** Whether a server's log ends with a clean shutdown. */
  provesCleanShutdown(log: string): boolean;
  /** The line of a server's log that tells of a crash recovery at its start. */
  findRecovery(log: string): string | undefined;
  /** What a load client meant that ended with `exitCode`, not 0. */
  parseLoadError(stderr: string, exitCode: number): LoadFailure;
  /** The URL that applications connect by. */
  urlOf(
    address: Account & { readonly host: string; readonly port: number; readonly database: string },
  ): string;
}
