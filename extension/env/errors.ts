/** What can go wrong with a `.env` file. No error holds a value: it may be a password. */
import { MyaasError } from '../../daemon/errors/error.ts';

export const envErrors = {
  fileRefused: (file: string, why: string, hint: string) =>
    new MyaasError('MYAAS_ENV_FILE_REFUSED', 400, `${file} is not used for credentials: ${why}.`, hint),
  ambiguous: (reader: string, keys: readonly string[]) =>
    new MyaasError(
      'MYAAS_ENV_AMBIGUOUS',
      409,
      `The .env file was not changed: after the change ${reader} would misread ${namesOf(keys)}.`,
      'Look near there for a quote that is not closed, text after a closing quote, or blanks after a "KEY=" without a value.',
    ),
  badKey: (key: string) =>
    new MyaasError(
      'MYAAS_ENV_BAD_KEY',
      400,
      `${JSON.stringify(key)} cannot be the name of a variable.`,
      'A name has letters, digits and "_", and does not start with a digit.',
    ),
  badValue: (key: string, why: string) =>
    new MyaasError(
      'MYAAS_ENV_BAD_VALUE',
      400,
      `The value of ${key} cannot be written in a .env file: ${why}.`,
      'Node, dotenv and sh must read the same value; no quoting makes them do so here.',
    ),
  badTemplate: (key: string, placeholder: string, known: readonly string[]) =>
    new MyaasError(
      'MYAAS_ENV_BAD_TEMPLATE',
      400,
      `The setting "myaas.env.variables" has the unknown placeholder "${placeholder}" in ${key}.`,
      `There are ${known.map((name) => `\${${name}}`).join(', ')}.`,
    ),
} as const;

/** What a reader takes for a key can be any part of a broken file, which is nothing to show. */
function namesOf(keys: readonly string[]): string {
  const names = keys.filter((key) => /^[\w.-]{1,60}$/.test(key)).slice(0, 5);
  return names.length > 0 ? names.join(', ') : 'a line of it';
}
