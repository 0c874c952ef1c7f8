/**
 * What MyAAS must know of one database product. Everything else is the same for all of them. What a product may lack is
 * optional here, and whoever needs it says so in words (`lacks`). README.md beside this file is about adding one.
 */
import type { Config } from '../config.ts';
import type { Protocol } from '../gate/protocol.ts';
import type { BulkLoading } from './bulk.ts';
import type { DumpSupport } from './dump-support.ts';

/** Where a server finds its files in its container. */
export const inContainer = {
  /** The instance's own directory: `datadir/` and `tmp/`. */
  home: '/var/lib/myaas',
  datadir: '/var/lib/myaas/datadir',
  tmp: '/var/lib/myaas/tmp',
  /** Where `tmp` of an instance leads, from `home`: in the data directory, so that its disk limit is one for both. */
  tmpInDatadir: 'datadir/.tmp',
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

/** Loading of rows in files of their own, such as those of `mysqldump --tab`. */
export interface RowsLoader {
  /** The tables of a database that keep rows of their own: no views, and nothing that is only a way to other tables. */
  tablesWithRows(database: string): Promise<string[]>;
  loadRows(rows: RowsFile): Promise<void>;
}

export interface Masker {
  /** All that stands in the way of masking these columns, in words. */
  findMaskProblems(columns: readonly MaskedColumn[]): Promise<string[]>;
  /**
   * Replaces the values of columns that `findMaskProblems` has nothing against, by values that follow from them and the
   * key. What the data itself has against it, in words, or undefined.
   */
  mask(columns: readonly MaskedColumn[], key: Buffer, signal: AbortSignal): Promise<string | undefined>;
}

/** A connection of the administrator to an import's server. It must survive a dump that replaces the accounts. */
export interface AdminSession {
  readonly rows?: RowsLoader;
  readonly masker?: Masker;
  /** Makes a role of the dump's server, which nobody can log in as, where it is not there. */
  ensureRole?(name: string): Promise<void>;
  /** Names of the locales that the server's system has, where dumps ask for some by name. */
  locales?(): Promise<readonly string[]>;
  /** The server's version, as it tells it. */
  version(): Promise<string>;
  createDatabase(name: string): Promise<void>;
  dropDatabase(name: string): Promise<void>;
  contents(): Promise<Contents>;
  /** Whether a database holds nothing at all. */
  isEmpty(database: string): Promise<boolean>;
  /**
   * Locks every account that is there, since every client of an instance comes by its local socket, and makes the
   * one that instances are used by, locked until a clone gives it its password. Accounts that objects of the dump
   * are defined by, and that the dump did not bring, are made, locked as well.
   */
  secureAccounts(username: string): Promise<void>;
  /** Refreshes the optimizer's statistics. */
  analyze(signal: AbortSignal): Promise<void>;
  countTables(): Promise<TableCounts>;
  /** Makes the shutdown that comes next a thorough one, which leaves nothing to do for any clone. */
  prepareShutdown(): Promise<void>;
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

/** How an import works on data that is there already. */
export interface AdoptTool {
  /** The server of an import over the data directory of another server. It executes `file` in `home` first. */
  command(server: ServerFacts): readonly string[];
  /** Lets the import's administrator in, and takes out what would be in the way of instances. */
  readonly file: ServerFile;
}

/** The product's program for physical backups. */
export interface BackupTool {
  /** What a stream of it begins with. */
  readonly streamStart: Buffer;
  /** Unpacks a stream from standard input into the data directory. */
  readonly extractCommand: readonly string[];
  /** Makes what was copied from a running server a consistent data directory. */
  prepareCommand(memoryBytes: number): readonly string[];
  /** "11.8"; servers open the files of their own series. */
  seriesOfBackup(description: BackupDescription): string | undefined;
  /** Why a backup can't become a template, whatever its version; undefined when nothing is in the way. */
  whyUnusable(description: BackupDescription): string | undefined;
  /** Removes what is left of former pages in the data directory of a server that was shut down. */
  wipeRemnants(datadir: string): Promise<void>;
}

/** What makes the data directory of an older series a server's own, where a start on it is not all. */
export interface UpgradeTool {
  /** The newer server over the older data; `serveCommand` is its usual one. It executes `file` in `home` first. */
  serverCommand(serveCommand: readonly string[]): readonly string[];
  /** Lets the administrator in. */
  readonly file: ServerFile;
  /** The program that does it, as the administrator, while that server runs. */
  readonly command: readonly string[];
  /** What it is at, for people, where a line that it prints says so. */
  readonly phaseOf: (line: string) => string | undefined;
}

/** An image of Debian packages, for networks that reach no registry. */
export interface DebianImage {
  /** Another name whenever other packages are in it, so that hosts with an older one build it anew. */
  readonly reference: string;
  /** Such as "trixie". */
  readonly suite: string;
  readonly packages: readonly string[];
  /** Files of them that the server does without, as patterns. */
  readonly unneeded?: readonly string[];
  /** Where its programs are, when that is not a usual place. */
  readonly path?: string;
}

/** Where a product's server images come from. A series is what opens the same data directories: "11.8", "9.7", "17". */
export interface ImageSource {
  /** What templates get that ask for none. */
  readonly defaultSeries: string;
  /** The operator's own image, for this product or others, and the variable that names it. */
  configured(config: Pick<Config, 'mysqlImage' | 'postgresImage' | 'valkeyImage'>): string | undefined;
  readonly variable: string;
  /** The official image, at Docker Hub. */
  official(series: string): string;
  /** What can be built where no registry answers; undefined: nothing. */
  debian(series: string): DebianImage | undefined;
  /** The server program, telling its version. */
  readonly versionCommand: readonly [string, ...string[]];
  /** The series, of what that tells; undefined when it is another product's. */
  seriesOf(told: string): string | undefined;
  /** Programs that some images lack, and without which some dumps can't be imported. */
  readonly optionalPrograms: readonly string[];
}

/** What a server's command depends on. */
export interface ServerFacts {
  /** How much SQL an import is going to load, roughly; undefined: nobody knows. */
  readonly loadBytes?: number | undefined;
  /** Of its container, in which it is to stay. */
  readonly memoryBytes: number;
  readonly series: string;
}

export interface ServerFile {
  readonly name: string;
  readonly text: string;
}

export interface Engine {
  /** In the API, in manifests, and in the file beside a dump. */
  readonly name: string;
  /** For people. */
  readonly title: string;
  readonly image: ImageSource;
  /** Whether a server makes the data directory of an older series its own when it starts on it. */
  readonly upgradesInPlace: boolean;
  readonly upgrade?: UpgradeTool;
  readonly dumps: DumpSupport;
  readonly adopt?: AdoptTool;
  /** Only with `adopt`. */
  readonly backup?: BackupTool;
  /** The server's own. */
  readonly systemDatabases: readonly string[];
  /** Name of the server's socket in the run directory. */
  readonly socketName: string;
  /** In which its clients are told that their server can't be had. */
  readonly protocol: Protocol;
  /** Files in the home directory, and variables, by which a hook's client programs find the import's server as its administrator. */
  readonly hookFiles: readonly ServerFile[];
  readonly hookEnvironment: Readonly<Record<string, string>>;
  /** Environment variables of its programs. No secrets. */
  readonly environment: Readonly<Record<string, string>>;
  /** What asks the server for a clean shutdown that does not wait for clients. */
  readonly stopSignal: 'SIGTERM' | 'SIGINT';
  /** The command that fills an empty data directory; undefined when the server does that by itself. */
  initialiseCommand?(server: ServerFacts): readonly string[];
  /** What of the files that it makes tells one server from others: each template's makes its own. */
  readonly identityFiles?: readonly string[];
  /** Files, besides its own, that the data directory needs to be served. */
  extraFiles(): Promise<readonly ServerFile[]>;
  /** The server of an import: bulk settings, nothing durable before the shutdown. */
  importCommand(server: ServerFacts): readonly string[];
  /**
   * Whether such a server leaves the data directory as those of instances have it. Else it is settled: started once more
   * with their settings.
   */
  leavesSettled?(server: ServerFacts): boolean;
  /** The server of an instance. */
  serveCommand(server: ServerFacts): readonly string[];
  /** Files that are in the run directory of an import's server. */
  readonly importFiles?: readonly ServerFile[];
  /** The file in the data directory that says when the server lets clients in; undefined: it does when its socket is there. */
  readonly readyFile?: { readonly name: string; readonly says: RegExp };
  /** Gives the account its password in the data directory of a server that is about to start. */
  prepareData?(datadir: string, account: Account): Promise<void>;
  /** Flags that a server gives up the files of former versions of rows for, to make new ones. */
  readonly renewingFlags: readonly string[];
  /**
   * Files that are in the run directory when an instance's server starts, and not any more when it has: what gives the
   * account its password. They are the server's alone.
   */
  startupFiles(account: Account): readonly ServerFile[];
  /**
   * The first thing after each start: gives the account its password, where the start-up files have not, logs in as it
   * through the socket, and has one query answered.
   */
  admit(socketPath: string, account: Account, database: string, signal: AbortSignal): Promise<void>;
  /** Like `admit`, and makes the shutdown that comes next a thorough one. */
  admitLast(socketPath: string, account: Account, database: string, signal: AbortSignal): Promise<void>;
  /** Logs in to a server that runs, and has one query answered. */
  login(socketPath: string, account: Account, database: string, signal: AbortSignal): Promise<void>;
  /**
   * What the server of an instance is busy with, in words: a statement that runs, a transaction that is open; undefined
   * when stopping it loses nobody's work.
   */
  work(
    socketPath: string,
    account: Account,
    database: string,
    signal: AbortSignal,
  ): Promise<string | undefined>;
  /** Gives the account, as which it logs in, another password. */
  changePassword(
    socketPath: string,
    account: Account,
    password: string,
    database: string,
    signal: AbortSignal,
  ): Promise<void>;
  /** Lets the account, as which it logs in, in from other hosts as well: the data goes to a server with a network. */
  openToNetwork?(socketPath: string, account: Account, database: string, signal: AbortSignal): Promise<void>;
  admin(socketPath: string): Promise<AdminSession>;
  /** Undefined where tables can't be loaded any faster than by the client. */
  readonly bulk?: BulkLoading;
  /** Whether a server's log ends with a clean shutdown. */
  provesCleanShutdown(log: string): boolean;
  /** The line of a server's log that tells of a crash recovery at its start. */
  findRecovery(log: string): string | undefined;
  /** The URL that applications connect by. */
  urlOf(
    address: Account & { readonly host: string; readonly port: number; readonly database: string },
  ): string;
}
