/** The command line as people have it: `myaas` in a process of its own. */
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { execa, type Options } from 'execa';
import type { TestHost } from '../support/daemon.ts';

export const mainFile = join(import.meta.dirname, '../../daemon/main.ts');

export interface Outcome {
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** Somebody at a shell prompt of the test's host. */
export interface Person {
  /** Runs `myaas` with these arguments to its end. */
  run(...args: string[]): Promise<Outcome>;
  /** Runs it with `--json` and reads what it prints; fails when it fails. */
  json<T>(...args: string[]): Promise<T>;
  /** Runs it, sends it a signal at a moment (when it has printed what matches, or that of a promise), waits for its end. */
  stop(signal: NodeJS.Signals, moment: RegExp | Promise<unknown>, ...args: string[]): Promise<Outcome>;
  readonly env: NodeJS.ProcessEnv;
}

export function person(
  host: TestHost,
  env: NodeJS.ProcessEnv = {},
  options: Pick<Options, 'cwd' | 'input'> = {},
): Person {
  const all = { ...host.env, ...env };
  const start = (args: readonly string[]) =>
    execa(process.execPath, [mainFile, ...args], {
      ...options,
      env: all,
      extendEnv: false,
      reject: false,
      all: true,
    });
  const outcome = async (child: ReturnType<typeof start>): Promise<Outcome> => {
    const { exitCode, stdout, stderr } = await child;
    return { exitCode, stdout, stderr };
  };
  const run = (...args: string[]) => outcome(start(args));
  return {
    env: all,
    run,
    async json<T>(...args: string[]) {
      const { exitCode, stdout, stderr } = await run(...args, '--json');
      if (exitCode !== 0) throw new Error(stderr);
      return JSON.parse(stdout) as T;
    },
    async stop(signal, moment, ...args) {
      const child = start(args);
      if (moment instanceof Promise) void moment.then(() => child.kill(signal));
      else onceSaid(child.all, moment, () => child.kill(signal));
      return outcome(child);
    },
  };
}

function onceSaid(output: Readable, words: RegExp, act: () => void): void {
  let said = '';
  const listen = (chunk: Buffer): void => {
    said += chunk.toString();
    if (!words.test(said)) return;
    output.off('data', listen);
    act();
  };
  output.on('data', listen);
}

/** A person with a token of their own. */
export function member(host: TestHost, name: string): Person {
  return person(host, { MYAAS_URL: host.url, MYAAS_TOKEN: host.userToken(name) });
}
