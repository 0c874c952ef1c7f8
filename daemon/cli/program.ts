/** From the table of commands to a command run: parsing and help by commander, exit codes by us. */
import { Command as Parser, CommanderError } from 'commander';
import { MyaasError } from '../errors/error.ts';
import { version } from '../version.ts';
import { argumentsOf, nameOf, type Command, type LeafCommand } from './command.ts';
import { completions } from './complete.ts';
import { Interrupted, Interrupts } from './interrupts.ts';
import { Output } from './output.ts';

const exitCodes = { failed: 1, usage: 2 } as const;

/** Runs the command line `args` and resolves to the exit code: 0, 1 failed, 2 usage, 128 + n when stopped by a signal. */
export async function runProgram(commands: readonly Command[], args: readonly string[]): Promise<number> {
  const { env } = process;
  const output = new Output(process.stdout, process.stderr, env);
  const interrupts = new Interrupts();
  interrupts.listen();
  const program = { env, output, interrupts, signal: interrupts.signal };
  // The name that completion scripts call; before all else, for someone is waiting with a finger on the tab key.
  if (args[0] === '__complete') {
    for (const line of await completions(commands, args.slice(1), program)) output.line(line);
    return 0;
  }
  // What the installation asks a release for, which also shows that it runs here.
  if (args[0] === '__man') {
    const { manPage } = await import('./man.ts');
    output.stdout.write(manPage(commands, version));
    return 0;
  }
  if (args[0] === '__release') {
    const { protocolVersion } = await import('../gate/protocol.ts');
    output.json({ version, gateProtocol: protocolVersion });
    return 0;
  }
  let json = false;
  let exitCode = 0;
  const parser = parserFor(commands, async (command, values, options) => {
    json = options['json'] === true;
    const action = await command.load();
    exitCode = await action({ ...program, json }, values as never, options as never);
  });
  try {
    await parser.parseAsync(args, { from: 'user' });
    output.check();
    return exitCode;
  } catch (error) {
    // Commander has said already what was wrong, or printed the help that was asked for.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : exitCodes.usage;
    const stop: unknown = error instanceof Interrupted ? error : interrupts.signal.reason;
    if (error !== stop) output.error(error, json);
    if (stop instanceof Interrupted) return stop.exitCode;
    return error instanceof MyaasError && error.code === 'MYAAS_USAGE' ? exitCodes.usage : exitCodes.failed;
  }
}

type Run = (command: LeafCommand, values: unknown[], options: Record<string, unknown>) => Promise<void>;

function parserFor(commands: readonly Command[], run: Run): Parser {
  const parser = new Parser('myaas')
    .description('Databases of your team, cloned in the blink of an eye.')
    .version(version, '-V, --version')
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, 'myaas: ')) })
    // That a command has options is no news.
    .configureHelp({
      subcommandTerm: (one) => `${one.name()} ${one.usage().replace('[options]', '').trim()}`,
    })
    .enablePositionalOptions()
    .helpCommand('help [command]', 'show the help of a command')
    .showHelpAfterError('(see "myaas --help")')
    .addHelpText('after', '\nA command\'s help has examples: "myaas new --help".');
  for (const command of commands) addCommand(parser, command, run);
  return parser;
}

function addCommand(parent: Parser, command: Command, run: Run): void {
  // Made by `command()`, it takes over the parent's settings.
  const parser = parent.command(nameOf(command)).summary(command.summary).description(describe(command));
  if (command.group !== undefined) parser.helpGroup(`${command.group}:`);
  if ('subcommands' in command) {
    for (const subcommand of command.subcommands) addCommand(parser, subcommand, run);
    return;
  }
  for (const argument of argumentsOf(command)) parser.argument(argument);
  for (const [flags, description] of optionsOf(command)) parser.option(flags, description);
  const path = parent.parent ? `${parent.name()} ${nameOf(command)}` : nameOf(command);
  parser
    .showHelpAfterError(`(see "myaas ${path} --help")`)
    .passThroughOptions(command.passThrough ?? false)
    .addHelpText('after', ['\nExamples:', ...command.examples.map((example) => `  $ ${example}`)].join('\n'))
    .action(() => run(command, parser.processedArgs as unknown[], parser.opts()));
}

/** A command's options, with those that all have. */
export function optionsOf(command: LeafCommand): (readonly [flags: string, description: string])[] {
  const json = ['--json', 'print JSON, for programs'] as const;
  return [...(command.options ?? []), ...(command.json === false ? [] : [json])];
}

function describe({ summary, details }: Command): string {
  const sentence = `${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`;
  return details === undefined ? sentence : `${sentence}\n${details}`;
}
