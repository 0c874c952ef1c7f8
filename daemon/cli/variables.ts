/** The variables an application finds its database by. */
import type { Instance } from '../contract.ts';
import { errors } from '../errors.ts';
import { titleOf } from './instance.ts';

type WithCredentials = Instance & Required<Pick<Instance, 'password' | 'url'>>;

/** The instance with its credentials. Throws `MYAAS_NO_CREDENTIALS` when the daemon does not show them to us. */
export function credentialsOf(instance: Instance): WithCredentials {
  const { password, url } = instance;
  if (password === undefined || url === undefined)
    throw errors.noCredentials(titleOf(instance), instance.owner);
  return { ...instance, password, url };
}

/** Names and values, in the order they are written; the names are those of Laravel and of nearly everybody else. */
export function variablesOf(instance: Instance): Readonly<Record<string, string>> {
  const { host, port, database, user, password, url } = credentialsOf(instance);
  return {
    DB_CONNECTION: 'mysql',
    DB_HOST: host,
    DB_PORT: String(port),
    DB_DATABASE: database,
    DB_USERNAME: user,
    DB_PASSWORD: password,
    DATABASE_URL: url,
    MYAAS_INSTANCE: titleOf(instance),
  };
}
