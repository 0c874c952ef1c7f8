/** Which keys a project's database has in `.env` files: those it has already, else those of its framework. */
import type { Dialect } from './dialects.ts';
import type { Project, Variables } from './frameworks.ts';
import { has, isUrl } from './template.ts';

type Role = 'url' | 'driver' | 'host' | 'port' | 'database' | 'user' | 'password';

const suffixes: Readonly<Record<Role, readonly string[]>> = {
  url: ['URL', 'URI'],
  driver: ['CONNECTION', 'CLIENT', 'TYPE', 'DRIVER', 'DIALECT', 'ENGINE', 'ADAPTER'],
  host: ['HOST', 'HOSTNAME'],
  port: ['PORT'],
  database: ['DATABASE', 'NAME', 'DBNAME'],
  user: ['USERNAME', 'USER'],
  password: ['PASSWORD', 'PASS'],
};
/** What a connection cannot do without, as opposed to a URL, which has it all. */
const essential = ['host', 'port', 'database', 'user', 'password'] as const satisfies readonly Role[];

/** What a variable that is missing is called, if the framework has no name for it. */
function usualKey(prefix: string, role: Role): string {
  if (prefix === 'DATABASE' && role === 'database') return 'DATABASE_NAME';
  if ((prefix === 'MYSQL' || prefix === 'MARIADB') && role === 'user') return `${prefix}_USER`;
  return `${prefix}_${suffixes[role][0] ?? ''}`;
}

interface Known {
  readonly key: string;
  readonly prefix: string;
  readonly role: Role;
}

/**
 * The variables to be written, with templates for values: `custom` if there are any, else those of `present` (what is
 * in the file and its samples) that are known to name databases, completed; else the framework's.
 */
export function chooseVariables(
  present: ReadonlyMap<string, string>,
  { framework, dialect, convention, required }: Project,
  custom: Variables = {},
): Variables {
  if (Object.keys(custom).length > 0) return custom;
  const known = [...present.keys()].flatMap((key) => knownKey(key, dialect) ?? []).filter(isForClients);
  const chosen: Record<string, string> = {};
  for (const { key, role } of known) {
    chosen[key] = keepingStyle(
      convention[key] ?? defaultTemplate(role, framework, dialect),
      dialect,
      present.get(key),
    );
  }
  for (const prefix of new Set(known.map((one) => one.prefix))) {
    complete(chosen, prefix, known, { dialect, convention });
  }
  for (const key of known.length > 0 ? required : Object.keys(convention)) {
    chosen[key] ??= keepingStyle(convention[key] ?? '', dialect, present.get(key));
  }
  return chosen;
}

function knownKey(key: string, { prefixes }: Dialect): Known | undefined {
  const [, prefix = '', suffix = ''] = /^([A-Z]+)_([A-Z]+)$/.exec(key) ?? [];
  const role = rolesOf(suffix);
  return role && prefixes.includes(prefix) ? { key, prefix, role } : undefined;
}

function rolesOf(suffix: string): Role | undefined {
  return (Object.keys(suffixes) as Role[]).find((role) => suffixes[role].includes(suffix));
}

/** `MYSQL_DATABASE`, `MYSQL_USER` and the like without a host are for the server image of that name in Compose files. */
function isForClients({ prefix }: Known, _: number, all: readonly Known[]): boolean {
  if (prefix !== 'MYSQL' && prefix !== 'MARIADB') return true;
  return all.some((one) => one.prefix === prefix && ['url', 'host', 'port'].includes(one.role));
}

function defaultTemplate(role: Role, framework: Project['framework'], dialect: Dialect): string {
  if (role === 'url') return dialect.url;
  if (role === 'driver') return framework === 'django' ? dialect.djangoDriver : dialect.driver;
  return `\${${role}}`;
}

/** Adds what the variables of this prefix lack for a connection, under the names of `convention` where it has them. */
function complete(
  chosen: Record<string, string>,
  prefix: string,
  known: readonly Known[],
  { dialect, convention }: Pick<Project, 'dialect' | 'convention'>,
): void {
  const own = known.filter((one) => one.prefix === prefix);
  if (own.every(({ role }) => role === 'url')) return;
  const conventional = Object.keys(convention).flatMap((key) => knownKey(key, dialect) ?? []);
  // Bedrock has the port in DB_HOST.
  const hasPort = own.some(({ key, role }) => role === 'host' && has(chosen[key] ?? '', 'port'));
  for (const role of essential) {
    if (own.some((one) => one.role === role) || (role === 'port' && hasPort)) continue;
    const key =
      conventional.find((one) => one.prefix === prefix && one.role === role)?.key ?? usualKey(prefix, role);
    chosen[key] ??= convention[key] ?? `\${${role}}`;
  }
}

/** The template, adapted to the value that stands there: any driver of the product, and the scheme of a URL, stay. */
function keepingStyle(template: string, { drivers, scheme: schemes }: Dialect, current = ''): string {
  if (!template.includes('${')) return drivers.test(current) ? current : template;
  const scheme = isUrl(template) ? schemes.exec(current)?.[0] : undefined;
  return scheme === undefined ? template : template.replace(/^[^:]+:\/\//, scheme);
}
