/** The manual page, in the format of man(7), from the same table as the help texts. */
import { argumentsOf, nameOf, type Command, type LeafCommand } from './command.ts';
import { optionsOf } from './program.ts';

export function manPage(commands: readonly Command[], version: string): string {
  const groups = new Map<string, Command[]>();
  for (const command of commands) {
    const group = command.group ?? 'Commands';
    groups.set(group, [...(groups.get(group) ?? []), command]);
  }
  return [
    `.TH MYAAS 1 "" "MyAAS ${plain(version)}" "MyAAS"`,
    '.SH NAME',
    plain('myaas - databases of your team, cloned in the blink of an eye'),
    '.SH SYNOPSIS',
    '.B myaas',
    plain('<command> [options]'),
    ...[...groups].flatMap(([group, members]) => [
      `.SH ${plain(group.toUpperCase())}`,
      ...members.flatMap((command) => section(command, '')),
    ]),
    '.SH FILES',
    ...entry('/etc/myaas/myaas.env', 'settings of the services'),
    ...entry('~/.config/myaas/config.json', 'address and token of the daemon that commands speak to'),
    '.SH ENVIRONMENT',
    ...entry('MYAAS_URL, MYAAS_TOKEN', 'take the place of that file'),
    '',
  ].join('\n');
}

function section(command: Command, parents: string): string[] {
  const name = `${parents}${nameOf(command)}`;
  if ('subcommands' in command) return command.subcommands.flatMap((one) => section(one, `${name} `));
  return [
    `.SS ${plain([name, ...argumentsOf(command)].join(' '))}`,
    ...sentences(command),
    ...optionsOf(command).flatMap(([flags, description]) => entry(flags, description)),
    '.PP',
    'Examples:',
    '.PP',
    '.nf',
    ...command.examples.map((example) => `    ${plain(example)}`),
    '.fi',
  ];
}

function sentences({ summary, details }: LeafCommand): string[] {
  const first = `${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`;
  return [first, ...(details?.split('\n') ?? [])].map(plain);
}

function entry(term: string, description: string): string[] {
  return ['.TP', `.B ${plain(term)}`, plain(description)];
}

/** Text that the formatter takes as it is: a hyphen can be searched for, and no line is a request. */
function plain(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^([.'])/, '\\&$1');
}
