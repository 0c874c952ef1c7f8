/** The part of the table in `main.ts` that is about users and their tokens. */
import type { CommandGroup, LeafCommand } from './command.ts';

const tokenOptions = [
  ['--name <name>', 'what to call the token in lists and in the audit log'],
  ['--templates <templates>', 'there are only these for it, such as "shop,crm"; then it is no admin\'s'],
  ['--expires <time>', 'when it ends, such as "30d"; default: never'],
] as const;

const quotaOptions = [
  ['--instances <number>', 'how many databases they may have at a time'],
  ['--lease <time>', 'how long a lease may last from the moment it is asked for, such as "7d"'],
  ['--disk <size>', 'how much all of them may write, such as "50g"'],
] as const;
const quotaDetails =
  'Each limit may also be "none", or "default": what MYAAS_QUOTA_INSTANCES, _LEASE and _DISK say. Admins have none.';

/** Who did what by these. */
export const auditCommand: LeafCommand = {
  usage: 'audit',
  group: 'Access',
  summary: 'show who made, saw, changed and deleted what (admins only)',
  details: 'Also what was refused. Credentials that are seen again and again are noted once an hour.',
  options: [
    ['--user <user>', 'only what this user did'],
    ['--instance <instance>', 'only of this one: template/name, name or id; also of one that is gone'],
    ['--action <action>', 'only this: create, credentials, reset, delete, refused, …'],
    ['--since <time>', 'an RFC 3339 time, or how long ago, such as "2h" or "7d"'],
    ['--limit <number>', 'how many at most; default: 100'],
  ],
  examples: [
    'myaas audit --since 1d',
    'myaas audit --instance shop/checkout-fix',
    'myaas audit --user alice --json',
  ],
  load: async () => (await import('./audit.ts')).showAudit,
};

export const userCommands: CommandGroup = {
  usage: 'user',
  group: 'Host (as root)',
  summary: 'give people access, and take it away',
  subcommands: [
    {
      usage: 'add <name>',
      summary: 'add a user and print a token for them, once',
      options: [
        ['--admin', "may import dumps and see and change everybody's databases"],
        [
          '--role <admin|member|read-only>',
          'what they may do; default: member, who has databases of their own',
        ],
        ...quotaOptions,
        ...tokenOptions,
      ],
      details: quotaDetails,
      examples: [
        'sudo myaas user add alice',
        'sudo myaas user add bob --instances 3 --lease 7d',
        'sudo myaas user add carol --admin --expires 30d',
        'sudo myaas user add ci --templates shop --name pipeline',
      ],
      load: async () => (await import('./user.ts')).addUser,
    },
    {
      usage: 'list',
      summary: 'list users and their tokens (not the tokens themselves)',
      examples: ['sudo myaas user list'],
      load: async () => (await import('./user.ts')).listUsers,
    },
    {
      usage: 'token <name>',
      summary: 'print another token for a user, once',
      options: [['--role <admin|member|read-only>', 'fewer rights than the user has'], ...tokenOptions],
      examples: [
        'sudo myaas user token alice',
        'sudo myaas user token alice --name dashboard --role read-only',
      ],
      load: async () => (await import('./user.ts')).issueToken,
    },
    {
      usage: 'set <name>',
      summary: "change a user's role and quota",
      details: `It counts from the next request on, for all their tokens; what they have stays. ${quotaDetails}`,
      options: [['--role <admin|member|read-only>', 'what they may do'], ...quotaOptions],
      examples: [
        'sudo myaas user set alice --role read-only',
        'sudo myaas user set alice --instances 10 --disk 50g --lease default',
      ],
      load: async () => (await import('./user.ts')).changeUser,
    },
    {
      usage: 'revoke <name|token-id>',
      summary: 'remove a user with all tokens, or one token',
      details:
        "What goes on with a revoked token is ended. A token is also known as <user>/<its name>. A removed user's databases stay until their leases end or an admin deletes them.",
      examples: [
        'sudo myaas user revoke alice',
        'sudo myaas user revoke 3f2a91bc',
        'sudo myaas user revoke alice/ci',
      ],
      load: async () => (await import('./user.ts')).revoke,
    },
  ],
};
