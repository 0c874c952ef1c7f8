/** Tokens in VS Code's SecretStorage, one for each daemon's address. */
import type { SecretStorage } from 'vscode';

const keyOf = (url: string): string => `token:${url}`;

export const storedToken = (secrets: SecretStorage, url: string): Thenable<string | undefined> =>
  secrets.get(keyOf(url));

export const storeToken = (secrets: SecretStorage, url: string, token: string): Thenable<void> =>
  secrets.store(keyOf(url), token);

export const forgetToken = (secrets: SecretStorage, url: string): Thenable<void> =>
  secrets.delete(keyOf(url));
