/** What variables hold for a set of credentials, and which database the values in a file name. */
import type { Values } from './editor.ts';
import type { Project, Variables } from './frameworks.ts';
import {
  checkTemplate,
  type Endpoint,
  fillIn,
  has,
  isSameHost,
  isUrl,
  readFields,
  readUrl,
} from './template.ts';

export interface Credentials {
  /** Its product, as the daemon calls it; left out: MySQL or MariaDB. */
  readonly engine?: string;
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password: string;
  /** What the server says by `select version()` (the template version's `engineVersion`): Symfony wants to know. */
  readonly engineVersion?: string;
}

/** The values of `variables`. Throws `MYAAS_ENV_BAD_TEMPLATE`. */
export function valuesOf(
  variables: Variables,
  credentials: Credentials,
  framework: Project['framework'] = 'unknown',
): Values {
  const fields = {
    ...credentials,
    // MySQL clients turn "localhost" into a socket and ignore the port.
    host: credentials.host === 'localhost' ? '127.0.0.1' : credentials.host,
    port: String(credentials.port),
  };
  return Object.fromEntries(
    Object.entries(variables).map(([key, template]) => {
      checkTemplate(key, template);
      const parameters = framework === 'symfony' && isUrl(template) ? doctrineParameters(credentials) : '';
      return [key, fillIn(template, fields) + parameters];
    }),
  );
}

/** Without a version, Doctrine connects to ask for it, even where no database is needed. */
function doctrineParameters({ engine, engineVersion = '' }: Credentials): string {
  if (engine === 'postgres') {
    const [series] = /^\d+(?:\.\d+)?/.exec(engineVersion) ?? [];
    return `?${series === undefined ? '' : `serverVersion=${series}&`}charset=utf8`;
  }
  const [number] = /\d+\.\d+\.\d+/.exec(engineVersion) ?? [];
  if (number === undefined) return '?charset=utf8mb4';
  return `?serverVersion=${number}${/mariadb/i.test(engineVersion) ? '-MariaDB' : ''}&charset=utf8mb4`;
}

/**
 * Of what a file has, that which is still as it was written for `credentials`. A host or a name alone can be another
 * database's too: such values count only where the ports beside them are still ours.
 */
export function stillOurs(
  present: ReadonlyMap<string, string>,
  variables: Variables,
  credentials: Credentials,
): Values {
  const written = valuesOf(variables, credentials);
  const isOurs = (key: string): boolean => {
    const value = present.get(key);
    if (value === undefined) return false;
    return value === written[key] || (isUrl(variables[key] ?? '') && isSameLogin(value, written[key] ?? ''));
  };
  const keys = Object.keys(variables);
  const withPort = keys.filter((key) => present.has(key) && has(variables[key] ?? '', 'port'));
  const ours = keys.filter((key) => {
    if (!isOurs(key)) return false;
    const beside = withPort.filter((one) => groupOf(one, variables) === groupOf(key, variables));
    return withPort.includes(key) || (beside.length > 0 ? beside : withPort).every(isOurs);
  });
  return withPort.some(isOurs) ? Object.fromEntries(ours.map((key) => [key, present.get(key) ?? ''])) : {};
}

/** Whether two URLs are of one account in one database; parameters and scheme may have been changed by hand. */
function isSameLogin(one: string, other: string): boolean {
  const [a, b] = [readUrl(one), readUrl(other)];
  return (
    a !== undefined &&
    b !== undefined &&
    isSameHost(a.host, b.host) &&
    a.port === b.port &&
    a.database === b.database &&
    a.user === b.user &&
    a.password === b.password
  );
}

/** URLs name a database by themselves, others together with those of the same prefix. */
function groupOf(key: string, variables: Variables): string {
  return isUrl(variables[key] ?? '') ? key : key.replace(/[^_]*$/, '');
}

/** Where the values of `variables` lead: each URL, and each group of plain values with a host and a port. */
export function endpointsIn(present: ReadonlyMap<string, string>, variables: Variables): readonly Endpoint[] {
  const groups = new Map<string, { host?: string; port?: string; database?: string }>();
  for (const [key, template] of Object.entries(variables)) {
    const value = present.get(key);
    const fields =
      value === undefined ? undefined : (isUrl(template) ? readUrl : readFields.bind(null, template))(value);
    if (fields) groups.set(groupOf(key, variables), { ...groups.get(groupOf(key, variables)), ...fields });
  }
  return [...groups.values()].flatMap(({ host, port, database }) => {
    const number = /^\d{1,5}$/.test(port ?? '') ? Number(port) : undefined;
    if (host === undefined || host === '' || number === undefined) return [];
    return [{ host, port: number, ...(database !== undefined && { database }) }];
  });
}

/** Whether an endpoint is that of `instance`. */
export function leadsTo(
  endpoint: Endpoint,
  instance: Pick<Credentials, 'host' | 'port' | 'database'>,
): boolean {
  return (
    endpoint.port === instance.port &&
    isSameHost(endpoint.host, instance.host) &&
    (endpoint.database ?? instance.database) === instance.database
  );
}
