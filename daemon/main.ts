#!/usr/bin/env node
/**
 * The `myaas` command: one table of subcommands. Help, parsing and shell completion all come from it. Each command's
 * code is loaded only when it runs, so that a client command never pays for the daemon's libraries.
 */
import type { Command } from './cli/command.ts';
import { runProgram } from './cli/program.ts';
import { auditCommand, userCommands } from './cli/user-commands.ts';

const reference = 'An <instance> is "template/name", an id, or just a name when only one instance has it.';

const commands: readonly Command[] = [
  {
    usage: 'new <template> [name]',
    group: 'Databases',
    summary: 'make a database: a running clone of a template',
    details: 'Without a name, one is made up. The answer comes when the database has answered a query.',
    options: [
      ['--ttl <time>', 'how long it lives: seconds, "8h", "7d", "never"; default: what the daemon gives'],
      ['--version <version>', 'a version of the template; default: the newest'],
      [
        '--engine-version <version>',
        'a newer server than the template\'s, such as "11.8": its data is upgraded',
      ],
    ],
    examples: [
      'myaas new shop',
      'myaas new shop checkout-fix --ttl 7d',
      'myaas new shop rehearsal --engine-version 11.8',
      'myaas new shop --json | jq -r .url',
    ],
    load: async () => (await import('./cli/new.ts')).create,
  },
  {
    usage: 'ls',
    group: 'Databases',
    summary: 'list your databases',
    options: [
      ['-a, --all', "everybody's, not only your own"],
      ['--template <template>', 'only those of this template'],
    ],
    examples: ['myaas ls', 'myaas ls --all --template shop', 'myaas ls --json'],
    load: async () => (await import('./cli/ls.ts')).list,
  },
  {
    usage: 'show <instance>',
    group: 'Databases',
    summary: 'show one database (with --json, its credentials too)',
    details: reference,
    examples: ['myaas show shop/checkout-fix', 'myaas show checkout-fix --json'],
    load: async () => (await import('./cli/show.ts')).show,
  },
  {
    usage: 'env <instance>',
    group: 'Databases',
    summary: 'print the variables an application connects with, or keep them in a file',
    details: `In a file only these variables are changed; everything else stays as it is, byte for byte.\n${reference}`,
    options: [
      ['--file <file>', 'write them to this file, such as .env'],
      ['--format <dotenv|shell|json>', 'how to print them; "shell" exports them; default: dotenv'],
    ],
    examples: [
      'myaas env shop/checkout-fix --file .env',
      'eval "$(myaas env shop/checkout-fix --format shell)"',
    ],
    load: async () => (await import('./cli/env.ts')).printEnv,
  },
  {
    usage: 'url <instance>',
    group: 'Databases',
    summary: 'print the connection URL, password included',
    details: reference,
    examples: ['myaas url shop/checkout-fix'],
    load: async () => (await import('./cli/url.ts')).printUrl,
  },
  {
    usage: 'shell <instance> [args...]',
    group: 'Databases',
    summary: 'open the mariadb or mysql client in a database',
    details: `Arguments after "--" go to the client.\n${reference}`,
    passThrough: true,
    json: false,
    examples: [
      'myaas shell shop/checkout-fix',
      "myaas shell checkout-fix -- -e 'select count(*) from orders'",
    ],
    load: async () => (await import('./cli/shell.ts')).openShell,
  },
  {
    usage: 'run <command> [args...]',
    group: 'Databases',
    summary: 'run a command with a database of its own, removed afterwards',
    details:
      'The command finds DB_HOST, DB_PORT, DATABASE_URL and the like in its environment; its exit code is passed on.',
    options: [
      ['-t, --template <template>', 'what to clone'],
      ['--ttl <time>', 'remove it after this time even if the machine goes down meanwhile'],
      ['--version <version>', 'a version of the template; default: the newest'],
    ],
    passThrough: true,
    json: false,
    examples: ['myaas run --template shop -- npm test', "myaas run -t shop -- sh -c 'echo $DATABASE_URL'"],
    load: async () => (await import('./cli/run.ts')).runWithDatabase,
  },
  {
    usage: 'reset <instance>',
    group: 'Databases',
    summary: 'give a database fresh data; address and credentials stay',
    details: reference,
    options: [
      ['--version <version>', 'a version of the template, or "latest"; default: the one it was cloned from'],
    ],
    examples: ['myaas reset shop/checkout-fix', 'myaas reset checkout-fix --version latest'],
    load: async () => (await import('./cli/reset.ts')).reset,
  },
  {
    usage: 'sleep <instance...>',
    group: 'Databases',
    summary: 'stop databases that nothing runs in, until somebody connects',
    details: `The data stays, and so do address and credentials; idle connections are closed.\n${reference}`,
    examples: ['myaas sleep shop/checkout-fix', 'myaas sleep one two three'],
    load: async () => (await import('./cli/sleep.ts')).putToSleep,
  },
  {
    usage: 'wake <instance...>',
    group: 'Databases',
    summary: 'start databases that are asleep, before somebody connects',
    details: `Connecting does it too, and waits until the server is up.\n${reference}`,
    examples: ['myaas wake shop/checkout-fix'],
    load: async () => (await import('./cli/wake.ts')).wakeUp,
  },
  {
    usage: 'extend <instance> [ttl]',
    group: 'Databases',
    summary: 'change how long a database lives, or protect it',
    details: `Without a time, it gets the daemon's default lease anew.\n${reference}`,
    options: [
      ['--never', 'it never expires'],
      ['--protect', 'neither a lease nor "myaas rm" removes it'],
      ['--unprotect', 'take the protection off'],
    ],
    examples: ['myaas extend checkout-fix 7d', 'myaas extend shop/checkout-fix --never --protect'],
    load: async () => (await import('./cli/extend.ts')).extend,
  },
  {
    usage: 'rm <instance...>',
    group: 'Databases',
    summary: 'delete databases and everything in them',
    details: reference,
    options: [['-f, --force', 'protected ones too']],
    examples: ['myaas rm shop/checkout-fix', 'myaas rm one two three'],
    load: async () => (await import('./cli/rm.ts')).remove,
  },
  {
    usage: 'logs <instance>',
    group: 'Databases',
    summary: "print the log of a database's server",
    details: reference,
    examples: ['myaas logs shop/checkout-fix'],
    load: async () => (await import('./cli/logs.ts')).printLogs,
  },
  {
    usage: 'templates [template]',
    group: 'Templates',
    summary: 'list what can be cloned, or show one template and its versions',
    examples: ['myaas templates', 'myaas templates shop'],
    load: async () => (await import('./cli/templates.ts')).showTemplates,
  },
  {
    usage: 'update [template...]',
    group: 'Templates',
    summary: 'import new and changed dumps (admins only)',
    details:
      'Clones go on being made of the old version meanwhile. Ctrl-C cancels the import and leaves no trace of it.',
    options: [['-f, --force', 'import unchanged dumps too']],
    examples: ['myaas update', 'myaas update shop --force'],
    load: async () => (await import('./cli/update.ts')).update,
  },
  {
    usage: 'volumes',
    group: 'Templates',
    summary: 'list the clones that Docker has as volumes',
    details:
      'With --json, admins see their credentials. "docker volume rm NAME" removes one; "docker volume create -d myaas" makes one.',
    examples: ['docker volume create -d myaas -o template=shop mydb', 'sudo myaas volumes --json'],
    load: async () => (await import('./cli/volumes.ts')).showVolumes,
  },
  {
    usage: 'login [url]',
    group: 'Access',
    summary: 'store the address and token of a daemon for this account',
    details:
      'Asks for the token, which "myaas user add" prints. Addresses: http://host:5001, unix:/run/myaas/api.sock.',
    options: [['--token-stdin', 'read the token from standard input']],
    json: false,
    examples: ['myaas login', 'myaas login http://db-host:5001 --token-stdin < token.txt'],
    load: async () => (await import('./cli/login.ts')).login,
  },
  {
    usage: 'status',
    group: 'Access',
    summary: 'show the daemon, its capacity, and who you are to it',
    examples: ['myaas status'],
    load: async () => (await import('./cli/status.ts')).showStatus,
  },
  userCommands,
  auditCommand,
  {
    usage: 'install',
    group: 'Host (as root)',
    summary: 'install this program on this machine, or upgrade the one that is there',
    details: 'Connections to databases outlive an upgrade. A second run finishes one that was cut off.',
    options: [
      ['--no-packages', 'leave missing Debian packages to you'],
      ['--root <directory>', 'put the files below this directory and do nothing else: for images'],
      ['--packaged', 'only what dpkg does not do; the Debian package calls it'],
    ],
    json: false,
    examples: ['sudo ./myaas install', 'sudo myaas install --no-packages'],
    load: async () => (await import('./cli/install.ts')).installHere,
  },
  {
    usage: 'uninstall',
    group: 'Host (as root)',
    summary: 'stop the services and remove the program; the data stays',
    options: [
      ['--purge', 'remove templates, databases, registry, settings and accounts, too, but no dumps'],
      ['--yes', 'do not ask before data is removed'],
      ['--packaged', 'only what dpkg does not do; the Debian package calls it'],
    ],
    json: false,
    examples: ['sudo myaas uninstall', 'sudo myaas uninstall --purge'],
    load: async () => (await import('./cli/install.ts')).uninstallHere,
  },
  {
    usage: 'init',
    group: 'Host (as root)',
    summary: 'prepare this machine: storage, registry, accounts, server image',
    details: 'Does what is missing and leaves the rest alone.',
    json: false,
    examples: ['sudo myaas init', 'sudo MYAAS_BASE_DIR=/mnt/btrfs myaas init'],
    load: async () => (await import('./cli/host.ts')).initHost,
  },
  {
    usage: 'doctor',
    group: 'Host (as root)',
    summary: 'check this machine; exit code 1 when something is wrong',
    examples: ['sudo myaas doctor'],
    load: async () => (await import('./cli/host.ts')).examineHost,
  },
  {
    usage: 'serve',
    group: 'Host (as root)',
    summary: 'run the daemon (systemd: myaas.service)',
    json: false,
    examples: ['sudo myaas serve'],
    load: async () => (await import('./cli/host.ts')).serveHost,
  },
  {
    usage: 'gate',
    group: 'Host (as root)',
    summary: "run the gate, which owns the databases' ports (systemd: myaas-gate.service)",
    json: false,
    examples: ['myaas gate'],
    load: async () => (await import('./cli/host.ts')).runHostGate,
  },
  {
    usage: 'up',
    group: 'Host (as root)',
    summary: 'prepare this machine and run daemon and gate together, as the container image does',
    details: 'Under systemd they are services of their own, so that the gate outlives the daemon.',
    json: false,
    examples: ['myaas up'],
    load: async () => (await import('./cli/host.ts')).runTogether,
  },
  {
    usage: 'completion <bash|zsh|fish>',
    group: 'Access',
    summary: 'print a script that completes commands, templates and databases',
    json: false,
    examples: [
      'source <(myaas completion bash)',
      'myaas completion zsh > "${fpath[1]}/_myaas"',
      'myaas completion fish > ~/.config/fish/completions/myaas.fish',
    ],
    load: async () => (await import('./cli/completion.ts')).printCompletion,
  },
];

process.exitCode = await runProgram(commands, process.argv.slice(2));
