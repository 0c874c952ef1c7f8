/** How applications name and address databases of a product. One entry for each that is not found as MySQL is. */
import type { Variables } from './frameworks.ts';

export interface Dialect {
  /** What names of its variables begin with: `DB_HOST`. */
  readonly prefixes: readonly string[];
  readonly url: string;
  /** URL schemes of its clients: the one that is in the file already was chosen for a reason. */
  readonly scheme: RegExp;
  /** What variables that name a driver hold, and what may stand there as well. */
  readonly driver: string;
  readonly laravelDriver: string;
  readonly djangoDriver: string;
  readonly drivers: RegExp;
  /** What is written where the files say nothing, in place of what the framework calls its database. */
  readonly convention?: Variables;
}

const mysql: Dialect = {
  prefixes: ['DB', 'DATABASE', 'MYSQL', 'MARIADB', 'TYPEORM'],
  url: 'mysql://${user}:${password}@${host}:${port}/${database}',
  scheme: /^(?:mysql2?|mariadb|trilogy)(?:\+\w+)?:\/\//i,
  driver: 'mysql',
  laravelDriver: 'mysql',
  djangoDriver: 'django.db.backends.mysql',
  drivers: /mysql|mariadb/i,
};

const postgres: Dialect = {
  prefixes: ['DB', 'DATABASE', 'POSTGRES', 'POSTGRESQL', 'PG', 'TYPEORM'],
  url: 'postgresql://${user}:${password}@${host}:${port}/${database}',
  scheme: /^(?:postgres(?:ql)?|postgis)(?:\+\w+)?:\/\//i,
  driver: 'postgres',
  laravelDriver: 'pgsql',
  djangoDriver: 'django.db.backends.postgresql',
  drivers: /postgres|pgsql|^pg$|postgis/i,
};

const redisUrl = 'redis://${user}:${password}@${host}:${port}/${database}';
const redis: Dialect = {
  prefixes: ['REDIS', 'VALKEY'],
  url: redisUrl,
  scheme: /^(?:redis|valkey):\/\//i,
  driver: 'redis',
  laravelDriver: 'redis',
  djangoDriver: 'django.core.cache.backends.redis.RedisCache',
  drivers: /redis|valkey/i,
  convention: {
    REDIS_HOST: '${host}',
    REDIS_PORT: '${port}',
    REDIS_USERNAME: '${user}',
    REDIS_PASSWORD: '${password}',
    REDIS_DB: '${database}',
    REDIS_URL: redisUrl,
  },
};

const byEngine: Readonly<Record<string, Dialect>> = { postgres, valkey: redis };

export const dialectOf = (engine: string | undefined): Dialect => byEngine[engine ?? ''] ?? mysql;
