/** Processes that go on when the one that started them has ended. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { watch } from 'node:fs';
import { mkdir, open, readFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { hasErrno } from '../errors/error.ts';
import { lastLines } from '../drivers/program.ts';

/** Names a process for good: its id alone is given to another when it has ended. */
export interface BackgroundProcess {
  readonly pid: number;
  /** Clock ticks from the machine's start to the process's; field 22 of proc_pid_stat(5). */
  readonly startTicks: string;
}

const askAgainMs = 100;

interface Start {
  /** For people. */
  readonly name: string;
  readonly command: readonly [program: string, ...args: string[]];
  readonly env?: NodeJS.ProcessEnv;
  readonly logFile: string;
  /** The file that shows a sign of life: the socket that the process makes, or the log that it writes. */
  readonly sign: string;
  /** Whether it works; asked from the first sign on. */
  readonly isReady: () => Promise<boolean>;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Starts a process of its own session and returns when it is ready. When it ends before that, is late, or the signal
 * aborts, it is ended; the error's message then says why and has the end of the log.
 */
export async function startInBackground(start: Start): Promise<BackgroundProcess> {
  const { command, logFile, sign, signal } = start;
  signal?.throwIfAborted();
  await mkdir(dirname(sign), { recursive: true });
  await mkdir(dirname(logFile), { recursive: true });
  await using log = await open(logFile, 'a', 0o600);
  const [program, ...args] = command;
  const child = spawn(program, args, {
    detached: true,
    stdio: ['ignore', log.fd, log.fd],
    env: start.env ?? process.env,
  });
  try {
    await ready(child, start);
  } catch (error) {
    child.kill();
    if (signal?.aborted) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(
      `${why}. Its log ${logFile} ends with:\n${lastLines(await readFile(logFile, 'utf8'), 15)}`,
      {
        cause: error,
      },
    );
  }
  child.unref();
  return (await identify(child.pid ?? 0)) ?? { pid: child.pid ?? 0, startTicks: '' };
}

/** The process that has this id now. */
export async function identify(pid: number): Promise<BackgroundProcess | undefined> {
  const startTicks = await startTicksOf(pid);
  return startTicks === undefined ? undefined : { pid, startTicks };
}

async function ready(child: ReturnType<typeof spawn>, { name, sign, isReady, timeoutMs, signal }: Start) {
  const settled = new AbortController();
  const gone = once(child, 'exit').then(([exitCode]) => {
    throw new Error(`${name} ended with ${String(exitCode)}`);
  });
  const stopped = new AbortController();
  const timer = setTimeout(() => {
    stopped.abort(new Error(`${name} was not ready in ${timeoutMs / 1000} s`));
  }, timeoutMs);
  const ends = signal ? AbortSignal.any([signal, stopped.signal]) : stopped.signal;
  const late = once(ends, 'abort', { signal: settled.signal }).then(() => {
    throw ends.reason;
  });
  const answered = new Promise<void>((resolve, reject) => {
    const ask = async (): Promise<void> => {
      // The sign may come a moment before the process is ready for what is asked.
      while (!settled.signal.aborted && !(await isReady())) await delay(askAgainMs);
      resolve();
    };
    const watcher = watch(dirname(sign), { signal: settled.signal }, (_event, file) => {
      if (file !== null && file !== basename(sign)) return;
      watcher.close();
      ask().catch(reject);
    });
  });
  try {
    await Promise.race([gone, late, answered]);
  } finally {
    clearTimeout(timer);
    settled.abort();
  }
}

/** Whether this very process still runs. */
export async function isRunning({ pid, startTicks }: BackgroundProcess): Promise<boolean> {
  return (await startTicksOf(pid)) === startTicks;
}

/** Asks a process to end and returns when it has; after `graceMs` it is killed. Fine when it has ended already. */
export async function stopInBackground(started: BackgroundProcess, graceMs: number): Promise<void> {
  if (!(await isRunning(started))) return;
  send(started, 'SIGTERM');
  const deadline = Date.now() + graceMs;
  // The kernel tells the end of a process to its parent alone, and that is not us.
  while (await isRunning(started)) {
    if (Date.now() > deadline) send(started, 'SIGKILL');
    await delay(50);
  }
}

function send({ pid }: BackgroundProcess, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    // It has ended by itself meanwhile.
    if (!hasErrno(error, 'ESRCH')) throw error;
  }
}

/** Undefined when there is no such process, or it has ended and only its parent has not noticed yet. */
async function startTicksOf(pid: number): Promise<string | undefined> {
  try {
    const text = await readFile(`/proc/${pid}/stat`, 'utf8');
    // The program's name, in parentheses, may hold spaces; the state follows it.
    const [state, ...fields] = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return state === 'Z' ? undefined : fields[18];
  } catch (error) {
    if (hasErrno(error, 'ENOENT') || hasErrno(error, 'ESRCH')) return undefined;
    throw error;
  }
}
