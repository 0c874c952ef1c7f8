/** The daemon's log: what pino offers and the rest of the code needs. */
export interface Log {
  debug(message: string): void;
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}
