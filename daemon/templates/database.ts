import type { AdminSession } from '../engines/engine.ts';
import { errors } from '../errors/errors.ts';

export interface ChosenDatabase {
  /** The database that clients are given. */
  readonly database: string;
  readonly databases: readonly string[];
}

/**
 * The database that clients are given: `wanted`, which we made, unless the dump made its own and left ours empty.
 * Throws `MYAAS_DUMP_BAD` when the dump made nothing at all.
 */
export async function chooseDatabase(
  admin: AdminSession,
  wanted: string,
  file: string,
): Promise<ChosenDatabase> {
  const { databases, objectCount } = await admin.contents();
  if (objectCount === 0)
    throw errors.dumpBad(file, 'it created no table, view or routine.', 'Is it a dump at all, and whole?');
  const others = databases.filter((name) => name !== wanted);
  const [first] = others;
  if (first === undefined) return { database: wanted, databases: [wanted] };
  // A dump may drop the database it then makes; ours goes only when it is there for nothing.
  if (databases.includes(wanted) && !(await admin.isEmpty(wanted))) return { database: wanted, databases };
  if (databases.includes(wanted)) await admin.dropDatabase(wanted);
  const alike = others.find((name) => name.toLowerCase() === wanted.toLowerCase());
  return { database: alike ?? first, databases: others };
}
