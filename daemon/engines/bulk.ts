/** What an engine must know to load whole tables faster than its client does. */

/** What kind of literal means the same to an INSERT and, as text, to a LOAD DATA. */
export type ColumnKind =
  | 'integer'
  | 'decimal'
  | 'float'
  | 'year'
  | 'bit'
  | 'binary'
  | 'text'
  /** Its values are computed, whatever the dump says. */
  | 'generated';

export interface RowColumn {
  readonly kind: ColumnKind;
  readonly nullable: boolean;
}

export interface TableName {
  readonly database: string;
  readonly table: string;
}

/** What the session of a load client is set to, as far as it decides what becomes of rows. */
export interface ClientState {
  readonly database: string | undefined;
  readonly sqlMode: string;
  /** Undefined when statements come in another than they are worked on. */
  readonly characterSet: string | undefined;
  readonly collation: string;
  readonly timeZone: string;
  readonly checksForeignKeys: boolean;
  readonly checksUniqueKeys: boolean;
  readonly checksConstraints: boolean;
  /** Every statement is a transaction of its own. */
  readonly commitsItself: boolean;
}

/** The column that is a table's primary key. */
export interface KeyColumn {
  readonly column: string;
  /** Of the next row, as far as the dump says, when the server numbers them. */
  readonly nextNumber: string | undefined;
}

/** A table that can take its rows all at once. */
export interface BulkTable {
  readonly name: TableName;
  /** Those that each row has a value for, in its order. */
  readonly columns: readonly (RowColumn & { readonly name: string })[];
  readonly nextAutoIncrement: string | undefined;
}

/** A connection that loads whole tables, one after the other, beside the load client. */
export interface BulkSession {
  /** Whether a table can take rows of the client in bulk, or why not. Names and columns are as they stand in the dump (latin1). */
  inspect(
    name: { readonly database: string | undefined; readonly table: string },
    columns: readonly string[] | undefined,
    state: ClientState,
  ): Promise<BulkTable | { readonly why: string }>;
  /** Loads the rows that come out of a FIFO, as `RowConverter` writes them. */
  load(
    table: BulkTable,
    path: string,
    state: ClientState,
  ): Promise<{ readonly rows: number; readonly warnings: number; readonly hasGenerated: boolean }>;
  /** As it was before anything was loaded. */
  empty(table: BulkTable): Promise<void>;
  /** Whatever refers to them; they must be there. */
  drop(tables: readonly TableName[]): Promise<void>;
  /** Deletes the rows with a greater key, and the numbers that the server gave to them; how many rows are left. */
  deleteBehind(table: TableName, column: KeyColumn, lastKey: number): Promise<number>;
  /** Refreshes their statistics. */
  analyze(tables: readonly TableName[]): Promise<void>;
  close(): void;
}

export interface BulkLoading {
  /** Whether `ClientState.commitsItself` also knows of transactions that the dump has begun. */
  readonly tellsTransactions: boolean;
  /** Whether a table that is being loaded keeps others from being made that refer to it: then rows come after all tables. */
  readonly locksOthers: boolean;
  /** As `RowConverter` has it. */
  readonly takesReturns: boolean;
  open(socketPath: string, signal: AbortSignal): Promise<BulkSession>;
  /** SQL by which the load client prints `token` and the state of its session, in hexadecimal and with a semicolon. */
  stateQuery(token: string): string;
  parseState(hex: string): ClientState;
  /** SQL, on one line, that puts another client into this state. */
  restoreState(state: ClientState): string;
}
