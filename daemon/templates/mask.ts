/** `<template>.mask.json`: which columns developers must not see as they are, and what they see instead. */
import { createHmac } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { Type, type Static } from 'typebox';
import { Value } from 'typebox/value';
import type { Registry } from '../drivers/registry.ts';
import type { AdminSession, MaskedColumn } from '../engines/engine.ts';
import { messageOf, type MyaasError } from '../errors/error.ts';
import { errors } from '../errors/errors.ts';
import type { ImportRun } from './run.ts';
import type { DumpFile } from './formats/unpack.ts';

const Rule = Type.Union([
  Type.Enum(['null', 'hash', 'e-mail', 'name', 'first name', 'last name', 'phone']),
  Type.Object(
    { fixed: Type.Union([Type.String(), Type.Number(), Type.Boolean()]) },
    { additionalProperties: false },
  ),
]);

const Mask = Type.Object(
  {
    /** Never published without a mask from now on. */
    required: Type.Optional(Type.Boolean()),
    /** By table, or "database.table" where it is not the database that clients are given; then by column. */
    tables: Type.Record(Type.String(), Type.Record(Type.String(), Rule)),
  },
  { additionalProperties: false },
);
export type Mask = Static<typeof Mask>;

const hint = 'Mend the mask; the template stays as it was.';

/** Throws `MYAAS_DUMP_BAD` with all that is wrong with it. */
export async function readMask({ file, path }: DumpFile): Promise<Mask> {
  let mask: unknown;
  try {
    mask = JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    throw errors.dumpBad(file, `it is no JSON: ${messageOf(error)}.`, hint);
  }
  if (Value.Check(Mask, mask)) return mask;
  const problems = [
    ...new Set(
      Value.Errors(Mask, mask).map(({ instancePath, message }) => `${instancePath || '/'} ${message}`),
    ),
  ];
  throw errors.dumpBad(file, `it is no mask: ${problems.join('; ')}.`, hint);
}

/** Throws `MYAAS_MASK_MISSING` when this template must not be published without a mask, and has none. */
export function assertMaskThere(run: ImportRun): void {
  const { dump, deps } = run;
  if (dump.companions.mask) return;
  const isListed = deps.config.maskedTemplates.includes(dump.template);
  const wasRequired = deps.catalogue.current(dump.template)?.maskRequired ?? false;
  if (isListed || wasRequired) {
    throw errors.maskMissing(
      dump.template,
      isListed ? 'MYAAS_MASKED_TEMPLATES names it' : 'its mask has said so, and is gone',
    );
  }
}

/** Replaces the values of all columns that the mask names. Throws `MYAAS_DUMP_BAD` before anything is changed, when it can't be done. */
export async function applyMask(
  run: ImportRun,
  mask: Mask,
  admin: AdminSession,
  database: string,
): Promise<void> {
  run.enter('masking');
  const { file } = run.dump.companions.mask ?? { file: run.dump.file };
  const { databases } = await admin.contents();
  const columns = columnsOf(mask, database, databases);
  const { masker } = admin;
  if (!masker)
    throw errors.engineLacks(
      'Masking',
      run.engine.title,
      `Mask in a hook, ${run.dump.template}.after-import, and take ${file} away.`,
    );
  const problems = await masker.findMaskProblems(columns);
  if (problems.length > 0) throw cannotMask(file, problems);
  const problem = await masker.mask(columns, maskKey(run.deps.registry, run.dump.template), run.signal);
  if (problem !== undefined) throw cannotMask(file, [problem]);
}

const cannotMask = (file: string, problems: readonly string[]): MyaasError =>
  errors.dumpBad(file, problems.join('\n'), hint);

function columnsOf({ tables }: Mask, database: string, databases: readonly string[]): MaskedColumn[] {
  return Object.entries(tables).flatMap(([place, columns]) => {
    const named = databases.find((name) => place.startsWith(`${name}.`));
    const table = named === undefined ? place : place.slice(named.length + 1);
    return Object.entries(columns).map(
      ([column, rule]) =>
        ({
          database: named ?? database,
          table,
          column,
          rule: typeof rule === 'string' ? { kind: rule } : { kind: 'fixed', value: rule.fixed },
        }) satisfies MaskedColumn,
    );
  });
}

const keySetting = 'mask.key';

/** Secret to this host, so that nobody finds a value by trying all; one for each template, so that nobody joins two of them. */
function maskKey(registry: Pick<Registry, 'secret'>, template: string): Buffer {
  return createHmac('sha256', registry.secret(keySetting)).update(template).digest();
}
