/**
 * Values written so that Node's `util.parseEnv`, the dotenv package and `sh -c '. ./.env'` read the same:
 *
 * | written   | Node            | dotenv                  | sh                                |
 * | --------- | --------------- | ----------------------- | --------------------------------- |
 * | bare      | ends at "#"     | ends at "#"             | one word, its specials obeyed     |
 * | '…'       | as it stands    | as it stands            | as it stands                      |
 * | "…"       | "\n" is newline | so, and "\r" a return   | "$", "`" and some "\" are obeyed  |
 * | `…`       | as it stands    | as it stands            | runs it                           |
 *
 * None knows an escaped quote that the others know too, and Node drops carriage returns.
 */
import { envErrors } from './errors.ts';

export type Quote = '' | "'" | '"';

/** Needs no quotes in any reader, sh included. No "~": sh takes it for a home directory, also after ":". */
const plain = /^[A-Za-z0-9_./:@%+,?=-]*$/;

/** A backslash that one of the readers obeys inside double quotes. */
const obeyedBackslash = /\\(?:[$`"\\\nnr]|$)/;

const canStandIn: Readonly<Record<Quote, (value: string) => boolean>> = {
  '': (value) => plain.test(value),
  "'": (value) => !value.includes("'"),
  '"': (value) => !/["$`]/.test(value) && !obeyedBackslash.test(value),
};

/**
 * `value` as it is to be written for `key`: in `style` if that can hold it, else with as few quotes as it needs.
 * Throws `MYAAS_ENV_BAD_VALUE` for what cannot be written so that all read the same.
 */
export function quoteValue(key: string, value: string, style?: Quote): string {
  if (/[\0\r]/.test(value)) throw envErrors.badValue(key, 'it has a carriage return or a zero byte');
  if (!value.isWellFormed()) throw envErrors.badValue(key, 'it is not valid Unicode');
  const quotes: readonly Quote[] = style ? [style, '', "'", '"'] : ['', "'", '"'];
  const quote = quotes.find((one) => canStandIn[one](value));
  if (quote === undefined) {
    throw envErrors.badValue(key, `it has both a single quote and one of " $ \` or a backslash`);
  }
  return quote + value + quote;
}

/** `value` as sh reads it, which can express everything. */
export function quoteForShell(value: string): string {
  return plain.test(value) ? value : `'${value.replaceAll("'", "'\\''")}'`;
}
