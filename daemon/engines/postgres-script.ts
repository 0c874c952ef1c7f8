/** A script for psql on its way to psql, which runs it in a container without network, and as nobody of the host. */
import { Transform, type TransformCallback } from 'node:stream';
import type { MyaasError } from '../errors/error.ts';
import { errors } from '../errors/errors.ts';
import type { TextSurroundings, TextFilter } from './dump-support.ts';
import { ScriptLexer } from './postgres-lexer.ts';
import { withKnownLocales } from './postgres-locales.ts';
import { rolesOf } from './postgres-roles.ts';
import type { Verdict } from './postgres-tokens.ts';

/** How much of the beginning and of the end is looked at. */
const endBytes = 65_536;

/** Commands that say how psql shows what nobody looks at, and the lock that pg_dump puts on psql, for which we stand. */
const needless = /^\\(?:echo|qecho|warn|timing|pset|x|a|t|f|set|unset|prompt|restrict|unrestrict)(?:\s|$)/;
const encoding = /^\\encoding\s+\w+$/;
/** As pg_dump writes it, or people: to another database, and nowhere else. */
const connect =
  /^\\c(?:onnect)?\s+(?:(?!-)[^\s"'`:=\\]+|"[^"=`]+"|-reuse-previous=on\s+"dbname='(?:[^'"`\\]|\\.)+'")\s*;?$/;

/** What is about directories and accounts of another server. */
const foreign = [
  /^(?:create|alter|drop|comment\s+on)\s+tablespace\s/i,
  /^(?:grant|revoke)\s.*\son\s+tablespace\s/is,
  /^set\s+default_tablespace\s*(?:=|to)\s*(?!'')/i,
  /^drop\s+(?:role|user|group)\s/i,
];
const createRole = /^(create)\s+(?:role|user|group)\s+(?!mapping\b)/i;

export class ScriptFilter extends Transform implements TextFilter {
  readonly #surroundings: TextSurroundings;
  readonly #lexer: ScriptLexer;
  readonly #roles = new Set<string>();
  readonly #knownRoles = new Set<string>();
  #head = '';
  #tail = '';

  constructor(surroundings: TextSurroundings) {
    super({ highWaterMark: 2 ** 20 });
    this.#surroundings = surroundings;
    this.#lexer = new ScriptLexer({
      statement: (text) => this.#judgeStatement(text),
      command: (text, line) => this.#judgeCommand(text, line),
    });
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback) {
    this.#take(chunk, () => this.#lexer.push(chunk)).then(
      (ready) => done(null, ready),
      (error: unknown) => done(error as Error),
    );
  }

  override _flush(done: TransformCallback) {
    this.#take(Buffer.alloc(0), () => this.#lexer.end()).then(
      (ready) => done(null, ready),
      (error: unknown) => done(error as Error),
    );
  }

  async #take(chunk: Buffer, lex: () => Buffer): Promise<Buffer> {
    if (this.#head.length < endBytes) {
      const isFirst = this.#head === '';
      this.#head += chunk.toString('latin1', 0, endBytes - this.#head.length);
      if (isFirst) this.#assertReadable();
    }
    this.#tail = (this.#tail + chunk.toString('latin1', Math.max(0, chunk.length - endBytes))).slice(
      -endBytes,
    );
    const ready = lex();
    await this.#makeRoles();
    return ready;
  }

  /** Roles are there before the statements that name them. */
  async #makeRoles(): Promise<void> {
    for (const role of this.#roles) {
      if (this.#knownRoles.has(role)) continue;
      await this.#surroundings.ensureRole?.(Buffer.from(role, 'latin1').toString('utf8'));
      this.#knownRoles.add(role);
    }
    this.#roles.clear();
  }

  #assertReadable(): void {
    const why = whyUnreadable(this.#head, this.#surroundings.series);
    if (why !== undefined) throw this.#bad(why.why, why.hint);
  }

  #judgeStatement(text: string): Verdict {
    for (const role of rolesOf(text)) this.#roles.add(role);
    if (foreign.some((pattern) => pattern.test(text))) return 'blank';
    const { locales } = this.#surroundings;
    const changed = locales && withKnownLocales(text, locales);
    if (changed !== undefined) return { replace: text, by: changed };
    const word = createRole.exec(text)?.[1];
    // It was made when it was first named, which may have been here.
    return word === undefined ? 'pass' : { replace: word, by: 'alter' };
  }

  #judgeCommand(text: string, line: number): Verdict {
    if (needless.test(text)) return 'blank';
    if (encoding.test(text) || connect.test(text)) return 'pass';
    const name = /^\\?[^\s\\]{0,20}/.exec(text)?.[0] ?? text;
    throw this.#bad(
      `line ${String(line)}: "${name}" is a command of psql's own, which may reach files and programs.`,
      'Take it out: a dump is statements, the data of COPY, and "\\connect" with nothing but a name.',
    );
  }

  whyIncomplete(): string | undefined {
    const marked = /^-- PostgreSQL database (cluster )?dump$/m.exec(this.#head);
    if (marked && !/^-- PostgreSQL database (?:cluster )?dump complete$/m.test(this.#tail))
      return `it is truncated: its last line, "-- PostgreSQL database ${marked[1] ?? ''}dump complete", is missing.`;
    return this.#lexer.open && `it is truncated: ${this.#lexer.open}.`;
  }

  #bad(why: string, hint?: string): MyaasError {
    return errors.dumpBad(this.#surroundings.file, why, hint);
  }
}

/** Why a server of this series can't read what begins so. */
export function whyUnreadable(
  head: string,
  series: string,
): { readonly why: string; readonly hint?: string } | undefined {
  if (head.trim() === '') return { why: 'it is empty.' };
  if (head.startsWith('\xff\xfe') || head.startsWith('\xfe\xff'))
    return { why: 'it is UTF-16 text (as PowerShell\'s ">" writes); a dump must be written byte for byte.' };
  if (head.includes('\0')) return { why: 'it is a binary file, neither SQL nor an archive of pg_dump.' };
  const version = /^-- Dumped by pg_dump version (\d+)/m.exec(head)?.[1];
  return version === undefined ? undefined : whyTooNew(version, series);
}

export function whyTooNew(
  version: string,
  series: string,
): { readonly why: string; readonly hint: string } | undefined {
  if (Number(version) <= Number(series)) return undefined;
  return {
    why: `it was made by pg_dump ${version}, which PostgreSQL ${series} can't read.`,
    hint: `Set MYAAS_POSTGRES_IMAGE to an image of PostgreSQL ${version} or newer, such as "postgres:${version}", or make the dump with pg_dump ${series}.`,
  };
}
