import { setValues } from '../../extension/env/editor.ts';
import { quoteForShell } from '../../extension/env/quoting.ts';
import { editTextFile } from '../../extension/env/text-file.ts';
import { errors } from '../errors/errors.ts';
import type { Context } from './command.ts';
import { connect } from './connection.ts';
import { findInstance, titleOf } from './instance.ts';
import { variablesOf } from './variables.ts';

interface Options {
  readonly file?: string;
  readonly format?: string;
}

/** `myaas env`: prints an instance's variables, or keeps them in a file. */
export async function printEnv(
  context: Context,
  [reference]: readonly [string],
  options: Options,
): Promise<number> {
  const { output } = context;
  const { file, format = context.json ? 'json' : 'dotenv' } = options;
  const print = formats[format];
  if (!print) throw errors.usage(`There is no format "${format}".`, 'Choose dotenv, shell or json.');
  if (file !== undefined && options.format !== undefined) {
    throw errors.usage(
      '--file and --format exclude each other.',
      'A file is always written in the format of .env files.',
    );
  }
  const instance = await findInstance(await connect(context), reference);
  const variables = variablesOf(instance);
  if (file === undefined) {
    output.line(print(variables));
    return 0;
  }
  const { path, changed } = await editTextFile(file, (text) => setValues(text, variables));
  if (context.json) output.json({ file: path, changed });
  else
    output.line(
      changed ? `${path} now names ${titleOf(instance)}.` : `${path} names ${titleOf(instance)} already.`,
    );
  return 0;
}

type Variables = Readonly<Record<string, string>>;

const formats: Readonly<Record<string, (variables: Variables) => string>> = {
  dotenv: (variables) => assignments(variables, ''),
  shell: (variables) => assignments(variables, 'export '),
  json: (variables) => JSON.stringify(variables, null, 2),
};

function assignments(variables: Variables, prefix: string): string {
  return Object.entries(variables)
    .map(([name, value]) => `${prefix}${name}=${quoteForShell(value)}`)
    .join('\n');
}
