/** Programs that get the terminal for themselves while a command of ours waits for them. */
import { spawn, type StdioOptions } from 'node:child_process';
import { once } from 'node:events';
import type { Interrupts, StopSignal } from './interrupts.ts';
import { exitCodeOf } from './interrupts.ts';

interface ChildOptions {
  readonly env?: NodeJS.ProcessEnv;
  /** An open file that the program finds as file descriptor 3. */
  readonly fd3?: number;
}

/**
 * Runs a program with our standard streams and resolves to its exit code as a shell has it: 128 + n when signal n ended
 * it. Rejects with the system's error when it cannot be started. Signals go to the program, not to us.
 */
export async function runChild(
  interrupts: Interrupts,
  program: string,
  args: readonly string[],
  { env, fd3 }: ChildOptions = {},
): Promise<number> {
  const stdio: StdioOptions = ['inherit', 'inherit', 'inherit', ...(fd3 === undefined ? [] : [fd3])];
  const child = spawn(program, args, { stdio, ...(env && { env }) });
  // A terminal sends its Ctrl-C to the program too; sent by us once more, it would count as impatience.
  const hasTerminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
  const pass = (signal: StopSignal): void => {
    if (!(signal === 'SIGINT' && hasTerminal)) child.kill(signal);
  };
  return interrupts.divert(pass, async () => {
    const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
    return signal === null ? (code ?? 1) : exitCodeOf(signal);
  });
}
