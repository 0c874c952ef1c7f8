/** The database products that MyAAS knows. */
import { errors } from '../errors/errors.ts';
import type { Engine } from './engine.ts';
import { mariadb } from './mariadb.ts';
import { mysql } from './mysql.ts';
import { postgres } from './postgres.ts';
import { valkey } from './valkey.ts';

/** The first is that of dumps that nothing tells of. */
export const engines: readonly [Engine, ...Engine[]] = [mariadb, mysql, postgres, valkey];

const byName = new Map(engines.map((engine) => [engine.name, engine]));

export const isEngine = (name: string): boolean => byName.has(name);

/** Throws `MYAAS_ENGINE_UNKNOWN`: what is on record may be of a newer MyAAS. */
export function engineOf(name: string): Engine {
  const engine = byName.get(name);
  if (!engine) throw errors.engineUnknown(name, [...byName.keys()]);
  return engine;
}
