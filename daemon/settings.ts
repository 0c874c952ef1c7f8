/** The kinds of values that settings have: how each is written, and what is said of a text that is none. */
import { isIP } from 'node:net';
import { parseTtlSeconds } from './instances/leases.ts';
import { isName } from './names.ts';
import { parseSizeBytes } from './sizes.ts';

export interface Kind<T> {
  /** Completes "… is not". */
  readonly expected: string;
  /** Undefined when `text` is none; in an object, because undefined may be what it says. */
  readonly read: (text: string) => { readonly value: T } | undefined;
}

/** A kind whose values are never undefined, so that `parse` says by it that `text` is none. */
export function kind<T>(expected: string, parse: (text: string) => T | undefined): Kind<T> {
  return {
    expected,
    read: (text) => {
      const value = parse(text);
      return value === undefined ? undefined : { value };
    },
  };
}

export function matching(pattern: RegExp, expected: string): Kind<string> {
  return kind(expected, (text) => (pattern.test(text) ? text : undefined));
}

/** A whole number, both ends included. */
export function integer(
  min: number,
  max: number,
  expected = `a number from ${String(min)} to ${String(max)}`,
) {
  return kind(expected, (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : NaN;
    return value >= min && value <= max ? value : undefined;
  });
}

/** In bytes. */
export function size(leastBytes: number, expected: string): Kind<number> {
  return kind(expected, (text) => {
    const bytes = parseSizeBytes(text);
    return bytes !== undefined && bytes >= leastBytes ? bytes : undefined;
  });
}

function list(expected: string, isOne: (text: string) => boolean): Kind<readonly string[]> {
  return kind(expected, (text) => {
    const entries = text.split(/[\s,]+/).filter((entry) => entry !== '');
    return entries.every(isOne) ? entries : undefined;
  });
}

export const boolean = kind('true or false', (text) => {
  if (/^(1|true|yes|on)$/i.test(text)) return true;
  return /^(0|false|no|off)$/i.test(text) ? false : undefined;
});

export const absolutePath = kind('an absolute path', (text) =>
  // "," and ":" separate the fields of Docker's mounts.
  text.startsWith('/') && !/[\0\n,:]/.test(text) ? text.replace(/(.)\/+$/, '$1') : undefined,
);

export const imageReference = matching(/^[\w.:/@-]+$/, 'an image reference');
export const ipAddress = kind('an IP address', (text) => (isIP(text) === 0 ? undefined : text));
export const hostNames = list('a list of host names', (text) => /^[a-z0-9.-]{1,253}$/i.test(text));
export const templateNames = list('a list of template names', (text) => isName('template', text));

/** Inclusive. */
export interface PortRange {
  readonly from: number;
  readonly to: number;
}

export const portRange = kind<PortRange>('a range of ports such as "23000-23999"', (text) => {
  const match = /^(\d+)-(\d+)$/.exec(text);
  const [from, to] = [Number(match?.[1]), Number(match?.[2])];
  return from >= 1 && from <= to && to <= 65535 ? { from, to } : undefined;
});

export interface Address {
  readonly host: string;
  readonly port: number;
}

export const address = kind<Address>('"port" or "address:port"', (text) => {
  const match = /^(?:(\[[0-9a-f:]+\]|[a-z0-9.-]+):)?(\d+)$/i.exec(text);
  const port = Number(match?.[2]);
  if (!match || port < 1 || port > 65535) return undefined;
  return { host: (match[1] ?? '127.0.0.1').replace(/^\[|\]$/g, ''), port };
});

const longestIdleSeconds = 7 * 86_400;

/** In milliseconds; undefined: never. */
export const idleTime: Kind<number | undefined> = {
  expected: 'a length of time of at most 7 days, such as "30m" or "8h", or "never"',
  read: (text) => {
    try {
      const seconds = parseTtlSeconds(text);
      if (seconds === null) return { value: undefined };
      return seconds <= longestIdleSeconds ? { value: seconds * 1000 } : undefined;
    } catch {
      return undefined;
    }
  },
};

export const volumeDriver: Kind<string | undefined> = {
  expected: 'the name of a driver of lower-case letters, digits, "_", "." and "-", or "off"',
  read: (text) => {
    if (text === 'off') return { value: undefined };
    return /^[a-z0-9][a-z0-9_.-]{0,62}$/.test(text) ? { value: text } : undefined;
  },
};

export type DiskLimitSetting =
  | { readonly kind: 'bytes'; readonly bytes: number }
  /** Of the whole file system. */
  | { readonly kind: 'share'; readonly share: number }
  | { readonly kind: 'off' };

/** What a server needs to start and recover. */
const leastDiskLimitBytes = 128 * 2 ** 20;

export const diskLimit = kind<DiskLimitSetting>(
  'a size of at least 128m, a share such as "25%", or "off"',
  (text) => {
    if (/^(off|none|0)$/i.test(text)) return { kind: 'off' };
    const percent = Number(/^(\d{1,3})%$/.exec(text)?.[1]);
    if (percent >= 1 && percent <= 100) return { kind: 'share', share: percent / 100 };
    const bytes = parseSizeBytes(text);
    return bytes !== undefined && bytes >= leastDiskLimitBytes ? { kind: 'bytes', bytes } : undefined;
  },
);
