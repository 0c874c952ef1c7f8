/** Programs of the machine: where they are, and how they are run. */
import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { execa, ExecaError } from 'execa';
import type { MyaasError } from '../errors/error.ts';
import { errors } from '../errors/errors.ts';

/** Where administrators' programs lie; the PATH of other users than root lacks these directories. */
const systemDirectories = ['/usr/local/sbin', '/usr/sbin', '/sbin', '/usr/bin', '/bin'];

/** The path of an executable program, or undefined when the machine has none of this name. */
export async function findProgram(
  name: string,
  path = process.env['PATH'] ?? '',
): Promise<string | undefined> {
  for (const directory of new Set([...path.split(delimiter).filter(Boolean), ...systemDirectories])) {
    const candidate = join(directory, name);
    const executable = await access(candidate, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (executable) return candidate;
  }
  return undefined;
}

/**
 * Runs a program to its end and returns what it wrote to standard output.
 * Throws `MYAAS_PROGRAM_FAILED` with its last words.
 */
export async function runProgram(
  program: string,
  args: readonly string[],
  options: {
    remedy: string;
    env?: Readonly<Record<string, string>>;
    signal?: AbortSignal | undefined;
    /** After this it is killed. */
    timeoutMs?: number;
  },
): Promise<string> {
  try {
    const { stdout } = await execa((await findProgram(program)) ?? program, args, {
      stdin: 'ignore',
      ...(options.env && { env: options.env }),
      ...(options.timeoutMs !== undefined && { timeout: options.timeoutMs }),
      ...(options.signal && { cancelSignal: options.signal }),
    });
    return stdout;
  } catch (error) {
    if (!(error instanceof ExecaError)) throw error;
    throw failureOf(program, error, options.remedy);
  }
}

/** The part of `ExecaError` that does not depend on how the program was run. */
interface FailedRun extends Error {
  readonly code?: string;
  readonly exitCode?: number;
  readonly shortMessage: string;
  readonly stdout?: unknown;
  readonly stderr?: unknown;
}

/** What a failed run of `program` tells the user: its exit and the end of what it wrote. */
export function failureOf(program: string, error: FailedRun, remedy: string): MyaasError {
  if (error.code === 'ENOENT')
    return errors.programFailed(`The program "${program}" is not installed.`, remedy, error);
  const written = [error.stderr, error.stdout].filter(
    (text) => typeof text === 'string' && text.trim() !== '',
  )[0];
  const lastWords = typeof written === 'string' ? `\n${lastLines(written, 15)}` : '';
  const exit = error.exitCode === undefined ? error.shortMessage : `exited with ${error.exitCode}`;
  return errors.programFailed(`${program} ${exit}${lastWords}`, remedy, error);
}

/** The last `count` lines of a text that are not empty. */
export function lastLines(text: string, count: number): string {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .slice(-count)
    .join('\n');
}
