import { ErrorBody } from '../contract/contract.ts';
import { named } from '../contract/schema.ts';

const reasons = {
  404: 'There is no such thing',
  409: 'It is in the way of something that is there, or going on',
  413: 'The body is too large',
  415: 'The body is not JSON',
  422: 'Its data can be given to no such server',
  507: 'No port is free, or the disk is full',
} as const;

const always = {
  400: 'The request is not what this call takes',
  401: 'The request carries no valid token',
  403: 'The token does not give the right to do this, or the request may come from a page in a browser',
  429: 'There were too many requests, or more is asked for than the user may have',
  500: 'MyAAS failed',
  503: 'A part of MyAAS does not run, or is too busy',
} as const;

const answer = (description: string) => ({
  description,
  content: { 'application/json': { schema: named(ErrorBody) } },
});

const described = (all: Readonly<Record<string, string>>): Record<string, object> =>
  Object.fromEntries(Object.entries(all).map(([status, reason]) => [status, answer(reason)]));

/** The errors of the routes that are open to all. */
export function failingForAll(): object {
  const { 403: page, 429: often } = always;
  return described({ 403: page, 429: often });
}

/** The errors that a route answers with, for its `response`, besides those of every route behind a token. */
export function failing(...statuses: (keyof typeof reasons)[]): object {
  return {
    ...described(always),
    ...described(Object.fromEntries(statuses.map((status) => [status, reasons[status]]))),
  };
}
