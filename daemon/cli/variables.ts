/** The variables an application finds its database by. */
import type { Instance } from '../contract/instances.ts';
import { errors } from '../errors/errors.ts';
import { titleOf } from './instance.ts';

type WithCredentials = Instance & Required<Pick<Instance, 'password' | 'url'>>;
type Variables = Readonly<Record<string, string>>;

/** The instance with its credentials. Throws `MYAAS_NO_CREDENTIALS` when the daemon does not show them to us. */
export function credentialsOf(instance: Instance): WithCredentials {
  const { password, url } = instance;
  if (password === undefined || url === undefined)
    throw errors.noCredentials(titleOf(instance), instance.owner);
  return { ...instance, password, url };
}

/** The names of Laravel and of nearly everybody else; `driver` is Laravel's. */
const databaseVariables = (
  driver: string,
  { host, port, database, user, password, url }: WithCredentials,
): Variables => ({
  DB_CONNECTION: driver,
  DB_HOST: host,
  DB_PORT: String(port),
  DB_DATABASE: database,
  DB_USERNAME: user,
  DB_PASSWORD: password,
  DATABASE_URL: url,
});

/** Of products that are not found by the variables of MySQL's. */
const own: Readonly<Record<string, (credentials: WithCredentials) => Variables>> = {
  postgres: (credentials) => ({
    ...databaseVariables('pgsql', credentials),
    PGHOST: credentials.host,
    PGPORT: String(credentials.port),
    PGDATABASE: credentials.database,
    PGUSER: credentials.user,
    PGPASSWORD: credentials.password,
  }),
  valkey: ({ host, port, database, user, password, url }) => ({
    REDIS_HOST: host,
    REDIS_PORT: String(port),
    REDIS_USERNAME: user,
    REDIS_PASSWORD: password,
    REDIS_DB: database,
    REDIS_URL: url,
  }),
};

/** Names and values, in the order they are written. */
export function variablesOf(instance: Instance): Variables {
  const credentials = credentialsOf(instance);
  const variables = own[instance.engine]?.(credentials) ?? databaseVariables('mysql', credentials);
  return { ...variables, MYAAS_INSTANCE: titleOf(instance) };
}
