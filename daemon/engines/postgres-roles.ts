/** Which roles a statement names: those of the dump's server, which ours does not know. */

const identifier = String.raw`(?:"(?:[^"]|"")+"|[\w$\x80-\xff]+)`;
const list = `${identifier}(?:\\s*,\\s*${identifier})*`;
const one = (pattern: string): RegExp => new RegExp(pattern.replaceAll('ROLES', `(${list})`), 'gi');

/** Where names of roles stand, in the statements of pg_dump, pg_dumpall, and those who write like them. */
const places: readonly { readonly of: RegExp; readonly in: readonly RegExp[] }[] = [
  { of: /^(?:alter|create)\s/i, in: [one(String.raw`\bowner\s+(?:to\s+|=\s*)?ROLES`)] },
  {
    of: /^(?:grant|revoke)\s/i,
    in: [one(String.raw`\b(?:to|from|by)\s+(?:group\s+)?ROLES`)],
  },
  {
    of: /^(?:grant|revoke)\s(?!.*\son\s)/is,
    in: [one(String.raw`^(?:grant|revoke)\s+(?:admin\s+option\s+for\s+)?ROLES`)],
  },
  {
    of: /^alter\s+default\s+privileges\s/i,
    in: [
      one(String.raw`\bfor\s+(?:role|user)\s+ROLES`),
      one(String.raw`\b(?:to|from)\s+(?:group\s+)?ROLES\s*(?:with\s|;|$)`),
    ],
  },
  {
    of: /^set\s/i,
    in: [one(String.raw`^set\s+(?:session\s+|local\s+)?(?:session\s+authorization|role)\s+ROLES`)],
  },
  { of: /^create\s+schema\s/i, in: [one(String.raw`\bauthorization\s+ROLES`)] },
  { of: /^(?:create|alter)\s+policy\s/i, in: [one(String.raw`\bto\s+ROLES`)] },
  { of: /^(?:create|alter)\s+user\s+mapping\s/i, in: [one(String.raw`\bfor\s+ROLES`)] },
  {
    of: /^(?:create|alter|comment\s+on)\s+(?:role|user|group)\s/i,
    in: [one(String.raw`\b(?:role|user|group)\s+ROLES`)],
  },
];

/** What stands for roles and is none, and words of statements in their place. */
const notRoles = /^(?:public|current_user|session_user|current_role|default|none|all|mapping|pg_\w+|if)$/;

const unquote = (name: string): string =>
  name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name.toLowerCase();

/** `statement` is latin1; so are the names. */
export function rolesOf(statement: string): string[] {
  const names = places
    .filter(({ of }) => of.test(statement))
    .flatMap((place) => place.in)
    .flatMap((pattern) => [...statement.matchAll(pattern)])
    .flatMap(([, found = '']) => found.match(new RegExp(identifier, 'g')) ?? [])
    .map(unquote)
    .filter((name) => !notRoles.test(name));
  return [...new Set(names)];
}
