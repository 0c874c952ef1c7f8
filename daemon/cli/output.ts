import type { Writable } from 'node:stream';
import { inspect, stripVTControlCharacters, styleText } from 'node:util';
import { MyaasError, hasErrno, messageOf } from '../errors/error.ts';
import { ReportedError } from './client.ts';

type Style = Parameters<typeof styleText>[0];
type Terminal = Writable & { readonly isTTY?: boolean; readonly columns?: number };

/** Where a command's words go: results to standard output, everything about the work to standard error. */
export class Output {
  readonly stdout: Terminal;
  readonly stderr: Terminal;
  readonly #debug: boolean;
  #failure: Error | undefined;

  constructor(stdout: Terminal, stderr: Terminal, env: NodeJS.ProcessEnv) {
    this.stdout = stdout;
    this.stderr = stderr;
    this.#debug = Boolean(env['MYAAS_DEBUG']) && env['MYAAS_DEBUG'] !== '0';
    for (const stream of [stdout, stderr]) {
      // A reader that has left ("myaas ls | head -1") is no failure: what is being done is done to its end, unheard.
      stream.on('error', (error) => {
        if (!hasErrno(error, 'EPIPE')) this.#failure ??= error;
      });
    }
  }

  /** A line of the result. */
  readonly line = (text = ''): void => {
    this.stdout.write(`${text}\n`);
  };

  /** A line about the work, which no program reads. */
  readonly note = (text: string): void => {
    this.stderr.write(`${text}\n`);
  };

  json(value: unknown): void {
    this.line(JSON.stringify(value, null, 2));
  }

  /** Colours `text`, where standard output is a terminal that wants colours (not when NO_COLOR is set). */
  style(style: Style, text: string): string {
    return styleText(style, text, { stream: this.stdout });
  }

  /** Prints rows in columns as wide as their widest cell. */
  table(header: readonly string[], rows: readonly (readonly string[])[]): void {
    const titles = header.map((title) => this.style('dim', title));
    for (const row of columns([titles, ...rows])) this.line(row);
  }

  /** Prints names and values under each other; a value of undefined is left out. */
  facts(facts: Readonly<Record<string, string | undefined>>): void {
    const rows = Object.entries(facts).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value]],
    );
    for (const row of columns(rows)) this.line(row);
  }

  /** Says what failed and why, what to do, and under which id the daemon's log has more. As JSON: the API's object. */
  error(thrown: unknown, json = false): void {
    const requestId = thrown instanceof ReportedError ? thrown.requestId : undefined;
    const { code, hint } =
      thrown instanceof MyaasError ? thrown : { code: 'MYAAS_INTERNAL', hint: undefined };
    if (json) {
      this.note(JSON.stringify({ error: { code, message: messageOf(thrown), hint, requestId } }));
    } else {
      // The message may quote a dump or a server, which must not command the terminal.
      this.note(stripVTControlCharacters(`myaas: ${messageOf(thrown)}`));
      if (hint !== undefined) this.note(stripVTControlCharacters(`  hint: ${hint}`));
      if (requestId !== undefined) this.note(`  request: ${requestId}`);
    }
    if (this.#debug) this.note(inspect(thrown));
  }

  /** Throws when something could not be written (a full disk, say) to a reader that is still there. */
  check(): void {
    if (this.#failure) throw this.#failure;
  }
}

/** The rows as lines, with their cells in columns two spaces apart. */
export function columns(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows) row.forEach((cell, at) => (widths[at] = Math.max(widths[at] ?? 0, widthOf(cell))));
  return rows.map((row) =>
    row
      .map((cell, at) => cell + ' '.repeat((widths[at] ?? 0) - widthOf(cell)))
      .join('  ')
      .trimEnd(),
  );
}

function widthOf(cell: string): number {
  return stripVTControlCharacters(cell).length;
}
