import type { Interrupts } from './interrupts.ts';
import type { Output } from './output.ts';

/** What every command is given. */
export interface Context {
  readonly env: NodeJS.ProcessEnv;
  readonly output: Output;
  readonly interrupts: Interrupts;
  /** Aborts on Ctrl-C and SIGTERM; its reason is an `Interrupted`. */
  readonly signal: AbortSignal;
  /** `--json` was given: print the API's objects, for programs to read. */
  readonly json: boolean;
}

/**
 * What a command does: gets its arguments in the order of its usage (a `...` argument as an array) and its options.
 * `never` lets each command name the types its entry in the table makes true. Resolves to the exit code.
 */
export type Action = (context: Context, args: never, options: never) => Promise<number>;

interface CommandText {
  /** Name and arguments: `<required>`, `[optional]`, `<several...>`, `<one|of|these>`. Completion goes by these names. */
  readonly usage: string;
  readonly group?: string;
  readonly summary: string;
  readonly details?: string;
}

export interface LeafCommand extends CommandText {
  readonly options?: readonly (readonly [flags: string, description: string])[];
  readonly examples: readonly string[];
  /** Whether it knows `--json`; default: yes. */
  readonly json?: boolean;
  /** Everything from the first argument on that is not ours belongs to another program. */
  readonly passThrough?: boolean;
  readonly load: () => Promise<Action>;
}

export interface CommandGroup extends CommandText {
  readonly subcommands: readonly LeafCommand[];
}

/** One entry of the table in `main.ts`. */
export type Command = LeafCommand | CommandGroup;

/** The name in a command's usage. */
export function nameOf(command: Command): string {
  return command.usage.split(' ', 1)[0] ?? '';
}

/** The arguments in a command's usage, such as `<template>` and `[name]`. */
export function argumentsOf(command: Command): string[] {
  return command.usage.split(' ').slice(1);
}

/** What stands in an argument's or option's brackets (`template`, `bash|zsh|fish`), undefined when there are none. */
export function placeholderOf(usage: string): string | undefined {
  return /[<[]([^>\]]+?)(?:\.\.\.)?[>\]]$/.exec(usage)?.[1];
}
