/** How much one user may have: how the limits are written, and what exceeding them is called. */
import type { MyaasError } from './errors/error.ts';
import { errors } from './errors/errors.ts';
import { leaseText, parseTtlSeconds } from './instances/leases.ts';
import { parseSizeBytes, sizeText } from './sizes.ts';

export interface Quota {
  /** Instances at a time. */
  readonly maxInstances: number;
  /** From the moment at which a lease is asked for. */
  readonly maxLeaseSeconds: number;
  /** Written by all of them, besides their templates' data. */
  readonly maxDiskBytes: number;
}

/** More than there can be, and the largest whole number that the registry hands back as it was. */
export const unlimited = Number.MAX_SAFE_INTEGER;

interface Limit {
  /** Undefined when `text` is none; "none" is `unlimited`. */
  readonly parse: (text: string) => number | undefined;
  readonly text: (limit: number) => string;
  /** Completes "… is not". */
  readonly expected: string;
}

/** How each limit is read and shown. */
export const limits: Readonly<Record<keyof Quota, Limit>> = {
  maxInstances: {
    parse: orNone((text) => (/^\d{1,6}$/.test(text) ? Number(text) : undefined)),
    text: orNoneText(String),
    expected: 'a number of instances, or "none"',
  },
  maxLeaseSeconds: {
    parse: orNone(parseLease),
    text: orNoneText(leaseText),
    expected: 'a length of time such as "8h" or "7d", or "none"',
  },
  maxDiskBytes: {
    parse: orNone(parseSizeBytes),
    text: orNoneText(sizeText),
    expected: 'a size such as "50g", or "none"',
  },
};

function orNone(parse: Limit['parse']): Limit['parse'] {
  return (text) => (/^none$/i.test(text.trim()) ? unlimited : parse(text));
}

function orNoneText(text: Limit['text']): Limit['text'] {
  return (limit) => (limit === unlimited ? 'none' : text(limit));
}

function parseLease(text: string): number | undefined {
  try {
    return parseTtlSeconds(text) ?? unlimited;
  } catch {
    return undefined;
  }
}

const ofInstances = (count: number): string => (count === 1 ? '1 instance' : `${String(count)} instances`);

/** What refuses one instance more than `owner` may have. */
export function tooManyInstances(owner: string, count: number, maxInstances: number): MyaasError {
  return errors.quotaExceeded(
    `User "${owner}" has ${ofInstances(count)}, and may have ${String(maxInstances)} at a time.`,
    `Delete one ("myaas ls", "myaas rm"), or ask an operator for more: "myaas user set ${owner} --instances N".`,
  );
}

/** The same for what their instances have written; of `unknown` ones nobody knows how much. */
export function tooMuchDisk(
  owner: string,
  usedBytes: number,
  unknown: number,
  maxDiskBytes: number,
): MyaasError {
  const used = `${String(Math.floor(usedBytes / 2 ** 20))} MiB`;
  const besides = unknown === 0 ? '' : `, not counting ${ofInstances(unknown)} not looked at yet`;
  return errors.quotaExceeded(
    `The instances of user "${owner}" have written ${used} besides their templates' data${besides}, and may write ${sizeText(maxDiskBytes)}.`,
    `Delete or reset some ("myaas show" tells how much each has written), or ask an operator for more: "myaas user set ${owner} --disk SIZE".`,
  );
}
