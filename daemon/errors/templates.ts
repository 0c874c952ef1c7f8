/** What keeps a dump from becoming a template, or a template from being used. */
import { MyaasError, quote } from './error.ts';

export const templateErrors = {
  templateNotFound: (name: string) =>
    new MyaasError(
      'MYAAS_TEMPLATE_NOT_FOUND',
      404,
      `There is no template "${name}".`,
      '"myaas templates" lists what there is; "myaas update" imports new dumps.',
    ),
  versionNotFound: (template: string, version: string) =>
    new MyaasError(
      'MYAAS_VERSION_NOT_FOUND',
      404,
      `Template "${template}" has no version "${version}".`,
      `"myaas templates ${template}" lists its versions.`,
    ),
  templateImporting: (name: string) =>
    new MyaasError(
      'MYAAS_TEMPLATE_IMPORTING',
      409,
      `Template "${name}" is being imported for the first time.`,
      'Try again when the import is done; "myaas templates" shows its progress.',
    ),
  templateInUse: (name: string, instances: readonly string[]) =>
    new MyaasError(
      'MYAAS_TEMPLATE_IN_USE',
      409,
      `Template "${name}" is used by ${String(instances.length)} instance(s): ${instances.slice(0, 5).join(', ')}.`,
      'Delete them first, or delete the template with force, which deletes them too.',
    ),
  templateBusy: (name: string) =>
    new MyaasError(
      'MYAAS_TEMPLATE_BUSY',
      409,
      `Template "${name}" is being imported.`,
      'Wait for the end of its import, or cancel it.',
    ),
  dumpNotFound: (template: string, dumpsDir: string) =>
    new MyaasError(
      'MYAAS_DUMP_NOT_FOUND',
      404,
      `There is no dump for a template "${template}" in ${dumpsDir}.`,
      `Put ${template}.sql (or .sql.gz, .sql.zst, .sql.xz, .sql.bz2) there.`,
    ),
  dumpBad: (file: string, why: string, hint = 'Mend or remove the dump; the template stays as it was.') =>
    new MyaasError('MYAAS_DUMP_BAD', 422, `${file}: ${why}`, hint),
  engineUnknown: (name: string, known: readonly string[]) =>
    new MyaasError(
      'MYAAS_ENGINE_UNKNOWN',
      422,
      `${quote(name)} is no database product that this MyAAS knows.`,
      `There are ${known.join(', ')}.`,
    ),
  engineLacks: (what: string, title: string, hint: string) =>
    new MyaasError('MYAAS_ENGINE_LACKS', 422, `${what} is not there for ${title}.`, hint),
  maskMissing: (template: string, why: string) =>
    new MyaasError(
      'MYAAS_MASK_MISSING',
      422,
      `Template "${template}" is not published without a mask: ${why}.`,
      `Put ${template}.mask.json beside the dump.`,
    ),
  importFailed: (what: string, hint: string, cause?: unknown) =>
    new MyaasError('MYAAS_IMPORT_FAILED', 500, what, hint, cause),
  jobNotFound: (id: string) =>
    new MyaasError(
      'MYAAS_JOB_NOT_FOUND',
      404,
      `There is no import job "${id}".`,
      'Jobs are kept until the daemon restarts.',
    ),
  cancelled: (what: string) =>
    new MyaasError('MYAAS_CANCELLED', 409, `${what} was cancelled.`, 'Nothing was left behind.'),
} as const;
