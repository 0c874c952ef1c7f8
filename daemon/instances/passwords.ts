import { randomInt } from 'node:crypto';

/** Letters and digits only, so that quoting and URL encoding never matter. */
const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const length = 32;

/** What an operator may give for one: so that it needs no quoting anywhere. */
export const passwordPattern = /^[\w.~-]{1,128}$/;

export const makePassword = (): string =>
  Array.from({ length }, () => alphabet[randomInt(alphabet.length)]).join('');
