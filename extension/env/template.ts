/** Values made of placeholders: `mysql://${user}:${password}@${host}:${port}/${database}`. */
import { envErrors } from './errors.ts';

export const placeholders = ['user', 'password', 'host', 'port', 'database'] as const;
export type Placeholder = (typeof placeholders)[number];
export type Fields = Readonly<Record<Placeholder, string>>;

const pattern = /\$\{([^}]*)\}/g;

/** Where a database is. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
  /** Undefined where the values do not say. */
  readonly database?: string;
}

/** Throws `MYAAS_ENV_BAD_TEMPLATE` if `template`, which is for `key`, has an unknown placeholder. */
export function checkTemplate(key: string, template: string): void {
  for (const [whole, name = ''] of template.matchAll(pattern)) {
    if (!isPlaceholder(name)) throw envErrors.badTemplate(key, whole, placeholders);
  }
}

export function isUrl(template: string): boolean {
  return template.includes('://');
}

export function has(template: string, placeholder: Placeholder): boolean {
  return template.includes(`\${${placeholder}}`);
}

/** `template` filled in; in a URL, values are encoded as its parts must be. */
export function fillIn(template: string, fields: Fields): string {
  const url = isUrl(template);
  return template.replace(pattern, (whole, name: string) => {
    if (!isPlaceholder(name)) return whole;
    if (!url) return fields[name];
    return name === 'host' ? urlHost(fields.host) : urlPart(fields[name]);
  });
}

/** What `value` says of the fields that `template` has; undefined if it is not of that form. */
export function readFields(template: string, value: string): Partial<Fields> | undefined {
  const names: Placeholder[] = [];
  let source = '';
  let at = 0;
  for (const match of template.matchAll(pattern)) {
    const [whole, name = ''] = match;
    if (!isPlaceholder(name)) continue;
    names.push(name);
    source += `${escaped(template.slice(at, match.index))}(.*?)`;
    at = match.index + whole.length;
  }
  const match = new RegExp(`^${source}${escaped(template.slice(at))}$`, 's').exec(value);
  if (!match) return undefined;
  return Object.fromEntries(names.map((name, index) => [name, match[index + 1] ?? '']));
}

/** The parts of a connection URL, decoded; undefined if `value` is none. */
export function readUrl(value: string): Fields | undefined {
  const [, authority, path = ''] = /^[\w+.-]+:\/\/([^/?#]*)(?:\/([^?#]*))?/.exec(value) ?? [];
  const parts = /^(?:([^:@]*)(?::([^@]*))?@)?(\[[^\]]*\]|[^:]*)(?::(\d+))?$/.exec(authority ?? '');
  if (!parts) return undefined;
  const [, user = '', password = '', host = '', port = '3306'] = parts;
  try {
    return {
      user: decodeURIComponent(user),
      password: decodeURIComponent(password),
      host: host.replace(/^\[|\]$/g, ''),
      port,
      database: decodeURIComponent(path),
    };
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
}

/** Whether two hosts are the same, as far as their names tell. */
export function isSameHost(one: string, other: string): boolean {
  return hostName(one) === hostName(other);
}

function hostName(host: string): string {
  const name = host.toLowerCase();
  return name === 'localhost' || name === '::1' ? '127.0.0.1' : name;
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
}

function isPlaceholder(name: string): name is Placeholder {
  return placeholders.some((one) => one === name);
}

/** `encodeURIComponent` leaves some characters that RFC 3986 reserves. */
function urlPart(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (found) => `%${found.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function urlHost(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
