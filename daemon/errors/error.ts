/**
 * A failure: what failed and why (`message`) and what to do about it (`hint`); `status` is the HTTP status it
 * becomes. Compare `code`, never `message`. The catalogue of all there are is `errors`, in errors.ts.
 */
export class MyaasError extends Error {
  readonly code: string;
  readonly status: number;
  readonly hint: string;

  constructor(code: string, status: number, message: string, hint: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'MyaasError';
    this.code = code;
    this.status = status;
    this.hint = hint;
  }
}

/** The message of anything that was thrown. */
export function messageOf(thrown: unknown): string {
  if (thrown instanceof Error) return thrown.message;
  return typeof thrown === 'string' ? thrown : JSON.stringify(thrown);
}

/** Whether `thrown` is a system error with this `code`, such as `ENOENT`. */
export function hasErrno(thrown: unknown, code: string): boolean {
  return thrown instanceof Error && 'code' in thrown && thrown.code === code;
}

/** What a client sent, for an error: on one line, and no longer than one likes to read. */
export const quote = (text: string): string =>
  JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
