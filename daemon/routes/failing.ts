import { ErrorBody, named } from '../contract.ts';

const reasons = {
  404: 'There is no such thing',
  409: 'It is in the way of something that is there, or going on',
  413: 'The body is too large',
  415: 'The body is not JSON',
  503: 'A part of MyAAS does not run',
  507: 'No port is free, or the disk is full',
} as const;

const always = {
  400: 'The request is not what this call takes',
  401: 'The request carries no valid token',
  403: 'The token does not give the right to do this, or the request may come from a page in a browser',
  429: 'There were too many requests, or more is asked for than the user may have',
  500: 'MyAAS failed',
} as const;

const answer = (description: string) => ({
  description,
  content: { 'application/json': { schema: named(ErrorBody) } },
});

/** The errors that a route answers with, for its `response`, besides those of every route behind a token. */
export function failing(...statuses: (keyof typeof reasons)[]): object {
  return Object.fromEntries([
    ...Object.entries(always).map(([status, reason]) => [status, answer(reason)] as const),
    ...statuses.map((status) => [status, answer(reasons[status])] as const),
  ]);
}
